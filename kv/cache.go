package kv

import (
	"fmt"
)

// A Cache holds the keys and values of one sequence.
type Cache struct {
	pool    *Pool
	layers  int
	kvHeads int
	headDim int
	heads   []Head  // [layer][kvHead]
	scratch []*Page // [kvHead][page] of the merged layer that was appended to last
	length  []int   // [layer] positions stored (layers differ only inside a layer-major prefill)
	hold    int     // a position that the cache can go back to, at a page's start; see Hold
	unmap   func() error
}

// NewCache makes an empty cache. windows is [layer][kvHead] or nil for full
// attention everywhere.
func NewCache(pool *Pool, layers, kvHeads, headDim int, windows []Window) (*Cache, error) {
	if PadDim(headDim) != pool.dim {
		return nil, fmt.Errorf("kv: head dimension %d does not fit a pool of %d", headDim, pool.dim)
	}
	c := &Cache{pool: pool, layers: layers, kvHeads: kvHeads, headDim: headDim,
		heads: make([]Head, layers*kvHeads), length: make([]int, layers)}
	if windows != nil && len(windows) != len(c.heads) {
		return nil, fmt.Errorf("kv: %d windows for %d layers of %d KV heads", len(windows), layers, kvHeads)
	}
	for i, w := range windows {
		if err := w.Validate(); err != nil {
			return nil, fmt.Errorf("kv: layer %d, KV head %d: %w", i/kvHeads, i%kvHeads, err)
		}
		c.heads[i].Window = w
	}
	return c, nil
}

// Head returns the cache of one KV head, for attention to read.
func (c *Cache) Head(layer, kvHead int) *Head { return &c.heads[layer*c.kvHeads+kvHead] }

// Length is the number of positions stored in a layer.
func (c *Cache) Length(layer int) int { return c.length[layer] }

// Len is the number of positions stored in every layer.
func (c *Cache) Len() int { return c.length[c.layers-1] }

// Pool returns the pool the pages come from.
func (c *Cache) Pool() *Pool { return c.pool }

// Bytes is what this cache's pages hold.
func (c *Cache) Bytes() int64 {
	n := int64(len(c.scratch)) * c.pool.pageBytes()
	for i := range c.heads {
		h := &c.heads[i]
		n += int64(len(h.recent)+len(h.kept)+len(h.held))*c.pool.pageBytes() + h.sharedBytes(c.pool)
	}
	return n
}

// Append stores the keys (after RoPE) and values of the next b positions of a
// layer; k and v are [b][kvHeads][headDim] float32. On an error (the budget) the
// layer is in an undefined state; call Truncate or Reset.
func (c *Cache) Append(layer, b int, k, v []float32) error {
	n, row := c.length[layer], c.kvHeads*c.headDim
	for h := range c.kvHeads {
		if err := c.Head(layer, h).put(c.pool, n, b, k, v, row, h*c.headDim, c.headDim); err != nil {
			return fmt.Errorf("layer %d, position %d: %w", layer, n, err)
		}
	}
	c.length[layer] = n + b
	return c.restoreLayer(layer)
}

// Release returns to the pool what no later query of the layer can see, and
// scratch pages.
func (c *Cache) Release(layer int) {
	c.releaseScratch()
	for h := range c.kvHeads {
		c.Head(layer, h).release(c.pool, c.length[layer], c.hold)
	}
}

// Hold keeps from now on what it takes to go back to position n, rounded down to
// a page, however far the sequence goes on: of a lazy head, the pages that a
// query there sees. They count as any others. Another position is held no longer,
// unless n is gone already: then nothing changes. Pick and Merge give up what is
// held.
func (c *Cache) Hold(n int) {
	if n = max(0, n) / PageTokens * PageTokens; n == c.hold || !c.has(n) {
		return
	}
	c.unhold()
	c.hold = n
}

func (c *Cache) unhold() {
	for i := range c.heads {
		h := &c.heads[i]
		for _, pg := range h.held {
			c.pool.put(pg)
		}
		h.held = nil
	}
	c.hold = 0
}

