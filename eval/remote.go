package eval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/task"
	"github.com/lighttransfer/lighttransfer/sample"
)

// Remote answers with a model behind OpenAI-compatible endpoints, which take turns.
// What may pass (too many requests, an overloaded or restarted server, a broken
// connection or answer) is tried again, at the next endpoint if there is one.
type Remote struct {
	Endpoints []string // base addresses, "https://host/v1"
	Model     string
	Key       string // sent as bearer token; "": none
	Context   int    // most tokens of a Prompt, four bytes each; 0: no limit

	// Again is told why a request is made again, before each pause; by several
	// goroutines at once. It may be nil.
	Again func(error)

	limit   *rate.Limiter // of requests to all endpoints; nil: none
	client  http.Client
	tries   int           // per record
	pause   time.Duration // before the second try; it doubles, up to longestPause
	turn    atomic.Uint64
	dialect dialect
}

const (
	longestPause   = time.Minute
	longestAsked   = 10 * time.Minute // of what a server may ask for by Retry-After
	requestTimeout = 10 * time.Minute
)

// NewRemote checks the addresses.
func NewRemote(endpoints []string, model string) (*Remote, error) {
	r := &Remote{Model: model, tries: 8, pause: time.Second, client: http.Client{Timeout: requestTimeout}}
	for _, e := range endpoints {
		u, err := url.Parse(e)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("endpoint %q: write it like https://host/v1", e)
		}
		if strings.Trim(u.Path, "/") == "" {
			u.Path = "/v1"
		}
		r.Endpoints = append(r.Endpoints, strings.TrimRight(u.String(), "/"))
	}
	if len(r.Endpoints) == 0 {
		return nil, errors.New("no endpoint")
	}
	return r, nil
}

// SetRate allows so many requests per minute, to all endpoints together.
func (m *Remote) SetRate(perMinute float64) { m.limit = rate.NewLimiter(rate.Limit(perMinute/60), 1) }

// RemotePolicy is the one policy of remote runs: what an endpoint does is its own.
var RemotePolicy = runs.Policy{Name: "endpoint", Spec: "endpoint"}

// Answer asks until there is an answer, or no hope.
func (m *Remote) Answer(ctx context.Context, r *task.Record, policies []runs.Policy) ([]runs.Result, error) {
	if err := checkRecord(r); err != nil {
		return nil, err
	}
	if r.MaxTokens == 0 {
		return nil, errors.New("a target's likelihood can be measured with local models only")
	}
	res := begin(r, policies[0].Name)
	q := newQuestion(r, m.Context)
	res.CutTokens = q.cut
	start := time.Now()
	a, err := m.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	res.Seconds = time.Since(start).Seconds()
	res.PromptTokens = a.promptTokens
	stops := sample.NewStops(r.Stop...) // servers take four stop texts at most, some none
	text, stopped := stops.Add(a.text)
	if res.Prediction = text; !stopped {
		res.Prediction += stops.Flush()
	}
	return []runs.Result{res}, nil
}

// ask tries until there is an answer, each time at the next endpoint; when all have
// been tried it pauses.
func (m *Remote) ask(ctx context.Context, q *question) (*reply, error) {
	at := int(m.turn.Add(1) - 1)
	pause := m.pause
	for try := 1; ; try++ {
		if m.limit != nil {
			if err := m.limit.Wait(ctx); err != nil {
				return nil, err
			}
		}
		base := m.Endpoints[(at+try-1)%len(m.Endpoints)]
		a, err := m.post(ctx, base, q)
		if err == nil {
			return a, nil
		}
		var again *passing
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !errors.As(err, &again):
			return nil, fmt.Errorf("%s: %w", base, err)
		case try >= m.tries*len(m.Endpoints):
			return nil, fmt.Errorf("%s: %w; given up after %d tries", base, err, try)
		}
		if m.Again != nil {
			m.Again(fmt.Errorf("%s: %w", base, err))
		}
		wait := min(again.after, longestAsked)
		if try%len(m.Endpoints) == 0 {
			wait = max(wait, pause+rand.N(pause/2+1))
			pause = min(2*pause, longestPause)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A question is a record as endpoints are asked.
type question struct {
	messages []message // of a conversation
	prompt   string    // or plain text
	most     int       // tokens of the answer
	stop     []string
	cut      int // tokens, four bytes each
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// newQuestion puts the beginning of the answer behind the last turn: words cannot be
// put into a remote model's mouth.
func newQuestion(r *task.Record, context int) *question {
	text, cut := middleBytes(r.Prompt, 4*context)
	q := &question{most: r.MaxTokens, stop: r.Stop, cut: (cut + 3) / 4}
	if r.Raw {
		q.prompt = text
		for _, more := range []string{r.Reply, r.Later} {
			if more != "" {
				q.prompt += "\n" + more
			}
		}
		q.prompt += r.Prefix
		return q
	}
	q.messages = []message{{"user", text}}
	if r.Later != "" {
		q.messages = append(q.messages, message{"assistant", r.Reply}, message{"user", r.Later})
	}
	if r.Prefix != "" {
		q.messages[len(q.messages)-1].Content += "\n" + r.Prefix
	}
	return q
}

// middleBytes is the text without its middle, at most n bytes (0: all) of whole
// characters.
func middleBytes(text string, n int) (left string, cut int) {
	if n == 0 || len(text) <= n {
		return text, 0
	}
	a, b := n/2, len(text)-n/2
	for a > 0 && !utf8.RuneStart(text[a]) {
		a--
	}
	for b < len(text) && !utf8.RuneStart(text[b]) {
		b++
	}
	return text[:a] + text[b:], b - a
}
