package model

import (
	"errors"
	"math"
	"slices"

	"github.com/lighttransfer/lighttransfer/attn"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/kv"
)

// A Probe asks a layer what its last queries would lose if its KV heads kept no
// more than Window.
type Probe struct {
	Window kv.Window
	Last   int // w_last: how many of the block's last queries are asked

	// PerQuery lets each query have its own window (j < Sink or j > t - Recent,
	// what a lazy head will see in use). Otherwise all share the prompt's: the
	// last Recent keys before its end, as the paper defines the lazy ratio.
	PerQuery bool

	Ratio, Error, Cosine, Votes, Distances bool // what is wanted

	Keep *Queries // if not nil, gets what it takes to measure again, through other windows
}

// attention reports whether something is wanted of the layer's attention.
func (p *Probe) attention() bool {
	return p != nil && (p.Ratio || p.Error || p.Votes || p.Keep != nil)
}

// Queries are the last queries of a layer, as its attention has left them.
type Queries struct {
	T0, N int       // position of the first, number
	X     []float32 // [n][hidden] residual stream before the layer's attention is added
	Q     []float32 // [n][heads][headDim]
	Out   []float32 // [n][heads][headDim]
	LSE   []float32 // [n][heads]
}

// An Observation is a layer's answer to a Probe. What was not asked for is NaN or nil.
type Observation struct {
	Layer     int
	Tokens    int       // positions that the layer has read
	Ratio     float64   // lazy ratio (Eq. 1): mean over queries and heads of the mass that stays visible
	HeadRatio []float64 // [heads]
	Error     float64   // mean over queries of |Wo (o - o_lazy)| / |x|, x the residual stream that enters the layer
	HeadError []float64 // [kvHeads] the same when only that KV head is lazy

	// Cosine is that of the residual stream before and after the layer's attention
	// is added, the mean over the block's tokens, not only over the last.
	Cosine float64

	// Votes is the attention of the last queries on every key before them, summed
	// over the queries and the query heads of a KV head, [kvHeads][Tokens-Last];
	// nil where the model's own window hides keys.
	Votes [][]float32

	// KeyDistances and ValueDistances are the angles between the keys, and the
	// values, of this layer and of the one below, as shares of a half turn,
	// [kvHeads][Tokens]; nil where the model's own window hides keys, and in layer 0.
	KeyDistances, ValueDistances [][]float32
}

// unseen is an observation of nothing.
func unseen(l, tokens int) *Observation {
	return &Observation{Layer: l, Tokens: tokens, Ratio: math.NaN(), Error: math.NaN(), Cosine: math.NaN()}
}

// observe measures the last queries of b, whose output and log-sum-exps are
// there; x is the residual stream before the layer's attention is added.
func (m *Model) observe(o *Observation, x []float32, b *attn.Block, c *kv.Cache, p *Probe) error {
	n := min(p.Last, b.N)
	skip := b.N - n
	qd := m.Heads * m.HeadDim
	last := attn.Block{Heads: b.Heads, T0: b.T0 + skip, N: n, Q: b.Q[skip*qd:], Dim: b.Dim, Out: b.Out[skip*qd:], LSE: b.LSE[skip*m.Heads:]}
	x = x[skip*m.Hidden:][:n*m.Hidden]
	if p.Keep != nil {
		*p.Keep = Queries{last.T0, n, slices.Clone(x), slices.Clone(last.Q), slices.Clone(last.Out), slices.Clone(last.LSE)}
	}
	return m.look(o, x, &last, c, p)
}

// ObserveAgain measures queries that a probe has kept: all but the cosine. The cache
// must hold all positions up to the last of them, and no more.
func (m *Model) ObserveAgain(l int, q *Queries, c *kv.Cache, p *Probe) (*Observation, error) {
	heads := make([]*kv.Head, m.KVHeads)
	for h := range heads {
		heads[h] = c.Head(l, h)
	}
	o := unseen(l, q.T0+q.N)
	if err := m.look(o, q.X, &attn.Block{Heads: heads, T0: q.T0, N: q.N, Q: q.Q, Dim: m.HeadDim, Out: q.Out, LSE: q.LSE}, c, p); err != nil {
		return nil, err
	}
	return o, m.distances(o, c, p)
}

