package kv

import (
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

// A Merge says how the keys and values of a head and of the same head one layer
// below become one.
type Merge struct {
	T      float64 // where the common direction lies on the arc from the lower layer's (0) to the upper one's (1)
	Retain []int   // positions, ascending, at which both layers keep what they have
}

// merged is what two heads share: of each token one direction for the keys and one
// for the values, and the lengths in either layer.
type merged struct {
	dirs    []*Page     // unit vectors of positions [0, 128 len)
	lengths [2][]uint16 // [lower, upper][position][key, value], bf16
	retain  []int
}

const lengthBytes = 2 * 2 * 2 * PageTokens // of a page

func (m *merged) lengthBytes() int64 { return int64(len(m.lengths[0])) / 2 / PageTokens * lengthBytes }

// Merge merges the whole pages of a head with those of the layer below; both must
// be full. What comes later each layer keeps for itself: merged heads grow like full
// ones, and their pages are made again, in scratch pages, for the time of an
// attention. On an error (the budget) both are in an undefined state; call Reset.
func (c *Cache) Merge(layer, kvHead int, m Merge) error {
	if layer < 1 {
		return fmt.Errorf("kv: layer %d has no layer below to merge with", layer)
	}
	pair := [2]*Head{c.Head(layer-1, kvHead), c.Head(layer, kvHead)}
	for _, h := range pair {
		if !h.Whole() || !h.Window.Full() {
			return fmt.Errorf("kv: layer %d, KV head %d: cannot merge with the layer below: tokens are gone", layer, kvHead)
		}
	}
	n := min(c.length[layer-1], c.length[layer])
	from := n / PageTokens * PageTokens
	for i, pos := range m.Retain {
		if pos < 0 || pos >= from || i > 0 && pos <= m.Retain[i-1] {
			return fmt.Errorf("kv: layer %d, KV head %d: retained tokens must be ascending positions below %d", layer, kvHead, from)
		}
	}
	if from == 0 {
		return nil // there is no whole page
	}
	c.unhold()
	if err := c.merge(pair, from, m); err != nil {
		pair[0].from, pair[1].from = n+1, n+1 // there is no way back
		return fmt.Errorf("kv: layer %d, KV head %d: %w", layer, kvHead, err)
	}
	return nil
}

func (c *Cache) merge(pair [2]*Head, from int, m Merge) error {
	if err := c.pool.reserve(int64(from/PageTokens) * lengthBytes); err != nil {
		return err
	}
	both := &merged{retain: m.Retain, lengths: [2][]uint16{make([]uint16, 2*from), make([]uint16, 2*from)}}
	for side, h := range pair {
		h.merged, h.side = both, side
		for _, pos := range m.Retain {
			if err := h.copyKept(c.pool, pos); err != nil {
				return err
			}
		}
	}
	for i := range from / PageTokens {
		pg, err := c.pool.take(last(both.dirs), 1)
		if err != nil {
			return err
		}
		both.dirs = append(both.dirs, pg)
		both.fill(i, [2]*Page{pair[0].recent[0], pair[1].recent[0]}, m.T, c.pool.dim)
		for _, h := range pair {
			h.dropBefore(c.pool, i+1, 0)
		}
	}
	pair[0].from, pair[1].from = from, from
	return nil
}

// fill makes page i of the pages of the two layers.
func (m *merged) fill(i int, pair [2]*Page, t float64, dim int) {
	var key, value [2][]float32
	for side := range pair {
		key[side], value[side] = make([]float32, dim), make([]float32, dim)
	}
	var lengths [2]float32
	for slot := range PageTokens {
		for side, pg := range pair {
			pg.Key(key[side], slot)
			pg.Value(value[side], slot)
			lengths[0], lengths[1] = float32(norm(key[side])), float32(norm(value[side]))
			kernel.ToBF16(m.lengths[side][2*(i*PageTokens+slot):][:2], lengths[:])
		}
		slerp(key[0], key[1], t)
		slerp(value[0], value[1], t)
		m.dirs[i].put(slot, 1, key[0], value[0], dim, dim, dim)
	}
}

// restore writes into pages what the merged pages are in the layer of h.
func (h *Head) restore(pages []*Page, dim int) {
	key, value := make([]float32, dim), make([]float32, dim)
	var lengths [2]float32
	for i, dirs := range h.merged.dirs {
		for slot := range PageTokens {
			dirs.Key(key, slot)
			dirs.Value(value, slot)
			kernel.FromBF16(lengths[:], h.merged.lengths[h.side][2*(i*PageTokens+slot):][:2])
			for j := range key {
				key[j] *= lengths[0]
				value[j] *= lengths[1]
			}
			pages[i].put(slot, 1, key, value, dim, dim, dim)
		}
	}
	for i, pos := range h.merged.retain {
		pages[pos/PageTokens].take(pos%PageTokens, h.kept[i/PageTokens], i%PageTokens, dim)
	}
}

// restoreLayer lets the merged heads of a layer show whole pages, until the same
// is done for another layer or the scratch pages are released.
func (c *Cache) restoreLayer(layer int) error {
	used := 0
	for i := range c.kvHeads {
		h := c.Head(layer, i)
		if h.merged == nil {
			continue
		}
		n := len(h.merged.dirs)
		for len(c.scratch) < used+n {
			pg, err := c.pool.take(last(c.scratch), used+n-len(c.scratch))
			if err != nil {
				return err
			}
			c.scratch = append(c.scratch, pg)
		}
		h.restore(c.scratch[used:][:n], c.pool.dim)
		h.restored = append(append(h.restored[:0], c.scratch[used:][:n]...), h.recent...)
		used += n
	}
	return nil
}

func (c *Cache) releaseScratch() {
	for _, pg := range c.scratch {
		c.pool.put(pg)
	}
	c.scratch = c.scratch[:0]
}

// copy is m in pages of another pool; on an error, as far as it got.
func (m *merged) copy(p *Pool) (*merged, error) {
	if err := p.reserve(m.lengthBytes()); err != nil {
		return nil, err
	}
	dirs, err := p.copies(m.dirs)
	return &merged{dirs: dirs, lengths: m.lengths, retain: m.retain}, err
}

// unmerge gives back what two heads share; the lower one does it for both.
func (h *Head) unmerge(p *Pool) {
	if h.merged == nil || h.side != 0 {
		return
	}
	for _, pg := range h.merged.dirs {
		p.put(pg)
	}
	p.unreserve(h.merged.lengthBytes())
}

// sharedBytes is what two merged heads share; it counts for the lower one.
func (h *Head) sharedBytes(p *Pool) int64 {
	if h.merged == nil || h.side != 0 {
		return 0
	}
	return int64(len(h.merged.dirs))*p.pageBytes() + h.merged.lengthBytes()
}

// Distances are the angles between the keys, and the values, of a head and of the
// same head one layer below, as shares of a half turn: [position].
func (c *Cache) Distances(layer, kvHead int) (keys, values []float32, err error) {
	if layer < 1 || !c.Head(layer-1, kvHead).Whole() || !c.Head(layer, kvHead).Whole() {
		return nil, nil, fmt.Errorf("kv: layer %d, KV head %d: cannot be compared with the layer below: tokens are gone", layer, kvHead)
	}
	a, b := make([]float32, c.pool.dim), make([]float32, c.pool.dim)
	for pos := range min(c.length[layer-1], c.length[layer]) {
		lower, upper := c.Head(layer-1, kvHead).recent[pos/PageTokens], c.Head(layer, kvHead).recent[pos/PageTokens]
		lower.Key(a, pos%PageTokens)
		upper.Key(b, pos%PageTokens)
		keys = append(keys, float32(angle(a, b)/math.Pi))
		lower.Value(a, pos%PageTokens)
		upper.Value(b, pos%PageTokens)
		values = append(values, float32(angle(a, b)/math.Pi))
	}
	return keys, values, nil
}

// slerp makes of a the unit vector at t of the arc from the direction of a to that
// of b: sin((1-t)w)/sin(w) of the one and sin(tw)/sin(w) of the other, w being the
// angle between them. A vector without a direction takes the other's; where there
// is no one arc (parallel, opposite) the chord is divided.
func slerp(a, b []float32, t float64) {
	la, lb, w := norm(a), norm(b), angle(a, b)
	fa, fb := 1-t, t
	if s := math.Sin(w); s > 1e-6 {
		fa, fb = math.Sin((1-t)*w)/s, math.Sin(t*w)/s
	}
	switch {
	case la == 0 && lb == 0:
		return
	case la == 0:
		fa, fb, la = 0, 1, 1
	case lb == 0:
		fa, fb, lb = 1, 0, 1
	}
	for i := range a {
		a[i] = float32(fa/la*float64(a[i]) + fb/lb*float64(b[i]))
	}
}

// angle is that between two vectors; 0 where one has no direction.
func angle(a, b []float32) float64 {
	var dot float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
	}
	lengths := norm(a) * norm(b)
	if lengths == 0 {
		return 0
	}
	return math.Acos(min(max(dot/lengths, -1), 1))
}

func norm(a []float32) float64 {
	var s float64
	for _, v := range a {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}
