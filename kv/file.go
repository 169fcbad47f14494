package kv

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Layout says what lies in the pages of a stored cache.
type Layout struct {
	Precision Precision    `json:"precision"`
	Layers    int          `json:"layers"`
	KVHeads   int          `json:"kv_heads"`
	HeadDim   int          `json:"head_dim"`
	Length    int          `json:"length"`         // positions, the same in every layer
	Hold      int          `json:"hold,omitempty"` // see Cache.Hold
	Heads     []HeadLayout `json:"heads"`          // [layer][kvHead]
}

// HeadLayout says which pages of a head follow one another in the file: the kept
// ones, then those held, then the recent ones.
type HeadLayout struct {
	Window Window `json:"window"`
	First  int    `json:"first"`          // index of the first recent page
	Kept   int    `json:"kept"`           // kept tokens
	From   int    `json:"from,omitempty"` // of a picked head: see Pick
}

// pages are the numbers of kept, held and recent pages of a head.
func (l *Layout) pages(h HeadLayout) (kept, held, recent int) {
	if !h.Window.Full() {
		held = max(0, min(h.First, l.Hold/PageTokens)-h.Window.firstPage(l.Hold))
	}
	return pagesOf(h.Kept), held, pagesOf(l.Length) - h.First
}

// Layout describes the cache for Open.
func (c *Cache) Layout() Layout {
	l := Layout{Precision: c.pool.precision, Layers: c.layers, KVHeads: c.kvHeads, HeadDim: c.headDim, Length: c.Len(), Hold: c.hold}
	for i := range c.heads {
		h := &c.heads[i]
		l.Heads = append(l.Heads, HeadLayout{Window: h.Window, First: h.first, Kept: h.nkept, From: h.from})
	}
	return l
}

// Bytes is the size of the pages that Write writes. It reports a layout that no
// cache can have.
func (l *Layout) Bytes() (int64, error) {
	if l.Layers < 1 || l.KVHeads < 1 || l.HeadDim < 1 || l.Length < 0 || l.Layers > 1<<16 || l.KVHeads > 1<<16 || l.HeadDim > 1<<16 ||
		l.Length > 1<<40 || l.Hold < 0 || l.Hold > l.Length || l.Hold%PageTokens != 0 || l.Precision != BF16 && l.Precision != Int8 || len(l.Heads) != l.Layers*l.KVHeads {
		return 0, errors.New("its description of the cache makes no sense")
	}
	var n int64
	for i, h := range l.Heads {
		w := h.Window
		first, want := 0, 0
		picked := h.From != 0
		switch {
		case picked:
			first, want = h.From/PageTokens, h.Kept
		case !w.Full():
			first = w.firstPage(l.Length)
			want = min(w.Sink, l.Length) + w.samplesBefore(l.Length-w.Recent)
		}
		impossible := picked && (!w.Full() || h.From < 0 || h.From > l.Length || h.Kept < 0 || h.Kept > h.From)
		if err := w.Validate(); err != nil || impossible || h.First != first || h.Kept != want {
			return 0, fmt.Errorf("its description of layer %d, KV head %d makes no sense", i/l.KVHeads, i%l.KVHeads)
		}
		kept, held, recent := l.pages(h)
		n += int64(kept + held + recent)
	}
	return n * l.Precision.PageBytes(l.HeadDim), nil
}

// Write writes the pages by fours, as they lie in an extent, head after head, as
// HeadLayout says.
// Merged heads cannot be written.
func (c *Cache) Write(w io.Writer) error {
	for i := range c.heads {
		h := &c.heads[i]
		if h.Merged() {
			return errors.New("merged layers have no place in a file")
		}
		for _, pages := range [][]*Page{h.kept, h.held, h.recent} {
			for four := range slices.Chunk(pages, extentPages) {
				if err := writePages(w, four); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writePages writes pages as Precision.lay lays them.
func writePages(w io.Writer, pages []*Page) error {
	for part := range pages[0].parts() {
		for _, pg := range pages {
			if _, err := w.Write(pg.parts()[part]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Open makes a cache of pages that lie in data, as Write has written them; data
// must be writable (a copy-on-write mapping) and stay there until unmap is
// called, which Close does.
func Open(pool *Pool, l Layout, data []byte, unmap func() error) (*Cache, error) {
	if n, err := l.Bytes(); err != nil {
		return nil, err
	} else if n != int64(len(data)) {
		return nil, fmt.Errorf("its pages have %d bytes instead of %d", len(data), n)
	}
	if l.Precision != pool.precision {
		return nil, fmt.Errorf("its keys and values are %s, not %s", l.Precision, pool.precision)
	}
	windows := make([]Window, len(l.Heads))
	for i, h := range l.Heads {
		windows[i] = h.Window
	}
	c, err := NewCache(pool, l.Layers, l.KVHeads, l.HeadDim, windows)
	if err != nil {
		return nil, err
	}
	next := func(n int) (pages []*Page) {
		for ; n > 0; n -= extentPages {
			count := min(n, extentPages)
			mem := data[:int64(count)*pool.pageBytes()]
			data = data[len(mem):]
			pages = append(pages, pool.precision.lay(mem, pool.dim, count)...)
			pool.adopt(count)
		}
		return pages
	}
	for i, hl := range l.Heads {
		h := &c.heads[i]
		h.first, h.nkept, h.from = hl.First, hl.Kept, hl.From
		kept, held, recent := l.pages(hl)
		h.kept, h.held, h.recent = next(kept), next(held), next(recent)
	}
	for i := range c.length {
		c.length[i] = l.Length
	}
	c.hold, c.unmap = l.Hold, unmap
	return c, nil
}
