package kv

import "fmt"

// A Pick is what a picked head keeps: single tokens of the past, and everything
// from a position on.
type Pick struct {
	Tokens []int // positions below From, ascending
	From   int   // at least 1
}

// Pick cuts a full head to the tokens of p. Everything that comes later is kept:
// a picked head grows like a full one. Its pages return to the pool as the tokens
// are copied out of them. On an error (the budget) the head is in an undefined
// state; call Reset.
func (c *Cache) Pick(layer, kvHead int, p Pick) error {
	h, n := c.Head(layer, kvHead), c.length[layer]
	if !h.Whole() || !h.Window.Full() {
		return fmt.Errorf("kv: layer %d, KV head %d: cannot pick tokens from window %s: tokens are gone", layer, kvHead, h.Window)
	}
	if p.From < 1 || p.From > n {
		return fmt.Errorf("kv: layer %d, KV head %d: cannot keep everything from position %d on; it holds %d", layer, kvHead, p.From, n)
	}
	for i, pos := range p.Tokens {
		if pos < 0 || pos >= p.From || i > 0 && pos <= p.Tokens[i-1] {
			return fmt.Errorf("kv: layer %d, KV head %d: picked tokens must be ascending positions below %d", layer, kvHead, p.From)
		}
	}
	c.unhold()
	for _, pos := range p.Tokens {
		h.dropBefore(c.pool, pos/PageTokens, 0)
		if err := h.copyKept(c.pool, pos); err != nil {
			h.from = n + 1 // there is no way back
			return fmt.Errorf("kv: layer %d, KV head %d: %w", layer, kvHead, err)
		}
	}
	h.from = p.From
	h.release(c.pool, n, 0)
	return nil
}

// pages are the pages of a head that holds n positions, the last b of them appended
// as one block, before release.
func (h *Head) pages(n, b int) int64 {
	if h.from > 0 {
		return int64(pagesOf(n) - h.from/PageTokens + pagesOf(h.nkept))
	}
	return headPages(h.Window, n, b)
}

// NeedBytes is the most that the heads, as they are now, hold while they grow to
// n positions in blocks of b.
func (c *Cache) NeedBytes(n, b int) int64 {
	var pages, bytes, scratch int64
	for i := range c.heads {
		h := &c.heads[i]
		pages += h.pages(n, min(b, n))
		bytes += h.sharedBytes(c.pool)
		if h.Merged() {
			scratch = int64(c.kvHeads * h.from / PageTokens)
		}
	}
	return bytes + (pages+scratch)*c.pool.pageBytes()
}
