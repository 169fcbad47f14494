package kv

import "slices"

// A Head is the cache of one KV head of one layer, as attention reads it.
type Head struct {
	Window Window // zero for a picked or merged head

	// Anchor, if positive, fixes the recent window of every query to the last
	// Recent of the first Anchor positions (how the lazy ratio and the output
	// error of a prompt of Anchor tokens are defined) instead of letting it end
	// at the query.
	Anchor int

	recent []*Page // recent[i] holds positions [(first+i)*128, (first+i+1)*128)
	first  int
	kept   []*Page // lazy heads: sinks, then samples, slot after slot; picked heads: the picked tokens; merged ones: the retained
	nkept  int
	held   []*Page // lazy heads: pages before first that the cache's held position needs
	from   int     // picked and merged heads: everything from here on is in recent; 0: neither

	merged   *merged // shared with the layer below or above; nil: not merged
	side     int     // 0: the lower of the two layers, 1: the upper
	restored []*Page // the whole pages of a merged head, while attention reads it
}

// Recent returns the pages of consecutive positions; page i begins at position base+128i.
func (h *Head) Recent() (base int, pages []*Page) {
	if h.Merged() {
		return 0, h.restored
	}
	return h.first * PageTokens, h.recent
}

// Kept returns the pages of sinks and samples: the sinks are slots 0..Window.Sink-1,
// counted through the pages, the samples follow. Of a picked head they are its
// picked tokens.
func (h *Head) Kept() []*Page {
	if h.Merged() {
		return nil // what was retained is in the restored pages
	}
	return h.kept
}

// Visible says what the query at position t sees: positions [from, t] of the
// recent pages and the first kept slots of the kept pages.
func (h *Head) Visible(t int) (from, kept int) {
	if h.Picked() {
		return h.from, h.nkept
	}
	w := h.Window
	if w.Full() {
		return 0, 0
	}
	from = t - w.Recent + 1
	if h.Anchor > 0 {
		from = h.Anchor - w.Recent
	}
	kept = min(w.Sink, t+1) + w.samplesBefore(min(from, t+1))
	return max(from, w.Sink), kept
}

// Picked reports whether the head keeps picked tokens instead of a window.
func (h *Head) Picked() bool { return h.from > 0 && h.merged == nil }

// Merged reports whether the head shares directions with one of another layer.
func (h *Head) Merged() bool { return h.merged != nil }

// Whole reports whether the head still has every token.
func (h *Head) Whole() bool { return h.first == 0 && h.from == 0 }

// Tokens is the number of tokens whose keys the head stores, dead slots excluded.
func (h *Head) Tokens(n int) int { return n - h.first*PageTokens + h.nkept }

// put writes positions [n, n+b): k and v are [b][stride] with the head's vector
// at offset off; d values each.
func (h *Head) put(p *Pool, n, b int, k, v []float32, stride, off, d int) error {
	for i := 0; i < b; {
		slot, page := (n+i)%PageTokens, (n+i)/PageTokens-h.first
		if page == len(h.recent) {
			pg, err := p.take(last(h.recent), pagesOf(slot+b-i))
			if err != nil {
				return err
			}
			h.recent = append(h.recent, pg)
		}
		run := min(PageTokens-slot, b-i)
		h.recent[page].put(slot, run, k[i*stride+off:], v[i*stride+off:], stride, d, p.dim)
		i += run
	}
	return h.keep(p, n+b)
}

// keep copies into the kept pages every sink, and every sample that is out of
// the window of the last of n queries.
func (h *Head) keep(p *Pool, n int) error {
	w := h.Window
	if w.Full() {
		return nil
	}
	for {
		pos := h.nkept
		if pos >= w.Sink {
			if pos = w.samplePos(h.nkept - w.Sink); w.Stride == 0 || pos >= n-w.Recent {
				return nil
			}
		} else if pos >= n {
			return nil
		}
		if err := h.copyKept(p, pos); err != nil {
			return err
		}
	}
}

// copyKept copies the token of a position, which is in the recent pages, to the
// end of the kept ones.
func (h *Head) copyKept(p *Pool, pos int) error {
	if h.nkept == len(h.kept)*PageTokens {
		pg, err := p.take(last(h.kept), 1)
		if err != nil {
			return err
		}
		h.kept = append(h.kept, pg)
	}
	src, dst := h.recent[pos/PageTokens-h.first], h.kept[h.nkept/PageTokens]
	dst.take(h.nkept%PageTokens, src, pos%PageTokens, p.dim)
	h.nkept++
	return nil
}

// release gives back the recent pages that neither a later query nor keep needs
// once n positions are stored; those that position hold needs are put aside.
func (h *Head) release(p *Pool, n, hold int) { h.dropBefore(p, h.firstPage(n), hold) }

// dropBefore gives back the recent pages before a page, or puts them aside.
func (h *Head) dropBefore(p *Pool, page, hold int) {
	dead := min(max(page-h.first, 0), len(h.recent))
	for i, pg := range h.recent[:dead] {
		if i += h.first; i >= h.firstPage(hold) && i < hold/PageTokens {
			h.held = append(h.held, pg)
		} else {
			p.put(pg)
		}
	}
	h.recent = append(h.recent[:0], h.recent[dead:]...)
	h.first += dead
}

// firstPage is the first recent page that a query at position n sees.
func (h *Head) firstPage(n int) int {
	if h.Window.Full() {
		return h.from / PageTokens
	}
	return h.Window.firstPage(n)
}

// truncate goes back to the first n positions, of which nothing is missing but
// what lies in held; or to none, as a full head if it was picked or merged.
func (h *Head) truncate(p *Pool, n int) {
	if n < h.from {
		h.reset(p)
		return
	}
	pages := min(max(0, pagesOf(n)-h.first), len(h.recent))
	for _, pg := range h.recent[pages:] {
		p.put(pg)
	}
	h.recent = h.recent[:pages]
	if h.Window.Full() {
		return
	}
	if first := h.Window.firstPage(n); h.first > first {
		h.first, h.recent, h.held = first, append(h.held, h.recent...), nil
	}
	kept := 0
	if n > 0 {
		_, kept = h.Visible(n - 1)
	}
	h.nkept = min(h.nkept, kept)
	pages = pagesOf(h.nkept)
	for _, pg := range h.kept[pages:] {
		p.put(pg)
	}
	h.kept = h.kept[:pages]
}

func (h *Head) reset(p *Pool) {
	for _, pg := range slices.Concat(h.held, h.recent) {
		p.put(pg)
	}
	h.dropKept(p)
	h.unmerge(p)
	*h = Head{Window: h.Window}
}

func (h *Head) dropKept(p *Pool) {
	for _, pg := range h.kept {
		p.put(pg)
	}
	h.kept, h.nkept = nil, 0
}
