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
	s.from, s.kept = grow(s.from, n), grow(s.kept, n)
	for i := range n {
		s.from[i], s.kept[i] = h.Visible(t0 + i)
	}
	edges := s.edges
	bias := s.sampleBias(h.Window)
	for p, pg := range kept {
		first := p * kv.PageTokens
		lo, hi := edges[:rows:rows], edges[rows:2*rows:2*rows]
		seen := false
		for i, k := range s.kept {
			seen = set(lo, hi, i*g, g, 0, k-first) || seen
		}
		if !seen {
			break // nor any later one
		}
		page := bias
		if page != nil {
			page = bias[min(first, h.Window.Sink):][:kv.PageTokens]
		}
		s.spans = append(s.spans, pg.Span(lo, hi, page))
		edges = edges[2*rows:]
	}
	for p, pg := range recent {
		first := base + p*kv.PageTokens
		lo, hi := edges[:rows:rows], edges[rows:2*rows:2*rows]
		seen := false
		for i, from := range s.from {
			seen = set(lo, hi, i*g, g, from-first, t0+i+1-first) || seen
		}
		if seen {
			s.spans = append(s.spans, pg.Span(lo, hi, nil))
			edges = edges[2*rows:]
		}
	}
}

// set writes the slots [l, u) of a page as what rows [r, r+g) see, and reports
// whether that is any.
func set(lo, hi []int32, r, g, l, u int) bool {
	l, u = min(max(l, 0), kv.PageTokens), min(max(u, 0), kv.PageTokens)
	for end := r + g; r < end; r++ {
		lo[r], hi[r] = int32(l), int32(u)
	}
	return l < u
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
