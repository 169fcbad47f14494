package model

import (
	"github.com/lighttransfer/lighttransfer/attn"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/prof"
	"github.com/lighttransfer/lighttransfer/kv"
)

// A Workspace holds the activations of one block of tokens. It belongs to one
// sequence; its zero value is ready.
type Workspace struct {
	acts   kernel.Acts
	h      []float32 // [n][hidden] normed residual stream
	before []float32 // [n][hidden] residual stream before attention, if it is to be compared
	q, att []float32 // [n][heads][headDim]
	k, v   []float32 // [n][kvHeads][headDim]
	ffn    kernel.GLU
	lse    []float32 // [n][heads]
	rot    rotation
	heads  []*kv.Head
	single [1]Segment
}

// WorkspaceBytes is about what a Workspace holds for blocks of n tokens.
func (c *Config) WorkspaceBytes(n int) int64 {
	return int64(n) * 4 * int64(2*c.Hidden+3*c.Heads*c.HeadDim+2*c.KVHeads*c.HeadDim+3*c.FFN)
}

// Embed writes the embeddings of ids to x, [len(ids)][hidden].
func (m *Model) Embed(x []float32, ids []int32) error {
	for i, id := range ids {
		if err := m.embedding(x[i*m.Hidden:][:m.Hidden], id); err != nil {
			return err
		}
	}
	if len(ids) >= rowBlock { // of a prompt; else its rows of the file would add up
		m.source.Forget()
	}
	return nil
}

// A Segment is a run of consecutive tokens of one sequence.
type Segment struct {
	Cache *kv.Cache
	T0, N int // position of the first token, number of tokens
}

// Layer takes n tokens at positions [t0, t0+n) of one sequence through layer l: x,
// [n][hidden], is the residual stream, changed in place; their keys and values are
// appended to the cache. What the cache needs no longer is not released here. With
// a probe, the layer is measured.
func (m *Model) Layer(l int, x []float32, n, t0 int, c *kv.Cache, w *Workspace, p *Probe) (*Observation, error) {
	w.single[0] = Segment{c, t0, n}
	return m.layer(l, x, w.single[:], w, p)
}

// LayerBatch takes tokens of several sequences through layer l, with one product
// per weight for all of them: x is the rows of the segments one after another.
func (m *Model) LayerBatch(l int, x []float32, segs []Segment, w *Workspace) error {
	_, err := m.layer(l, x, segs, w, nil)
	return err
}

func (m *Model) layer(l int, x []float32, segs []Segment, w *Workspace, p *Probe) (*Observation, error) {
	ly := &m.layers[l]
	qd, kd := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	n := 0 // rows
	for _, s := range segs {
		n += s.N
	}
	w.h = grow(w.h, n*m.Hidden)
	w.q, w.att = grow(w.q, n*qd), grow(w.att, n*qd)
	w.k, w.v = grow(w.k, n*kd), grow(w.v, n*kd)

	mark := prof.Start()
	m.norm(w.h, x, ly.attnNorm, n)
	w.acts.Set(w.h, n, m.Hidden)
	mark.Stop(kernel.Elementwise, prof.None, 0)
	kernel.MatMulAll(m.par, &w.acts, [][]float32{w.q, w.k, w.v}, []*kernel.Matrix{ly.q.w, ly.k.w, ly.v.w})
	mark = prof.Start()
	w.rot.fill(m.freq, m.ropeScale, segs)
	m.rows(n, func(i int) {
		q, k := w.q[i*qd:][:qd], w.k[i*kd:][:kd]
		ly.q.bias(q)
		ly.k.bias(k)
		ly.v.bias(w.v[i*kd:][:kd])
		m.headNorm(q, ly.qNorm)
		m.headNorm(k, ly.kNorm)
		w.rot.turn(q, i)
		w.rot.turn(k, i)
	})
	mark.Stop(kernel.Elementwise, prof.None, 0)
	var seen *Observation
	row := 0
	for _, sg := range segs {
		o, err := m.attend(l, x, sg, row, w, p)
		if err != nil {
			return nil, err
		}
		seen, row = o, row+sg.N
	}
	w.acts.Set(w.att, n, qd)
	kernel.MatMul(m.par, w.h, &w.acts, ly.o.w)
	mark = prof.Start()
	if p != nil && p.Cosine {
		w.before = append(w.before[:0], x[:n*m.Hidden]...)
	}
	m.residual(x, w.h, &ly.o, ly.ffnNorm, n)
	if p != nil && p.Cosine {
		seen.Cosine = m.cosine(w.before, x, n)
	}
	w.acts.Set(w.h, n, m.Hidden)
	mark.Stop(kernel.Elementwise, prof.None, 0)
	w.ffn.Mul(m.par, w.h, &w.acts, &ly.net)
	mark = prof.Start()
	m.residual(x, w.h, &ly.down, nil, n)
	mark.Stop(kernel.Elementwise, prof.None, 0)
	return seen, nil
}

