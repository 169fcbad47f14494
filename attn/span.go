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
	for i, pg := range kept {
		first := i * kv.PageTokens
		add(pg, sampleBias(h.Window, first), func(t int) (int, int) {
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

// sampleBias is what is added to the logits of the kept page whose first slot
// is number first: ln Stride on samples, nothing on sinks.
func sampleBias(w kv.Window, first int) []float32 {
	if w.Stride == 0 {
		return nil
	}
	bias := make([]float32, kv.PageTokens)
	for i := max(0, w.Sink-first); i < len(bias); i++ {
		bias[i] = float32(math.Log(float64(w.Stride)))
	}
	return bias
}