// look measures the queries of b; x is their residual stream.
func (m *Model) look(o *Observation, x []float32, b *attn.Block, c *kv.Cache, p *Probe) error {
	l := o.Layer
	window := m.LazyWindow(l, p.Window)
	// The paper's ratio knows sinks and a recent window only: without samples.
	plain := window
	plain.Stride = 0
	if p.Error {
		loss, err := m.measure(l, b, c, p, window)
		if err != nil {
			return err
		}
		o.Error, o.HeadError = m.outputError(l, x, loss.Diff, b.N)
		if window == plain {
			o.HeadRatio = loss.Ratio
		}
	}
	if p.Ratio && o.HeadRatio == nil {
		loss, err := m.measure(l, b, c, p, plain)
		if err != nil {
			return err
		}
		o.HeadRatio = loss.Ratio
	}
	if p.Votes && b.Heads[0].Window.Full() {
		o.Votes = attn.Votes(m.par, b)
	}
	if !p.Ratio {
		o.HeadRatio = nil
		return nil
	}
	if end := b.T0 + b.N; end <= plain.Sink+plain.Recent { // nothing is out of sight
		for h := range o.HeadRatio {
			o.HeadRatio[h] = 1
		}
	}
	o.Ratio = 0
	for _, r := range o.HeadRatio {
		o.Ratio += r / float64(len(o.HeadRatio))
	}
	return nil
}

// distances compares a layer's keys and values with those of the layer below, if
// that is wanted.
func (m *Model) distances(o *Observation, c *kv.Cache, p *Probe) error {
	if !p.Distances || o.Layer == 0 || !c.Head(o.Layer, 0).Window.Full() {
		return nil
	}
	o.KeyDistances, o.ValueDistances = make([][]float32, m.KVHeads), make([][]float32, m.KVHeads)
	errs := make([]error, m.KVHeads)
	m.par.Run(m.KVHeads, func(h int) {
		o.KeyDistances[h], o.ValueDistances[h], errs[h] = c.Distances(o.Layer, h)
	})
	return errors.Join(errs...)
}

func (m *Model) measure(l int, b *attn.Block, c *kv.Cache, p *Probe, w kv.Window) (attn.Loss, error) {
	anchor := b.T0 + b.N
	if p.PerQuery {
		anchor = 0
	}
	previews := make([]*kv.Head, m.KVHeads)
	for h := range previews {
		var err error
		if previews[h], err = c.Preview(l, h, w, anchor); err != nil {
			return attn.Loss{}, err
		}
	}
	return attn.Measure(m.par, b, previews), nil
}

// outputError takes what n queries lose, diff [n][heads][headDim], through the
// output projection: per KV head with the others left out, and all together
// (the projection is linear: the sum of the parts).
func (m *Model) outputError(l int, x, diff []float32, n int) (float64, []float64) {
	qd, part := m.Heads*m.HeadDim, m.Heads/m.KVHeads*m.HeadDim
	parts := make([]float32, n*m.KVHeads*qd) // [query][kvHead][heads][headDim]
	for i := range n {
		for h := range m.KVHeads {
			copy(parts[(i*m.KVHeads+h)*qd+h*part:][:part], diff[i*qd+h*part:])
		}
	}
	out := make([]float32, n*m.KVHeads*m.Hidden) // [query][kvHead][hidden]
	var a kernel.Acts
	a.Set(parts, n*m.KVHeads, qd)
	kernel.MatMul(m.par, out, &a, m.layers[l].o.w)
	var all float64
	heads := make([]float64, m.KVHeads)
	sum := make([]float32, m.Hidden)
	for i := range n {
		norm := length(x[i*m.Hidden:][:m.Hidden]) * float64(n)
		clear(sum)
		for h := range heads {
			v := out[(i*m.KVHeads+h)*m.Hidden:][:m.Hidden]
			heads[h] += length(v) / norm
			kernel.Add(sum, v)
		}
		all += length(sum) / norm
	}
	return all, heads
}

func length(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

// cosine is the mean cosine of the angles between n rows of x and of y, [n][hidden].
// A row of zeros has not turned.
func (m *Model) cosine(x, y []float32, n int) float64 {
	rows := make([]float64, n)
	m.rows(n, func(i int) {
		a, b := x[i*m.Hidden:][:m.Hidden], y[i*m.Hidden:][:m.Hidden]
		var dot float64
		for j := range a {
			dot += float64(a[j]) * float64(b[j])
		}
		rows[i] = 1
		if norms := length(a) * length(b); norms > 0 {
			rows[i] = dot / norms
		}
	})
	var sum float64
	for _, c := range rows {
		sum += c
	}
	return sum / float64(n)
}
