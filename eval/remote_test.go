package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/task"
)

// A server answers its n-th request (from 0) by the n-th of script, then by the last.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	script []http.HandlerFunc
	bodies []map[string]any
	paths  []string
	at     []time.Time
}

func serve(t *testing.T, script ...http.HandlerFunc) *server {
	s := &server{script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var body map[string]any
		if err := json.Unmarshal(data, &body); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s with %q: %v", r.Method, data, err)
		}
		s.mu.Lock()
		n := len(s.bodies)
		s.bodies, s.paths, s.at = append(s.bodies, body), append(s.paths, r.URL.Path+" "+r.Header.Get("Authorization")), append(s.at, time.Now())
		s.mu.Unlock()
		script[min(n, len(script)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(text string) http.HandlerFunc {
	return replies(200, fmt.Sprintf(`{"choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":7}}`, text))
}

func replies(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hangsUp closes the connection, in the middle of an answer if told to.
func hangsUp(half bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if half {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"choices\": [")
		}
		c.Close()
	}
}

func remote(t *testing.T, urls ...string) *Remote {
	t.Helper()
	m, err := NewRemote(urls, "some-model")
	if err != nil {
		t.Fatal(err)
	}
	m.tries, m.pause, m.client.Timeout = 3, time.Millisecond, 300*time.Millisecond
	return m
}

var chatRecord = task.Record{Task: "t", ID: "1", Prompt: "What?", Prefix: "It is", MaxTokens: 5, Stop: []string{"\n", "a", "b", "c", "END"}}

func askRemote(m *Remote, r task.Record) (runs.Result, error) {
	list, err := m.Answer(context.Background(), &r, []runs.Policy{RemotePolicy})
	if err != nil {
		return runs.Result{}, err
	}
	return list[0], nil
}

// Whatever may pass is tried again.
func TestRemoteTriesAgain(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Second):
		}
	}
	for what, bad := range map[string]http.HandlerFunc{
		"429":           replies(429, `{"error":{"message":"slow down"}}`),
		"500":           replies(500, "oops"),
		"503":           replies(503, ""),
		"broken JSON":   replies(200, `{"choices":[{"message":{"content":"half`),
		"HTML":          replies(200, "<html>"),
		"no choices":    replies(200, `{"choices":[]}`),
		"no message":    replies(200, `{"choices":[{}]}`),
		"hanging up":    hangsUp(false),
		"half answer":   hangsUp(true),
		"never answers": slow,
	} {
		s := serve(t, bad, says("fourENDmore"))
		m := remote(t, s.URL+"/v1/")
		r, err := askRemote(m, chatRecord)
		if err != nil || r.Prediction != "four" || r.PromptTokens != 7 || r.Policy != "endpoint" || len(s.bodies) != 2 {
			t.Errorf("%s: %+v, %v after %d requests", what, r, err, len(s.bodies))
		}
		s = serve(t, bad)
		m = remote(t, s.URL)
		m.client.Timeout = 50 * time.Millisecond
		if _, err := askRemote(m, chatRecord); err == nil || !strings.Contains(err.Error(), "given up after 3 tries") || len(s.bodies) != 3 {
			t.Errorf("%s for ever: %v after %d requests", what, err, len(s.bodies))
		}
	}
}

// What is asked, in which words.
func TestRemoteRequest(t *testing.T) {
	s := serve(t, says("ok"), says("ok"), replies(200, `{"choices":[{"text":"plain"}]}`))
	m := remote(t, s.URL)
	m.Key = "secret"
	if _, err := askRemote(m, chatRecord); err != nil {
		t.Fatal(err)
	}
	later := chatRecord
	later.Reply, later.Later = "Go on.", "And now?"
	if _, err := askRemote(m, later); err != nil {
		t.Fatal(err)
	}
	raw := task.Record{Task: "t", ID: "1", Prompt: "Once", Prefix: " upon", Raw: true, MaxTokens: 5}
	if r, err := askRemote(m, raw); err != nil || r.Prediction != "plain" {
		t.Fatal(r, err)
	}
	for i, want := range []string{
		`{"max_tokens":5,"messages":[{"content":"What?\nIt is","role":"user"}],"model":"some-model","stop":["\n","a","b","c"],"temperature":0}`,
		`{"max_tokens":5,"messages":[{"content":"What?","role":"user"},{"content":"Go on.","role":"assistant"},{"content":"And now?\nIt is","role":"user"}],"model":"some-model","stop":["\n","a","b","c"],"temperature":0}`,
		`{"max_tokens":5,"model":"some-model","prompt":"Once upon","temperature":0}`,
	} {
		if got, _ := json.Marshal(s.bodies[i]); string(got) != want {
			t.Errorf("request %d: %s\nwant %s", i, got, want)
		}
	}
	if s.paths[0] != "/v1/chat/completions Bearer secret" || s.paths[2] != "/v1/completions Bearer secret" {
		t.Errorf("paths %q", s.paths)
	}
	m.Context = 10
	cut := chatRecord
	cut.Prompt = strings.Repeat("é", 20) + "x" + strings.Repeat("é", 20)
	r, err := askRemote(remoteWithContext(m, 10), cut)
	text := s.bodies[3]
	if err != nil || r.CutTokens != 11 || !strings.Contains(fmt.Sprint(text), strings.Repeat("é", 20)+"\n") {
		t.Errorf("cut by %d: %v, %v", r.CutTokens, text, err)
	}
}

