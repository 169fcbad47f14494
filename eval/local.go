package eval

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/task"
	"github.com/lighttransfer/lighttransfer/kv"
)

// Local answers with a model of this machine.
type Local struct {
	Model    *lighttransfer.Model
	Last     int                  // w_last of policies that decide while reading
	Context  int                  // most tokens of a Prompt; 0: what the model was made for
	Budget   int64                // most bytes that one policy's cache may hold; 0: what is free
	Together int64                // and those that are open at a time, if one policy after another allows it; 0: no limit
	CPU      func() time.Duration // what the process has computed so far; may be nil
}

// Prepare notes in the configuration what only the model knows.
func (l *Local) Prepare(c *runs.Config) error {
	c.ModelHash = l.Model.Hash()
	if c.Context = l.Context; c.Context == 0 {
		c.Context = l.Model.Config().Context
	}
	return resolve(l.Model, c.Policies)
}

// Answer answers one record under some policies: a result for each, in their order.
//
//	for each precision     read once with full attention
//	  for each policy      fork, or read anew if it streams while it reads
//	                       Later, and the target token by token
//	answers of all         decoded together
func (l *Local) Answer(ctx context.Context, r *task.Record, policies []runs.Policy) ([]runs.Result, error) {
	a := &answering{l: l, r: r, results: make([]runs.Result, len(policies))}
	defer a.close()
	for i := range policies {
		a.results[i] = begin(r, policies[i].Name)
	}
	var err error
	if a.p, err = newPrompt(l.Model, r, l.Context); err != nil {
		return nil, err
	}
	// Those of one precision one after another, and full attention first: the others
	// are measured against it.
	order := make([]int, len(policies))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return rank(&policies[i]) - rank(&policies[j]) })
	for _, i := range order {
		if err := a.ask(ctx, &policies[i], &a.results[i]); err != nil {
			return nil, err
		}
	}
	a.forget()
	return a.results, a.generate(ctx)
}

// rank sorts policies by precision, and full attention to the front.
func rank(p *runs.Policy) int {
	n := 0
	if p.KV == "int8" {
		n = 2
	}
	if p.Spec != "full" {
		n++
	}
	return n
}

// answering is a record being answered.
type answering struct {
	l       *Local
	r       *task.Record
	p       *prompt
	results []runs.Result

	full    *lighttransfer.Session // has read the prompt with full attention; nil: not yet, or not in this precision
	fullKV  string
	reading spent // what that took
	ref     *reference
	open    []*answer // prompts are read, answers to be generated
}

// An answer is a result, and the session that it comes from.
type answer struct {
	s *lighttransfer.Session
	r *runs.Result
}

// spent is time, on the clock and of all cores.
type spent struct{ wall, cpu time.Duration }

// timed adds what f takes.
func (a *answering) timed(to *spent, f func() error) error {
	cpu := func() time.Duration { return 0 }
	if a.l.CPU != nil {
		cpu = a.l.CPU
	}
	start, used := time.Now(), cpu()
	err := f()
	to.wall += time.Since(start)
	to.cpu += cpu() - used
	return err
}

func addTime(r *runs.Result, t spent) {
	r.Seconds += t.wall.Seconds()
	r.CPUSeconds += t.cpu.Seconds()
}

// ask takes a policy through the prompt and the target. What fails of it alone is
// its result's error.
func (a *answering) ask(ctx context.Context, p *runs.Policy, r *runs.Result) error {
	r.PromptTokens, r.CutTokens = len(a.p.whole), a.p.cut
	if len(a.p.target) > 0 && a.ref == nil && p.Spec != "full" {
		// Nobody asks for full attention, but the measures do.
		full := runs.Policy{Spec: "full", KV: p.KV}
		if err := a.alone(ctx, &full, new(runs.Result), false); err != nil {
			return err
		}
	}
	err := a.alone(ctx, p, r, a.r.MaxTokens > 0)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.Error = err.Error()
	}
	return nil
}

