package lighttransfer

import (
	"context"

	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// prefillBlock is the number of tokens that go through a layer at once: enough
// for each weight to be used often while it is in the cache.
const prefillBlock = 512

// rewind is how many tokens before the end of a prompt a session with Rewind can
// go back at least: the length of a question behind a text.
const rewind = 256

// prefill appends tokens to the sequence. Two orders of the same two loops:
//
//	layer-major   the whole prompt through layer 0, then layer 1, ...: for policies that decide
//	              while reading, so that a layer found lazy is cut before the next one is filled
//	block-major   each block of tokens through all layers: when the windows are known
func (s *Session) prefill(ctx context.Context, ids []int32) error {
	end := len(s.ids) + len(ids)
	deciding := s.decides(end)
	p := &prefill{s: s, ids: ids, t0: len(s.ids), blocks: cut(len(ids), s.o.block, s.o.Last), probe: s.probe(deciding),
		cosines: make([]float64, s.m.model.Layers)}
	s.report.observe(s.m.model.Layers)
	if s.o.Forks {
		s.kept = &kept{queries: make([]model.Queries, s.m.model.Layers)}
		if p.t0 == 0 {
			s.kept.cosines = p.cosines
		}
	}
	s.logits = nil
	if s.o.Rewind {
		s.cache.Hold(end - rewind)
	}
	err := p.run(ctx, deciding)
	if err != nil {
		return p.undo(err)
	}
	s.ids = append(s.ids, ids...)
	if deciding {
		s.decided = true
		s.pool.Shrink()
	}
	return nil
}

// decides reports whether the policy will decide on a prompt that ends at
// position end: it has not yet, and something would be out of sight.
func (s *Session) decides(end int) bool {
	return s.policy.Needs() != (lazy.Needs{}) && !s.decided && end > s.o.Window.Sink+s.o.Window.Recent
}

// probe is what the session has to be told of each layer. Ratio and error are for
// the report too, the rest only for a policy that is deciding.
func (s *Session) probe(deciding bool) model.Probe {
	need := s.policy.Needs()
	return model.Probe{Window: s.o.Window, Last: s.o.Last, Ratio: need.Ratio || s.o.Measure, Error: need.Error || s.o.Measure,
		Cosine: need.Cosine && deciding || s.o.Forks, Votes: need.Votes && deciding, Distances: need.Distances && deciding}
}

// A prefill is tokens on their way through the layers.
type prefill struct {
	s      *Session
	ids    []int32
	t0     int         // position of the first of ids
	blocks []int       // ends of the blocks in ids
	probe  model.Probe // what is asked of every layer
	x      []float32   // [tokens][hidden] residual stream: of the prompt, or of a block
	done   int         // tokens times layers

	cosines []float64 // [layer] of the tokens so far: the mean's share of them
}

// cut divides n tokens into blocks of size b; the last one has at least last
// tokens, so that one block holds all queries that are measured.
func cut(n, b, last int) []int {
	var ends []int
	for at := b; at < n; at += b {
		ends = append(ends, at)
	}
	for len(ends) > 0 && n-ends[len(ends)-1] < last {
		ends = ends[:len(ends)-1]
	}
	return append(ends, n)
}

func (p *prefill) run(ctx context.Context, layerMajor bool) error {
	m := p.s.m.model
	if layerMajor {
		p.x = make([]float32, len(p.ids)*m.Hidden)
		if err := m.Embed(p.x, p.ids); err != nil {
			return err
		}
		for l := range m.Layers {
			from := 0
			for _, to := range p.blocks {
				if err := p.step(ctx, l, from, to, p.x[from*m.Hidden:to*m.Hidden]); err != nil {
					return err
				}
				from = to
			}
			p.s.cache.Release(l)
		}
		p.finish(p.x[(len(p.ids)-1)*m.Hidden:])
		return nil
	}
	from := 0
	for _, to := range p.blocks {
		p.x = p.x[:0]
		if cap(p.x) < (to-from)*m.Hidden {
			p.x = make([]float32, (to-from)*m.Hidden)
		}
		p.x = p.x[:(to-from)*m.Hidden]
		if err := m.Embed(p.x, p.ids[from:to]); err != nil {
			return err
		}
		for l := range m.Layers {
			if err := p.step(ctx, l, from, to, p.x); err != nil {
				return err
			}
			p.s.cache.Release(l)
		}
		from = to
	}
	p.finish(p.x[len(p.x)-m.Hidden:])
	return nil
}

// step takes tokens [from, to) through layer l and lets the policy act on what
// it sees at the prompt's end.
func (p *prefill) step(ctx context.Context, l, from, to int, x []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := p.s
	last := to == len(p.ids)
	seen, err := s.m.model.Layer(l, x, to-from, p.t0+from, s.cache, &s.ws, p.ask(l, last))
	if err != nil {
		return err
	}
	if seen != nil {
		p.cosines[l] += seen.Cosine * float64(to-from) / float64(len(p.ids))
		seen.Cosine = p.cosines[l]
	}
	if seen != nil && last {
		if err := s.observed(seen); err != nil {
			return err
		}
	}
	p.done += to - from
	if s.o.Progress != nil {
		s.o.Progress(Progress{Done: p.done, Total: len(p.ids) * s.m.model.Layers})
	}
	return nil
}

// ask is what a layer is asked about a block: the cosine of every one, what
// attention loses of the last, if the layer has dropped nothing yet.
func (p *prefill) ask(l int, last bool) *model.Probe {
	ask := p.probe
	if last && p.s.wholeLayer(l) {
		ask.Distances = ask.Distances && (l == 0 || p.s.wholeLayer(l-1))
		if p.s.kept != nil {
			ask.Keep = &p.s.kept.queries[l]
		}
	} else {
		ask.Ratio, ask.Error, ask.Votes, ask.Distances = false, false, false, false
	}
	if !ask.Ratio && !ask.Error && !ask.Votes && !ask.Cosine && !ask.Distances && ask.Keep == nil {
		return nil
	}
	return &ask
}

// wholeLayer reports whether no head of the layer has dropped anything.
func (s *Session) wholeLayer(l int) bool {
	for h := range s.m.model.KVHeads {
		if !s.cache.Head(l, h).Whole() {
			return false
		}
	}
	return true
}

// observed hands a layer's observation to the report and to the policy, and
// carries out what the policy decides.
func (s *Session) observed(o *model.Observation) error {
	s.report.LazyRatio[o.Layer], s.report.OutputError[o.Layer] = number(o.Ratio), number(o.Error)
	s.report.HeadRatio[o.Layer], s.report.HeadError[o.Layer] = o.HeadRatio, o.HeadError
	if !s.decides(s.cache.Length(o.Layer)) {
		return nil
	}
	for _, d := range s.policy.Observe(lazy.Observation(*o)) {
		heads := []int{d.Head.KVHead}
		if d.Head.KVHead < 0 {
			heads = heads[:0]
			for h := range s.m.model.KVHeads {
				heads = append(heads, h)
			}
		}
		for _, h := range heads {
			if err := s.cut(d, h); err != nil {
				return err
			}
		}
		s.report.decided = append(s.report.decided, d.Head)
	}
	return nil
}

// cut carries a decision out on a KV head.
func (s *Session) cut(d lazy.Decision, kvHead int) error {
	switch {
	case d.Pick != nil:
		return s.cache.Pick(d.Head.Layer, kvHead, *d.Pick)
	case d.Merge != nil:
		return s.cache.Merge(d.Head.Layer, kvHead, *d.Merge)
	}
	return s.cache.Demote(d.Head.Layer, kvHead, s.m.model.LazyWindow(d.Head.Layer, d.Window))
}

// finish computes the logits after the last token; x is its residual stream.
func (p *prefill) finish(x []float32) {
	s := p.s
	s.logits = growTo(s.logits, s.m.model.Vocab)
	s.m.model.Logits(s.logits, x, 1, &s.ws)
}

// undo leaves the session as it was before the prefill if the cache still has
// it all, else empty: never half a prompt.
func (p *prefill) undo(cause error) error {
	s := p.s
	if len(s.report.decided) == 0 && s.cache.Back(p.t0) == p.t0 {
		s.cache.Truncate(p.t0)
		return cause
	}
	if err := s.reset(); err != nil {
		return err
	}
	return cause
}

func growTo(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
