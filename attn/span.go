package attn

import (
	"math"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

// span lists the pages of a head as queries [t0, t0+n) see them: first the kept
// pages (sinks and samples), then the recent ones that any of them can see.
//
//	kept    row of query t sees slots [0, kept(t))             the samples with + ln Stride
//	recent  row of query t sees positions [from(t), t]
func (s *scratch) span(h *kv.Head, t0, n, g int) {
	s.spans, s.edges = s.spans[:0], s.edges[:0]
	s.lo, s.hi = grow(s.lo, n), grow(s.hi, n)
	kept := h.Kept()
	if len(kept) > 0 {
		for i := range n {
			_, s.hi[i] = h.Visible(t0 + i)
			s.lo[i] = 0
		}
		bias := s.sampleBias(h.Window)
		for p, pg := range kept {
			first := p * kv.PageTokens
			page := bias
			if page != nil {
				page = bias[min(first, h.Window.Sink):][:kv.PageTokens]
			}
			if !s.page(pg, first, g, page) {
				break // nor any later one
			}
		}
	}
	for i := range n {
		s.lo[i], _ = h.Visible(t0 + i)
		s.hi[i] = t0 + i + 1
	}
	base, recent := h.Recent()
	for p, pg := range recent {
		s.page(pg, base+p*kv.PageTokens, g, nil)
	}
}

// page adds a page, whose slots are numbers [first, first+128), as the rows of the
// queries see it, g rows each: numbers [lo, hi) of each. It reports whether any sees
// any; else the page is left out.
func (s *scratch) page(pg *kv.Page, first, g int, bias []float32) bool {
	const end = kv.PageTokens
	seen, whole := false, true
	for i, l := range s.lo {
		l, u := max(l-first, 0), min(s.hi[i]-first, end)
		seen, whole = seen || l < u, whole && l == 0 && u == end
	}
	if whole {
		s.spans = append(s.spans, pg.Span(nil, nil, bias))
		return true
	}
	if !seen {
		return false
	}
	rows := len(s.lo) * g
	s.edges = slices.Grow(s.edges, 2*rows) // the spans before keep what they have
	at := len(s.edges)
	s.edges = s.edges[:at+2*rows]
	lo, hi := s.edges[at:][:rows:rows], s.edges[at+rows:][:rows:rows]
	for i, l := range s.lo {
		l, u := min(max(l-first, 0), end), min(max(s.hi[i]-first, 0), end)
		for r := i * g; r < (i+1)*g; r++ {
			lo[r], hi[r] = int32(l), int32(u)
		}
	}
	s.spans = append(s.spans, pg.Span(lo, hi, bias))
	return true
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
