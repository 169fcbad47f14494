package kv

import "fmt"

// CopyLayer makes a layer of an empty cache a copy of that of another cache: its
// windows, its tokens, in pages of this cache's own pool. Layers go upwards: the
// upper one of two that are merged finds the lower one's copy.
func (c *Cache) CopyLayer(from *Cache, layer int) error {
	if c.kvHeads != from.kvHeads || c.layers != from.layers || c.pool.pageBytes() != from.pool.pageBytes() || c.pool.precision != from.pool.precision {
		return fmt.Errorf("kv: layer %d: the caches have different shapes", layer)
	}
	for h := range c.kvHeads {
		dst, src := c.Head(layer, h), from.Head(layer, h)
		dst.reset(c.pool)
		*dst = *src
		dst.kept, dst.recent, dst.held, dst.merged, dst.restored = nil, nil, nil, nil, nil
		var err error
		if dst.kept, err = c.pool.copies(src.kept); err == nil {
			dst.recent, err = c.pool.copies(src.recent)
		}
		switch {
		case err != nil || !src.Merged():
		case src.side == 1:
			dst.merged = c.Head(layer-1, h).merged
		default:
			dst.merged, err = src.merged.copy(c.pool)
		}
		if err != nil {
			dst.reset(c.pool)
			return fmt.Errorf("layer %d: %w", layer, err)
		}
	}
	c.length[layer] = from.length[layer]
	return nil
}

// copies takes pages with the contents of others; on an error, as many as there are.
func (p *Pool) copies(of []*Page) ([]*Page, error) {
	var pages []*Page
	for i, src := range of {
		pg, err := p.take(last(pages), len(of)-i)
		if err != nil {
			return pages, err
		}
		pg.fill(src)
		pages = append(pages, pg)
	}
	return pages, nil
}