func (a *answering) alone(ctx context.Context, p *runs.Policy, r *runs.Result, generate bool) error {
	s, err := a.session(ctx, p, r)
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			s.Close()
		}
	}()
	var own spent
	defer func() { addTime(r, own) }()
	if err := a.timed(&own, func() error { return s.Prefill(ctx, a.p.whole) }); err != nil {
		return err
	}
	describe(r, s.Report())
	if len(a.p.target) > 0 {
		t := s
		if generate {
			if t, err = s.Copy(); err != nil {
				return err
			}
			defer t.Close()
		}
		err := a.timed(&own, func() error {
			ref, err := measureTarget(ctx, t, a.p.target, a.ref, r)
			if a.ref == nil {
				a.ref = ref
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if keep = generate; keep {
		a.open = append(a.open, &answer{s, r})
	}
	return nil
}

// session is one of the policy that has read what it decides on.
func (a *answering) session(ctx context.Context, p *runs.Policy, r *runs.Result) (*lighttransfer.Session, error) {
	o := lighttransfer.SessionOptions{Policy: p.Spec, Window: window(p), Last: a.l.Last, KV: p.KV, Budget: a.l.Budget}
	if err := a.room(ctx, p.KV); err != nil {
		return nil, err
	}
	s, err := a.fork(ctx, o, r)
	if err == nil || !errors.Is(err, lighttransfer.ErrFork) {
		return s, err
	}
	if s, err = a.l.Model.NewSession(o); err != nil {
		return nil, err
	}
	var own spent
	if err := a.timed(&own, func() error { return s.Prefill(ctx, a.p.read) }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	addTime(r, own)
	return s, nil
}

// fork makes a session from the one reading of its precision.
func (a *answering) fork(ctx context.Context, o lighttransfer.SessionOptions, r *runs.Result) (*lighttransfer.Session, error) {
	if ok, err := a.l.Model.Forks(o); !ok || err != nil {
		return nil, errors.Join(err, lighttransfer.ErrFork)
	}
	if a.fullKV != o.KV {
		a.forget()
	}
	if a.full == nil {
		full := lighttransfer.SessionOptions{Policy: "full", Last: o.Last, KV: o.KV, Budget: o.Budget, Forks: true}
		s, err := a.l.Model.NewSession(full)
		if err != nil {
			return nil, err
		}
		a.full, a.fullKV, a.reading = s, o.KV, spent{}
		if err := a.timed(&a.reading, func() error { return s.Prefill(ctx, a.p.read) }); err != nil {
			a.forget()
			return nil, err
		}
	}
	addTime(r, a.reading)
	var own spent
	var s *lighttransfer.Session
	err := a.timed(&own, func() (err error) { s, err = a.full.Fork(o); return err })
	addTime(r, own)
	return s, err
}

// room generates what is open when the caches of another policy would not fit beside.
func (a *answering) room(ctx context.Context, precision string) error {
	if a.l.Together == 0 || len(a.open) == 0 {
		return nil
	}
	c := a.l.Model.Config()
	kvp, err := kv.ParsePrecision(precision)
	if err != nil {
		return err
	}
	n := len(a.p.whole) + max(a.p.answer, len(a.p.target))
	need := 2 * kvp.NeedBytes(c.Windows(), n, 1, c.HeadDim) // the reading, and what comes from it
	for _, o := range a.open {
		need += o.s.Report().KV.Bytes
	}
	if need <= a.l.Together {
		return nil
	}
	return a.generate(ctx)
}

// forget ends the reading that others come from.
func (a *answering) forget() {
	if a.full != nil {
		a.full.Close()
		a.full = nil
	}
}

// close frees what is left after an error.
func (a *answering) close() {
	a.forget()
	for _, o := range a.open {
		o.s.Close()
	}
}

// describe fills in what the session says of its cache, at the prompt's end.
func describe(r *runs.Result, rep lighttransfer.Report) {
	r.KVBytes, r.KVPeakBytes, r.KVFullBytes = rep.KV.Bytes, rep.KV.PeakBytes, rep.KV.FullBytes
	r.LazyLayers = rep.LazyLayers
	for _, h := range rep.LazyHeads {
		r.LazyHeads = append(r.LazyHeads, [2]int{h.Layer, h.KVHead})
	}
}

// begin is the part of a result that the record says.
func begin(r *task.Record, policy string) runs.Result {
	return runs.Result{Task: r.Task, ID: r.ID, Policy: policy,
		PromptHash: promptHash(r),
		Answers:    r.Reference.Answers, Classes: r.Reference.Classes, Length: r.Reference.Length, Facts: r.Facts}
}

func promptHash(r *task.Record) string { return hash(r.Prompt, r.Reply, r.Later, r.Prefix, r.Target) }
