package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/sample"
)

// DefaultWindow is what a lazy head keeps unless told otherwise: the paper's
// setting (w_sink 4, w_recent 1020).
var DefaultWindow = kv.Window{Sink: 4, Recent: 1020}

// DefaultLast is w_last, the number of last prompt queries that are asked how
// lazy their layer is.
const DefaultLast = 32

// SessionOptions say how a session computes. The zero value is right for most uses.
type SessionOptions struct {
	Policy   string        // see [lazy.Parse]; "" and "auto": the model's calibrated plan if there is one, else full
	Window   kv.Window     // what a lazy head keeps; zero: DefaultWindow
	Last     int           // w_last; 0: DefaultLast
	KV       string        // precision of the cache: "bf16" ("" too) or "int8"
	Budget   int64         // most bytes the KV cache may hold; 0: what the machine has free
	Context  int           // most positions; 0: what the model was made for
	Sampling sample.Params // zero: greedy
	Rewind   bool          // hold what it takes to go back to shortly before the last prompt's end: see [Session.Prefill]
	Measure  bool          // measure lazy ratio and output error of every layer, whatever the policy needs
	Forks    bool          // keep what Fork needs: a layer's last queries
	Progress func(Progress)

	block int // tokens of a prefill block; 0: prefillBlock
}

// Progress says how far a prefill is, in tokens times layers.
type Progress struct{ Done, Total int }

// ErrContext is wrapped by errors about prompts that do not fit the context.
var ErrContext = errors.New("context exceeded")

// A Session is one sequence of tokens with its KV cache and its policy.
// It is not safe for concurrent use.
type Session struct {
	m      *Model
	o      SessionOptions
	fresh  lazy.Policy // as parsed, for a new start
	policy lazy.Policy
	auto   bool // the policy was chosen by "auto"
	pool   *kv.Pool
	cache  *kv.Cache

	ids     []int32   // what the cache holds
	logits  []float32 // [vocab] after the last of ids; nil when stale
	decided bool      // the policy has seen a prompt longer than its window
	kept    *kept     // of the last Prefill, for Fork; nil unless asked for

	ws      model.Workspace
	sampler *sample.Sampler
	x       []float32 // [hidden] residual stream of a token being decoded
	pending []int32   // sampled last, not in the cache yet
	talk    conversation
	report  Report
	finish  string
	err     error
}

// NewSession starts an empty sequence.
func (m *Model) NewSession(o SessionOptions) (*Session, error) {
	if o.Window == (kv.Window{}) {
		o.Window = DefaultWindow
	}
	if o.Last == 0 {
		o.Last = DefaultLast
	}
	if o.block == 0 {
		o.block = prefillBlock
	}
	if o.Context == 0 {
		o.Context = m.model.Context
	}
	switch {
	case o.Last < 0:
		return nil, fmt.Errorf("last is %d; it must be at least 1", o.Last)
	case o.Context < 0 || o.Context > m.model.Context:
		return nil, fmt.Errorf("context of %d asked for; %s was made for at most %d", o.Context, m.name, m.model.Context)
	}
	if err := o.Window.Validate(); err != nil {
		return nil, err
	}
	if o.Window.Full() {
		return nil, fmt.Errorf("the window of lazy heads needs a recent part")
	}
	precision, err := kv.ParsePrecision(o.KV)
	if err != nil {
		return nil, err
	}
	if err := o.Sampling.Validate(); err != nil {
		return nil, err
	}
	s := &Session{m: m, o: o, sampler: sample.New(o.Sampling), pool: kv.NewPool(m.model.HeadDim, precision, o.Budget)}
	if err := s.setPolicy(); err != nil {
		return nil, err
	}
	windows, err := s.begin()
	if err != nil {
		return nil, err
	}
	s.cache, err = kv.NewCache(s.pool, m.model.Layers, m.model.KVHeads, m.model.HeadDim, windows)
	return s, err
}

// Close frees the cache.
func (s *Session) Close() error { return s.cache.Close() }

// Policy returns the policy, by name and arguments.
func (s *Session) Policy() (name, args string) { return s.policy.Name(), s.policy.Args() }