// attend appends the keys and values of a segment, whose rows begin at row, and
// computes its attention.
func (m *Model) attend(l int, x []float32, sg Segment, row int, w *Workspace, p *Probe) (*Observation, error) {
	qd, kd := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	mark := prof.Start()
	if err := sg.Cache.Append(l, sg.N, w.k[row*kd:], w.v[row*kd:]); err != nil {
		return nil, err
	}
	mark.Stop("keys and values to the cache", prof.None, 0)
	w.heads = w.heads[:0]
	for h := range m.KVHeads {
		w.heads = append(w.heads, sg.Cache.Head(l, h))
	}
	b := attn.Block{Heads: w.heads, T0: sg.T0, N: sg.N, Q: w.q[row*qd:][:sg.N*qd], Dim: m.HeadDim, Out: w.att[row*qd:][:sg.N*qd]}
	if p.attention() {
		w.lse = grow(w.lse, sg.N*m.Heads)
		b.LSE = w.lse
	}
	attn.Attend(m.par, &b)
	if p == nil {
		return nil, nil
	}
	o := unseen(l, sg.T0+sg.N)
	if p.attention() {
		if err := m.observe(o, x[row*m.Hidden:], &b, sg.Cache, p); err != nil {
			return nil, err
		}
	}
	return o, m.distances(o, sg.Cache, p)
}

// Logits writes the logits of n rows of the residual stream, x [n][hidden], to
// dst, [n][vocab].
func (m *Model) Logits(dst, x []float32, n int, w *Workspace) {
	w.h = grow(w.h, n*m.Hidden)
	m.norm(w.h, x, m.outNorm, n)
	w.acts.Set(w.h, n, m.Hidden)
	kernel.MatMul(m.par, dst, &w.acts, m.head)
}

// rowBlock is how many tokens one piece of elementwise work covers.
const rowBlock = 16

// rows calls f for every row; short runs stay on the caller.
func (m *Model) rows(n int, f func(i int)) {
	if n < rowBlock {
		for i := range n {
			f(i)
		}
		return
	}
	m.par.Run((n+rowBlock-1)/rowBlock, func(b int) {
		for i := b * rowBlock; i < min((b+1)*rowBlock, n); i++ {
			f(i)
		}
	})
}

func (m *Model) norm(dst, x, weight []float32, n int) {
	m.rows(n, func(i int) {
		kernel.RMSNorm(dst[i*m.Hidden:][:m.Hidden], x[i*m.Hidden:][:m.Hidden], weight, float32(m.NormEps))
	})
}

// headNorm normalises every head vector of x in place; a nil weight means none.
func (m *Model) headNorm(x, weight []float32) {
	if weight == nil {
		return
	}
	for ; len(x) > 0; x = x[m.HeadDim:] {
		kernel.RMSNorm(x[:m.HeadDim], x[:m.HeadDim], weight, float32(m.NormEps))
	}
}

// residual adds a layer's results y to the residual stream x, both [n][hidden]. With
// a weight y becomes the normed stream, row by row while it is in the cache.
func (m *Model) residual(x, y []float32, ln *linear, weight []float32, n int) {
	m.rows(n, func(i int) {
		row, stream := y[i*m.Hidden:][:m.Hidden], x[i*m.Hidden:][:m.Hidden]
		ln.bias(row)
		kernel.Add(stream, row)
		if weight != nil {
			kernel.RMSNorm(row, stream, weight, float32(m.NormEps))
		}
	})
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