func remoteWithContext(m *Remote, n int) *Remote { m.Context = n; return m }

// Servers that refuse a field by name get on without it, from then on.
func TestRemoteDialects(t *testing.T) {
	s := serve(t,
		replies(400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}}`),
		replies(400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model."}}`),
		replies(400, `{"error":{"message":"Unsupported parameter: 'stop'"}}`),
		says("x\ny"))
	m := remote(t, s.URL)
	for range 2 {
		if r, err := askRemote(m, chatRecord); err != nil || r.Prediction != "x" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if len(s.bodies) != 5 {
		t.Fatalf("%d requests", len(s.bodies))
	}
	if got, _ := json.Marshal(s.bodies[4]); string(got) != `{"max_completion_tokens":5,"messages":[{"content":"What?\nIt is","role":"user"}],"model":"some-model"}` {
		t.Errorf("the last request: %s", got)
	}
}

// What will not pass is not tried again, and is said as the server says it.
func TestRemoteRefusals(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"message":"bad key"}}`: "HTTP status 401: bad key",
		`{"error":"bad key"}`:             "HTTP status 401: bad key",
		`{"message":"bad key"}`:           "HTTP status 401: bad key",
		``:                                "HTTP status 401: no reason given",
		strings.Repeat("é", 1000):         "...",
	} {
		s := serve(t, replies(401, body))
		if _, err := askRemote(remote(t, s.URL), chatRecord); err == nil || !strings.Contains(err.Error(), want) || len(s.bodies) != 1 || len(err.Error()) > 500 {
			t.Errorf("%s: %v after %d requests", body, err, len(s.bodies))
		}
	}
	for _, url := range []string{"", "localhost:8000", "ftp://host/v1", "http://"} {
		if _, err := NewRemote([]string{url}, "m"); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
	target := chatRecord
	target.MaxTokens, target.Target = 0, "x"
	if _, err := askRemote(remote(t, "http://127.0.0.1:1"), target); err == nil || !strings.Contains(err.Error(), "local models only") {
		t.Errorf("a likelihood: %v", err)
	}
}

// A pool goes round; one that is down hands over at once.
func TestRemotePool(t *testing.T) {
	down, a, b := serve(t, replies(503, "")), serve(t, says("A")), serve(t, says("B"))
	m := remote(t, down.URL, a.URL, b.URL)
	m.pause = time.Hour
	for range 6 {
		if r, err := askRemote(m, chatRecord); err != nil || r.Prediction != "A" && r.Prediction != "B" {
			t.Fatal(r, err)
		}
	}
	if len(down.bodies) != 2 || len(a.bodies) != 4 || len(b.bodies) != 2 {
		t.Errorf("%d, %d, %d requests", len(down.bodies), len(a.bodies), len(b.bodies))
	}
}

// Pauses: as long as the server asks, as the rate allows, and over when the run is stopped.
func TestRemotePauses(t *testing.T) {
	s := serve(t, replies(429, "", "Retry-After", "0.3"), says("x"))
	if _, err := askRemote(remote(t, s.URL), chatRecord); err != nil || s.at[1].Sub(s.at[0]) < 290*time.Millisecond {
		t.Errorf("%v: asked again after %v", err, s.at[1].Sub(s.at[0]))
	}
	if d := retryAfter(http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}); d < 50*time.Second || d > time.Minute {
		t.Errorf("a date in a minute: %v", d)
	}
	s = serve(t, says("x"))
	m := remote(t, s.URL)
	m.SetRate(600)
	for range 4 {
		if _, err := askRemote(m, chatRecord); err != nil {
			t.Fatal(err)
		}
	}
	if d := s.at[3].Sub(s.at[0]); d < 280*time.Millisecond {
		t.Errorf("four requests in %v at 600 per minute", d)
	}
	s = serve(t, replies(429, "", "Retry-After", "3600"))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := remote(t, s.URL).Answer(ctx, &chatRecord, []runs.Policy{RemotePolicy}); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("stopped while pausing: %v after %v", err, time.Since(start))
	}
}
