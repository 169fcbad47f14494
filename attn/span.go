package attn

import (
	"math"

	"github.com/lighttransfer/lighttransfer/kv"
)

// span lists the pages of a head as queries [t0, t0+n) see them: first the kept
// pages (sinks and samples), then the recent ones that any of them can see.
//
//	kept    row of query t sees slots [0, kept(t))             the samples with + ln Stride
//	recent  row of query t sees positions [from(t), t]
func (s *scratch) span(h *kv.Head, t0, n, g int) {
	s.spans = s.spans[:0]
	kept := h.Kept()
	base, recent := h.Recent()
	rows := n * g
	s.edges = grow(s.edges, 2*rows*(len(kept)+len(recent)))
	edges := s.edges
	add := func(pg *kv.Page, bias []float32, visible func(t int) (lo, hi int)) {
		lo, hi := edges[:rows:rows], edges[rows:2*rows:2*rows]
		seen := false
		for i := range n {
			l, u := visible(t0 + i)
			l, u = min(max(l, 0), kv.PageTokens), min(max(u, 0), kv.PageTokens)
			seen = seen || l < u
			for r := i * g; r < (i+1)*g; r++ {
				lo[r], hi[r] = int32(l), int32(u)
			}
		}
		if seen {
			s.spans = append(s.spans, pg.Span(lo, hi, bias))
			edges = edges[2*rows:]
		}
	}
	bias := s.sampleBias(h.Window)
	for i, pg := range kept {
		first := i * kv.PageTokens
		page := bias
		if page != nil {
			page = bias[min(first, h.Window.Sink):][:kv.PageTokens]
		}
		add(pg, page, func(t int) (int, int) {
			_, k := h.Visible(t)
			return 0, k - first
		})
	}
	for i, pg := range recent {
		first := base + i*kv.PageTokens
		add(pg, nil, func(t int) (int, int) {
			from, _ := h.Visible(t)
			return from - first, t + 1 - first
		})
	}
}

// sampleBias is what is added to the logits of the kept tokens: nothing to those of
// the sinks, ln Stride to those of a page of samples.
func (s *scratch) sampleBias(w kv.Window) []float32 {
	if w.Stride == 0 {
		return nil
	}
	s.bias = grow(s.bias, w.Sink+kv.PageTokens)
	clear(s.bias[:w.Sink])
	ln := float32(math.Log(float64(w.Stride)))
	for i := w.Sink; i < len(s.bias); i++ {
		s.bias[i] = ln
	}
	return s.bias
}
