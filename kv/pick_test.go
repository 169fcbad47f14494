package kv

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

// holds fails unless a query at position t finds exactly the wanted positions in a
// picked head, in order.
func holds(t *testing.T, h *Head, query int, want []int) {
	t.Helper()
	from, kept := h.Visible(query)
	k := make([]float32, dim)
	var got []int
	read := func(pg *Page, slot int) {
		if pg.Key(k, slot); pg.K8 != nil {
			for j := range k {
				k[j] = float32(int(k[j] + 0.5))
			}
		}
		got = append(got, int(k[0])+128*int(k[1]))
	}
	for s := range kept {
		read(h.Kept()[s/PageTokens], s%PageTokens)
	}
	base, pages := h.Recent()
	for pos := from; pos <= query; pos++ {
		read(pages[(pos-base)/PageTokens], (pos-base)%PageTokens)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("query %d sees %v, want %v", query, got, want)
	}
}

// A picked head keeps what was picked and all that follows, and no page more than
// that takes; through decoding, going back and a file.
func TestPick(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, precision := range []Precision{BF16, Int8} {
		for _, n := range []int{2, 127, 128, 129, 300, 700} {
			for _, back := range []int{1, 32, 128} {
				for _, share := range []float64{0, 0.3, 1} {
					from := max(1, n-back)
					p := Pick{From: from}
					for pos := range from {
						if rnd.Float64() < share {
							p.Tokens = append(p.Tokens, pos)
						}
					}
					testPick(t, precision, n, p)
				}
			}
		}
	}
}

func testPick(t *testing.T, precision Precision, n int, p Pick) {
	pool := NewPool(dim, precision, 0)
	c, _ := NewCache(pool, 1, 2, dim, nil)
	appendTokens(t, c, 0, n)
	full := c.Bytes()
	if err := c.Pick(0, 1, p); err != nil {
		t.Fatal(err)
	}
	if pool.PeakBytes() > full+precision.PageBytes(dim) {
		t.Fatalf("picking took %d bytes to %d", full, pool.PeakBytes())
	}
	want := func(query int) []int {
		list := slices.Clone(p.Tokens)
		for pos := p.From; pos <= query; pos++ {
			list = append(list, pos)
		}
		return list
	}
	check := func(c *Cache) {
		t.Helper()
		h := c.Head(0, 1)
		holds(t, h, c.Len()-1, want(c.Len()-1))
		pages := int64((len(p.Tokens)+127)/128 + (c.Len()+127)/128 - p.From/128)
		if got := int64(len(h.recent) + len(h.kept)); got != pages {
			t.Fatalf("%d tokens, %d picked, all from %d on: %d pages, want %d", c.Len(), len(p.Tokens), p.From, got, pages)
		}
		if c.Bytes() != c.pool.Bytes() || c.Bytes() != c.NeedBytes(c.Len(), 1) {
			t.Fatalf("cache %d bytes, pool %d, announced %d", c.Bytes(), c.pool.Bytes(), c.NeedBytes(c.Len(), 1))
		}
	}
	check(c)
	appendTokens(t, c, 0, 150)
	c.Release(0)
	check(c)
	if !c.has(p.From) || c.has(p.From-1) {
		t.Fatalf("picked at %d, everything from %d on: can go back to %d: %v, to one less: %v", n, p.From, p.From, c.has(p.From), c.has(p.From-1))
	}
	c.Truncate(n)
	check(c)
	for _, w := range []Window{{}, {4, 20, 0}} {
		if c.Demote(0, 1, w) == nil {
			t.Fatalf("a picked head becomes %s", w)
		}
	}
	if _, err := c.Preview(0, 1, Window{4, 20, 0}, 0); err == nil {
		t.Fatal("a preview of a picked head")
	}
	if c.Pick(0, 1, p) == nil {
		t.Fatal("a picked head is picked again")
	}

	var file bytes.Buffer
	if err := c.Write(&file); err != nil {
		t.Fatal(err)
	}
	again, err := Open(NewPool(dim, precision, 0), c.Layout(), slices.Clone(file.Bytes()), func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	appendTokens(t, again, 0, 3)
	check(again)
	layout := c.Layout()
	for _, spoil := range []func(h *HeadLayout){
		func(h *HeadLayout) { h.From = -1 }, func(h *HeadLayout) { h.From = n + 1 }, func(h *HeadLayout) { h.Kept = h.From + 1 },
		func(h *HeadLayout) { h.Kept = -1 }, func(h *HeadLayout) { h.First++ }, func(h *HeadLayout) { h.Window = Window{4, 20, 0} },
	} {
		bad := layout
		bad.Heads = slices.Clone(layout.Heads)
		if spoil(&bad.Heads[1]); bad.Heads[1].From == -1 {
			bad.Heads[1].First = 0
		}
		if _, err := bad.Bytes(); err == nil {
			t.Fatalf("layout %+v is accepted", bad.Heads[1])
		}
	}
	c.Reset(nil)
	if c.Head(0, 1).Picked() || pool.Bytes() != 0 {
		t.Fatal("a pick survives a reset")
	}
}

func TestPickRefusals(t *testing.T) {
	c, _ := NewCache(NewPool(dim, BF16, 0), 1, 2, dim, []Window{{}, {4, 20, 0}})
	appendTokens(t, c, 0, 200)
	for _, p := range []Pick{{From: 0}, {From: 201}, {From: 10, Tokens: []int{10}}, {From: 10, Tokens: []int{-1}}, {From: 10, Tokens: []int{3, 3}}, {From: 10, Tokens: []int{4, 3}}} {
		if c.Pick(0, 0, p) == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
	if c.Pick(0, 1, Pick{From: 10}) == nil {
		t.Error("a head with a window is picked")
	}
	holds(t, c.Head(0, 0), 3, []int{0, 1, 2, 3})
}

// What is read back from a page is what was put into it.
func TestPageKey(t *testing.T) {
	pg := BF16.lay(make([]byte, BF16.PageBytes(dim)), dim, 1)[0]
	k, got, want := make([]float32, dim), make([]float32, dim), make([]float32, dim)
	for j := range k {
		k[j] = float32(j) - 3
	}
	pg.put(77, 1, k, k, dim, dim, dim)
	pg.Key(got, 77)
	kernel.GetK(want, pg.K, 77, dim)
	if !slices.Equal(got, want) || !slices.Equal(got, k) {
		t.Errorf("key %v, want %v", got, k)
	}
}
