package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/prof"
)

// A bencher measures one model.
type bencher struct {
	a     *app
	m     *lighttransfer.Model
	o     *benchFlags
	cases []*benchCase
	words []int32 // ids that prompts are made of
	peak  kernel.Peak
	meter meter
	done  int64 // tokens read and written so far, and to be in all
	total int64
}

// A benchCase is one line of the result: a policy behind a prompt.
type benchCase struct {
	options lighttransfer.SessionOptions
	prompt  int
	batch   int
	samples []benchSample // one per round
	parts   [2][]prof.Entry
}

// A benchSample is one measurement.
type benchSample struct {
	prefill, decode       time.Duration
	prefillCPU, decodeCPU time.Duration
	kvPeak, rss           int64
}

// plan lists the cases, by prompt, then by policy, and finds the batches.
func (b *bencher) plan(path string, policies []computing) error {
	for id := range int32(b.m.Tokenizer().Size()) {
		if !b.m.Tokenizer().IsSpecial(id) {
			b.words = append(b.words, id)
		}
	}
	if len(b.words) == 0 {
		return fmt.Errorf("%s has no ordinary tokens to make a prompt of", b.m.Name())
	}
	for _, n := range b.o.prompts {
		for i := range policies {
			cs := &benchCase{options: policies[i].options(), prompt: n, batch: b.o.batch}
			if cs.batch == 0 {
				if err := cs.largest(path, b.o); err != nil {
					return err
				}
			}
			b.cases = append(b.cases, cs)
			b.total += int64(cs.batch*(n+b.o.gen)) * int64(b.o.rounds)
		}
	}
	return nil
}

// largest finds the largest batch that the budget holds: all sequences but the
// last have been read, that one is being read, or all are at their end.
func (cs *benchCase) largest(path string, o *benchFlags) error {
	d, err := lighttransfer.Describe(path)
	if err != nil {
		return err
	}
	f, err := d.Footprint(cs.options)
	if err != nil {
		return err
	}
	end := f.Bytes(cs.prompt + o.gen)
	cs.batch = int(min((o.budget-f.Peak(cs.prompt))/end+1, o.budget/end))
	if o.budget < f.Peak(cs.prompt) || cs.batch < 1 {
		return fmt.Errorf("%w: a prompt of %d tokens under policy %s needs %s of KV cache, the budget is %s", lighttransfer.ErrMemory,
			cs.prompt, cs.options.Policy, mem.FormatBytes(max(f.Peak(cs.prompt), end)), mem.FormatBytes(o.budget))
	}
	return nil
}

// run measures all cases, round after round.
func (b *bencher) run(ctx context.Context) error {
	b.meter = meter{a: b.a, name: "measuring", unit: "tokens"}
	defer b.meter.stop()
	for round := range b.o.rounds {
		for _, cs := range b.cases {
			s, err := b.measure(ctx, cs, uint64(round))
			if err != nil {
				return fmt.Errorf("policy %s, prompt of %d tokens: %w", cs.options.Policy, cs.prompt, err)
			}
			cs.samples = append(cs.samples, *s)
		}
	}
	return nil
}

// random returns n random ordinary tokens.
func (b *bencher) random(n int, round, sequence uint64) []int32 {
	rnd := rand.New(rand.NewPCG(round, sequence))
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = b.words[rnd.IntN(len(b.words))]
	}
	return ids
}

// measure takes a batch through prompt and generation.
func (b *bencher) measure(ctx context.Context, cs *benchCase, round uint64) (*benchSample, error) {
	debug.FreeOSMemory() // what the case before has left
	mem.ResetPeakRSS()
	var batch []*lighttransfer.Session
	defer func() {
		for _, s := range batch {
			s.Close()
		}
	}()
	r := new(benchSample)
	err := b.timed(cs, 0, &r.prefill, &r.prefillCPU, func() error {
		var held int64 // by the sequences that have been read
		for i := range cs.batch {
			s, err := b.read(ctx, cs, round, uint64(i))
			if err != nil {
				return err
			}
			batch = append(batch, s)
			kv := s.Report().KV
			r.kvPeak = max(r.kvPeak, held+kv.PeakBytes)
			held += kv.Bytes
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = b.timed(cs, 1, &r.decode, &r.decodeCPU, func() error { return b.generate(ctx, batch, round) })
	var held int64
	for _, s := range batch {
		held += s.Report().KV.Bytes
	}
	r.kvPeak, r.rss = max(r.kvPeak, held), mem.PeakRSS()
	return r, err
}

// read reads the prompt of one sequence.
func (b *bencher) read(ctx context.Context, cs *benchCase, round, i uint64) (*lighttransfer.Session, error) {
	o := cs.options
	o.Progress = func(p lighttransfer.Progress) {
		b.meter.set(b.done+int64(cs.prompt)*int64(p.Done)/int64(p.Total), b.total)
	}
	s, err := b.m.NewSession(o)
	if err != nil {
		return nil, err
	}
	if err := s.Prefill(ctx, b.random(cs.prompt, round, i)); err != nil {
		s.Close()
		return nil, err
	}
	b.done += int64(cs.prompt)
	return s, nil
}

// generate decodes all sequences together. What they say is chosen by chance:
// that costs nothing, and is no faster or slower to go on from.
func (b *bencher) generate(ctx context.Context, sessions []*lighttransfer.Session, round uint64) error {
	batch, err := lighttransfer.NewBatch(sessions...)
	if err != nil {
		return err
	}
	ids := b.random(len(sessions)*b.o.gen, round, 1<<32)
	for ; len(ids) > 0; ids = ids[len(sessions):] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := batch.Step(ids[:len(sessions)]); err != nil {
			return err
		}
		b.done += int64(len(sessions))
		b.meter.set(b.done, b.total)
	}
	return nil
}

// timed runs a phase and keeps its time and, if wanted, its profile.
func (b *bencher) timed(cs *benchCase, phase int, wall, cpu *time.Duration, f func() error) error {
	if b.o.profile {
		prof.Enable()
		defer func() { cs.parts[phase] = addEntries(cs.parts[phase], prof.Disable()) }()
	}
	start, used := time.Now(), cpuTime()
	err := f()
	*wall, *cpu = time.Since(start), cpuTime()-used
	return err
}
