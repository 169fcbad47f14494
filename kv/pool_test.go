package kv

import (
	"testing"
	"unsafe"
)

// grown is a pool past its extents of one page.
func grown(t *testing.T) (*Pool, int64) {
	p := NewPool(64, BF16, 0)
	for p.singles < slabBytes {
		if _, err := p.take(nil, 1); err != nil {
			t.Fatal(err)
		}
	}
	return p, p.Bytes()
}

func takes(t *testing.T, p *Pool, pages []*Page, n int) []*Page {
	for i := range n {
		pg, err := p.take(last(pages), n-i)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, pg)
	}
	return pages
}

// follow reports whether the keys, and the values, of b lie behind those of a.
func follow(a, b *Page) bool {
	behind := func(a, b []uint16) bool { return unsafe.Add(unsafe.Pointer(&a[0]), 2*len(a)) == unsafe.Pointer(&b[0]) }
	return behind(a.K, b.K) && behind(a.V, b.V)
}

// Heads that grow page by page in turns still have their pages by fours, as heads
// have that take many at once.
func TestHeadsHaveTheirExtents(t *testing.T) {
	p, _ := grown(t)
	for _, atOnce := range []int{1, 4, 6} {
		heads := make([][]*Page, 7)
		for range 24 / atOnce {
			for h := range heads {
				heads[h] = takes(t, p, heads[h], atOnce)
			}
		}
		together := 0
		for _, pages := range heads {
			for i := 1; i < len(pages); i++ {
				if follow(pages[i-1], pages[i]) {
					together++
				}
			}
			for _, pg := range pages {
				p.put(pg)
			}
		}
		if want := 7 * 24 * 3 / 4 * 17 / 20; together < want {
			t.Errorf("%d at once: %d pages follow the one before, want %d", atOnce, together, want)
		}
	}
}

// A ring of three pages stays where it is, and idle memory is bounded: at first
// pages of other heads' extents are taken.
func TestExtentsAreUsed(t *testing.T) {
	p, before := grown(t)
	ring := takes(t, p, nil, 3)
	first := ring[0].extent
	for range 50 {
		ring = takes(t, p, ring, 1)
		p.put(ring[0])
		if ring = ring[1:]; last(ring).extent != first {
			t.Fatal("the ring has left its extent")
		}
	}
	var heads [][]*Page
	for range 100 {
		heads = append(heads, takes(t, p, nil, 1))
		if p.idle > max(extentPages, p.used/maxIdle+extentPages) {
			t.Fatalf("%d pages idle, %d in use", p.idle, p.used)
		}
	}
	for _, pages := range append(heads, ring) {
		for _, pg := range pages {
			p.put(pg)
		}
	}
	if p.Bytes() != before {
		t.Errorf("%d bytes in use, want %d", p.Bytes(), before)
	}
	p.Shrink()
	if p.idle != 0 || len(p.free) != 0 {
		t.Errorf("%d pages idle in %d extents after Shrink", p.idle, len(p.free))
	}
}