// IDs returns the tokens the cache holds.
func (s *Session) IDs() []int32 { return s.ids }

// Logits returns the logits after the last token of a Prefill, [vocab]. They are
// valid until the session's next call.
func (s *Session) Logits() []float32 { return s.logits }

func (s *Session) shape() lazy.Shape { return shapeOf(&s.m.model.Config) }

func shapeOf(c *model.Config) lazy.Shape {
	return lazy.Shape{Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads}
}

// setPolicy resolves the policy; auto is the stored plan of the model, or full.
func (s *Session) setPolicy() error {
	spec := s.o.Policy
	st := lazy.Settings{Window: s.o.Window, Last: s.o.Last}
	if spec == "" || spec == "auto" {
		s.auto = true
		spec = "full"
		if plan, ok, err := s.m.StoredPlan(); err != nil {
			return err
		} else if ok {
			s.fresh, err = plan.Policy("auto", st)
			return err
		}
	}
	var err error
	if s.fresh, err = lazy.Parse(spec, st); err != nil {
		return err
	}
	if p, ok := s.fresh.(interface{ Plan() *lazy.Plan }); ok && s.fresh.Needs() != (lazy.Needs{}) && !p.Plan().Window.Full() {
		s.o.Window = p.Plan().Window // a plan that decides says itself from which length on
	}
	return nil
}

// begin takes a new policy value and returns the windows it starts with: those
// of the model where the policy says nothing.
func (s *Session) begin() ([]kv.Window, error) {
	s.policy = s.fresh.Clone()
	s.decided = false
	s.report = Report{}
	windows := s.m.model.Windows()
	own, err := s.policy.Begin(s.shape())
	if err != nil {
		return nil, err
	}
	for i, w := range own {
		if !w.Full() {
			windows[i] = s.m.model.LazyWindow(i/s.m.model.KVHeads, w)
		}
	}
	return windows, nil
}

// reset forgets the sequence; the policy starts anew.
func (s *Session) reset() error {
	windows, err := s.begin()
	if err != nil {
		return err
	}
	s.cache.Reset(windows)
	s.ids, s.logits = s.ids[:0], nil
	return nil
}

// Prefill makes the session's context exactly ids and leaves the logits after
// the last of them in Logits. The longest prefix that the cache still holds is
// kept; the rest is computed. Where lazy heads have forgotten that is none of it,
// but with Rewind a prompt that differs from the last one in 256 tokens at its end
// (another question about the same text) costs at most 127 more.
func (s *Session) Prefill(ctx context.Context, ids []int32) error {
	if len(ids) == 0 {
		return errors.New("the prompt has no tokens")
	}
	if err := s.fits(len(ids), 0); err != nil {
		return err
	}
	n := 0
	for n < len(ids) && n < len(s.ids) && ids[n] == s.ids[n] {
		n++
	}
	if n == len(ids) && n == len(s.ids) && s.logits != nil {
		s.report.Prefill = Speed{}
		s.report.ReusedTokens = n
		return nil
	}
	n = min(n, len(ids)-1) // the last token's logits are wanted
	if n < len(s.ids) {
		if n = s.cache.Back(n); n > 0 {
			s.cache.Truncate(n)
			s.ids, s.logits = s.ids[:n], nil
		} else if err := s.reset(); err != nil {
			return err
		}
	}
	if err := s.admit(len(ids), len(ids)); err != nil {
		return err
	}
	start := time.Now()
	if err := s.prefill(ctx, ids[n:]); err != nil {
		return err
	}
	s.report.ReusedTokens = n
	s.report.PromptTokens = len(ids)
	s.report.Prefill = speed(len(ids)-n, time.Since(start))
	return nil
}

// fits checks a number of positions against the context.
func (s *Session) fits(prompt, more int) error {
	if prompt+more <= s.o.Context {
		return nil
	}
	if more > 0 {
		return fmt.Errorf("%w: %d tokens of context and %d more do not fit the context of %d", ErrContext, prompt, more, s.o.Context)
	}
	return fmt.Errorf("%w: the prompt has %d tokens, the context %d (of %d that %s was made for); shorten it", ErrContext, prompt, s.o.Context, s.m.model.Context, s.m.name)
}