// Demote makes a head lazy: from now on it has the window w. Its pages outside
// of w return to the pool at once. A full head can take any window; a lazy one
// only a window that needs nothing it has already dropped.
func (c *Cache) Demote(layer, kvHead int, w Window) error {
	h := c.Head(layer, kvHead)
	if err := w.Validate(); err != nil {
		return fmt.Errorf("kv: layer %d, KV head %d: %w", layer, kvHead, err)
	}
	if w == h.Window && h.from == 0 {
		return nil
	}
	if !h.Whole() || w.Full() && !h.Window.Full() {
		return fmt.Errorf("kv: layer %d, KV head %d: cannot turn window %s into %s: tokens are gone", layer, kvHead, h.Window, w)
	}
	h.dropKept(c.pool)
	h.Window = w
	if err := h.keep(c.pool, c.length[layer]); err != nil {
		return fmt.Errorf("kv: layer %d, KV head %d: %w", layer, kvHead, err)
	}
	h.release(c.pool, c.length[layer], c.hold)
	return nil
}

// Preview returns a head that sees what the given one would see with window w,
// at the same length, without changing it; anchor as in [Head]. It shares the
// recent pages and copies sinks and samples. The head must not have dropped
// anything yet. The preview is dead once the cache changes; its kept pages are
// scratch and count in no pool.
func (c *Cache) Preview(layer, kvHead int, w Window, anchor int) (*Head, error) {
	h := c.Head(layer, kvHead)
	if !h.Whole() {
		return nil, fmt.Errorf("kv: layer %d, KV head %d: cannot look through window %s: tokens are gone", layer, kvHead, w)
	}
	p := &Head{Window: w, Anchor: anchor, recent: h.recent}
	scratch := &Pool{dim: c.pool.dim, precision: c.pool.precision}
	return p, p.keep(scratch, c.length[layer])
}

// Back is the last position up to n that the cache can go back to without having
// lost anything that it needs.
func (c *Cache) Back(n int) int {
	switch {
	case c.has(n):
		return n
	case c.hold <= n:
		return c.hold
	}
	return 0
}

// has reports whether no head has dropped what a query at position n sees.
func (c *Cache) has(n int) bool {
	for i := range c.heads {
		h := &c.heads[i]
		if h.first > h.firstPage(n) || n < h.from {
			return false
		}
	}
	return n >= 0
}

// Truncate goes back to the first n positions (layers that hold fewer keep
// them); n is 0 or what Back has returned.
func (c *Cache) Truncate(n int) {
	c.releaseScratch()
	if n < c.hold {
		c.unhold()
	}
	for i := range c.heads {
		c.heads[i].truncate(c.pool, min(n, c.length[i/c.kvHeads]))
	}
	for l := range c.length {
		c.length[l] = min(c.length[l], n)
	}
}

// Reset forgets everything and gives every head the window it is told: windows
// as in NewCache.
func (c *Cache) Reset(windows []Window) {
	c.releaseScratch()
	for i := range c.heads {
		c.heads[i].reset(c.pool)
		c.heads[i].Window = Window{}
		if windows != nil {
			c.heads[i].Window = windows[i]
		}
	}
	clear(c.length)
	c.hold = 0
}

// Close gives all pages back. The cache must not be used afterwards.
func (c *Cache) Close() error {
	c.Reset(nil)
	if c.unmap == nil {
		return nil
	}
	unmap := c.unmap
	c.unmap = nil
	return unmap()
}

// Windows returns the windows as they are now, [layer][kvHead].
func (c *Cache) Windows() []Window {
	ws := make([]Window, len(c.heads))
	for i := range ws {
		ws[i] = c.heads[i].Window
	}
	return ws
}

// headPages are the pages of a head with window w that holds n positions, the last b
// of them appended as one block (b = 1 for decode), before Release.
func headPages(w Window, n, b int) int64 {
	if w.Full() {
		return int64(pagesOf(n))
	}
	kept := min(w.Sink, n) + w.samplesBefore(n-w.Recent)
	return int64(pagesOf(n) - w.firstPage(n-b) + pagesOf(kept))
}

// HoldBytes is the most that heads with these windows hold besides because of Hold.
func (p Precision) HoldBytes(windows []Window, headDim int) int64 {
	var pages int64
	for _, w := range windows {
		if !w.Full() {
			pages += int64(pagesOf(w.Recent))
		}
	}
	return pages * p.PageBytes(headDim)
}

// pagesOf is the number of pages that hold n tokens.
func pagesOf(n int) int { return (n + PageTokens - 1) / PageTokens }

// NeedBytes is the most that heads with these windows hold while n positions are
// appended in blocks of b.
func (p Precision) NeedBytes(windows []Window, n, b, headDim int) int64 {
	var pages int64
	for _, w := range windows {
		pages += headPages(w, n, min(b, n))
	}
	return pages * p.PageBytes(headDim)
}
