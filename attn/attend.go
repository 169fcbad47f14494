package attn

import (
	"math"
	"sync"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
)

const (
	queryBlock = 64 // queries of one piece of prefill work
	splitPages = 8  // pages of one piece of decode work (1,024 keys)
	splitRows  = 16 // up to this many rows, the keys are split rather than the queries
)

// A Block is n consecutive queries of one layer.
type Block struct {
	Heads []*kv.Head // [kvHead]
	T0    int        // position of the first query
	N     int        // number of queries
	Q     []float32  // [N][heads][dim], after RoPE, not scaled
	Dim   int        // head dimension
	Out   []float32  // [N][heads][dim]
	LSE   []float32  // [N][heads] natural log of the softmax sum; nil when not wanted

}

// group is the number of query heads of a KV head.
func (b *Block) group() int { return len(b.Q) / (b.N * b.Dim * len(b.Heads)) }

// Attend computes softmax(q.k / sqrt(dim)) v for every query and query head,
// over the keys that the query's KV head lets it see.
func Attend(p *par.Pool, b *Block) {
	g, t := b.group(), begin()
	split := b.N*g <= splitRows
	defer t.stop(split, b.Dim)
	if split {
		attendSplit(p, b, g, t)
		return
	}
	blocks := (b.N + queryBlock - 1) / queryBlock
	p.Run(blocks*len(b.Heads), func(i int) {
		// Late queries see most: begin with them, so that the threads end together.
		q0 := (blocks - 1 - i/len(b.Heads)) * queryBlock
		n := min(queryBlock, b.N-q0)
		s := scratches.Get().(*scratch)
		defer scratches.Put(s)
		s.gather(b, i%len(b.Heads), g, q0, n)
		t.add(s, n*g)
		lse := s.lse
		if b.LSE == nil {
			lse = nil
		}
		kernel.Attend(s.out, lse, s.q, n*g, s.dim, s.spans, &s.kernel)
		s.scatter(b, i%len(b.Heads), g, q0, n)
	})
}

// attendSplit serves decode: a few queries against many keys. Each piece is a
// run of pages; the partial results of a head are merged by their log-sum-exps.
func attendSplit(p *par.Pool, b *Block, g int, t *tally) {
	rows, dim := b.N*g, kv.PadDim(b.Dim)
	sp := splits.Get().(*split)
	defer splits.Put(sp)
	sp.heads, sp.pieces = sp.heads[:0], sp.pieces[:0]
	for h := range b.Heads {
		s := scratches.Get().(*scratch)
		defer scratches.Put(s)
		s.gather(b, h, g, 0, b.N)
		t.add(s, rows)
		sp.heads = append(sp.heads, s)
		for lo := 0; lo == 0 || lo < len(s.spans); lo += splitPages {
			sp.pieces = append(sp.pieces, piece{h, lo})
		}
	}
	n := len(sp.pieces)
	sp.out, sp.lse = grow(sp.out, n*rows*dim), grow(sp.lse, n*rows)
	p.Run(n, func(i int) {
		pc := &sp.pieces[i]
		s := sp.heads[pc.head]
		hi := min(pc.lo+splitPages, len(s.spans))
		ks := kernelScratches.Get().(*kernel.AttnScratch)
		ks.Next = sp.after(i, p.Threads())
		defer kernelScratches.Put(ks)
		kernel.Attend(sp.out[i*rows*dim:][:rows*dim], sp.lse[i*rows:][:rows], s.q, rows, dim, s.spans[pc.lo:hi], ks)
		ks.Next = nil // hold no page when idle
	})
	at := 0
	for h, s := range sp.heads {
		k := max(1, (len(s.spans)+splitPages-1)/splitPages)
		merge(s.out, s.lse, sp.out[at*rows*dim:], sp.lse[at*rows:], k, rows, dim)
		s.scatter(b, h, g, 0, b.N)
		at += k
	}
}

// split is how a call of attendSplit divides the work.
type split struct {
	heads    []*scratch
	pieces   []piece
	out, lse []float32 // [piece][rows][dim], [piece][rows]
}

// after is where the thread that works on piece i will probably go on.
func (sp *split) after(i, threads int) *kernel.Span {
	if i += threads; i < len(sp.pieces) {
		pc := sp.pieces[i]
		return &sp.heads[pc.head].spans[pc.lo]
	}
	return nil
}

// A piece is the spans of a head from lo on.
type piece struct{ head, lo int }

// merge combines partial softmaxes over disjoint keys: [split][rows] results, which it
// overwrites, with their log-sum-exps into one.
func merge(out, lse, parts, partLSE []float32, splits, rows, dim int) {
	if splits == 1 {
		copy(out, parts[:rows*dim])
		copy(lse, partLSE[:rows])
		return
	}
	for r := range rows {
		top := math.Inf(-1)
		for s := range splits {
			top = max(top, float64(partLSE[s*rows+r]))
		}
		o := out[r*dim:][:dim]
		clear(o)
		if math.IsInf(top, -1) {
			lse[r] = float32(top)
			continue
		}
		var sum float64
		for s := range splits {
			sum += math.Exp(float64(partLSE[s*rows+r]) - top)
		}
		lse[r] = float32(top + math.Log(sum))
		for s := range splits {
			w := float32(math.Exp(float64(partLSE[s*rows+r])-top) / sum)
			if w == 0 {
				continue
			}
			part := parts[(s*rows+r)*dim:][:dim]
			kernel.Scale(part, part, w)
			kernel.Add(o, part)
		}
	}
}

// scratch holds one KV head's share of a block in the form the kernel wants.
type scratch struct {
	dim    int       // padded
	q, out []float32 // [n*group][dim]
	lse    []float32 // [n*group]
	spans  []kernel.Span
	edges  []int32   // backing of the spans' Lo and Hi
	lo, hi []int     // [n] what the queries see of the pages in hand
	bias   []float32 // backing of the spans' Bias
	kernel kernel.AttnScratch
}

var (
	scratches       = sync.Pool{New: func() any { return new(scratch) }}
	kernelScratches = sync.Pool{New: func() any { return new(kernel.AttnScratch) }}
	splits          = sync.Pool{New: func() any { return new(split) }}
)

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4) // the next block may want a little more
	}
	return s[:n]
}

// gather fills s with queries [q0, q0+n) of KV head h: rows are (query, head of
// the group), scaled by 1/sqrt(dim), padded with zeros.
func (s *scratch) gather(b *Block, h, g, q0, n int) {
	s.dim = kv.PadDim(b.Dim)
	s.q = grow(s.q, n*g*s.dim)
	s.out = grow(s.out, n*g*s.dim)
	s.lse = grow(s.lse, n*g)
	scale := float32(1 / math.Sqrt(float64(b.Dim)))
	heads := g * len(b.Heads)
	for r := range n * g {
		src := b.Q[((q0+r/g)*heads+h*g+r%g)*b.Dim:][:b.Dim]
		dst := s.q[r*s.dim:][:s.dim]
		kernel.Scale(dst, src, scale)
		clear(dst[b.Dim:])
	}
	s.span(b.Heads[h], b.T0+q0, n, g)
}

func (s *scratch) scatter(b *Block, h, g, q0, n int) {
	heads := g * len(b.Heads)
	for r := range n * g {
		to := (q0+r/g)*heads + h*g + r%g
		copy(b.Out[to*b.Dim:][:b.Dim], s.out[r*s.dim:])
		if b.LSE != nil {
			b.LSE[to] = s.lse[r]
		}
	}
}
