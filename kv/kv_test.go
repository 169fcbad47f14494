package kv

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

const dim = 32

// token is component j of the key (kind 0) or value (kind 1) of a position in a
// KV head: every one tells whose it is, exactly in bf16.
func token(pos, head, kind, j int) float32 {
	return float32([]int{pos % 128, pos / 128, head, kind}[j%4])
}

func appendTokens(t *testing.T, c *Cache, layer, n int) {
	t.Helper()
	k, v := make([]float32, n*c.kvHeads*dim), make([]float32, n*c.kvHeads*dim)
	for i := range n {
		for h := range c.kvHeads {
			for j := range dim {
				k[(i*c.kvHeads+h)*dim+j] = token(c.Length(layer)+i, h, 0, j)
				v[(i*c.kvHeads+h)*dim+j] = token(c.Length(layer)+i, h, 1, j)
			}
		}
	}
	if err := c.Append(layer, n, k, v); err != nil {
		t.Fatal(err)
	}
}

// seen lists the positions that the query at position t sees in a head, by what
// lies in its pages; samples are listed apart.
func seen(tb testing.TB, h *Head, t, n, head int) (plain, samples map[int]bool) {
	tb.Helper()
	plain, samples = map[int]bool{}, map[int]bool{}
	from, kept := h.Visible(t)
	k, v := make([]float32, dim), make([]float32, dim)
	check := func(pg *Page, slot, pos int) {
		kernel.GetK(k, pg.K, slot, dim)
		kernel.GetV(v, pg.V, slot, dim)
		for j := range 4 {
			if k[j] != token(pos, head, 0, j) || v[j+4] != token(pos, head, 1, j) {
				tb.Fatalf("window %s, query %d: position %d holds key %v, value %v", h.Window, t, pos, k[:4], v[4:8])
			}
		}
	}
	for s := range kept {
		pos := s
		if s >= h.Window.Sink {
			pos = h.Window.samplePos(s - h.Window.Sink)
			samples[pos] = true
		} else {
			plain[pos] = true
		}
		check(h.kept[s/PageTokens], s%PageTokens, pos)
	}
	base, pages := h.Recent()
	for pos := from; pos <= t; pos++ {
		if pos < base || pos >= base+len(pages)*PageTokens {
			tb.Fatalf("window %s, query %d of %d: position %d is not stored", h.Window, t, n, pos)
		}
		if plain[pos] || samples[pos] {
			tb.Fatalf("window %s, query %d: position %d is there twice", h.Window, t, pos)
		}
		plain[pos] = true
		check(pages[(pos-base)/PageTokens], (pos-base)%PageTokens, pos)
	}
	return plain, samples
}

func compare(tb testing.TB, h *Head, t, n, head int) {
	tb.Helper()
	plain, samples := seen(tb, h, t, n, head)
	for j := range n {
		visible, sample := h.Window.Visible(t, j)
		if visible != (plain[j] || samples[j]) || sample != samples[j] {
			tb.Fatalf("window %s, query %d: position %d: visible %v, sample %v; stored: plain %v, sample %v",
				h.Window, t, j, visible, sample, plain[j], samples[j])
		}
	}
}

var windows = []Window{{}, {4, 20, 0}, {0, 1, 0}, {4, 127, 0}, {4, 128, 0}, {4, 129, 0}, {3, 20, 8}, {0, 60, 2}, {130, 5, 0},
	{4, 252, 8}, {4, 252, 16}, {2, 127, 3}, {1, 128, 7}, {300, 10, 4}, {0, 256, 0}}

// Whatever the block sizes, every query of a block finds in the pages exactly
// what its window says.
func TestEveryQuerySeesItsWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 6 {
		pool := NewPool(dim, BF16, 0)
		c, err := NewCache(pool, 1, len(windows), dim, windows)
		if err != nil {
			t.Fatal(err)
		}
		for c.Len() < 700 {
			b := 1 + rnd.IntN([]int{1, 7, 130, 300, 600, 3}[round])
			n := c.Len()
			appendTokens(t, c, 0, b)
			for h := range windows {
				for q := n; q < n+b; q += 1 + rnd.IntN(40) {
					compare(t, c.Head(0, h), q, n+b, h)
				}
				compare(t, c.Head(0, h), n+b-1, n+b, h)
			}
			c.Release(0)
			if c.Bytes() != pool.Bytes() {
				t.Fatalf("cache holds %d bytes, pool says %d", c.Bytes(), pool.Bytes())
			}
			if need := BF16.NeedBytes(windows, n+b, b, dim); pool.PeakBytes() > BF16.NeedBytes(windows, n+b, 600, dim) || pool.Bytes() > need {
				t.Fatalf("at %d tokens: %d bytes held, %d at peak; %d announced", n+b, pool.Bytes(), pool.PeakBytes(), need)
			}
		}
		if err := c.Close(); err != nil || pool.Bytes() != 0 {
			t.Fatalf("after Close: %v, %d bytes", err, pool.Bytes())
		}
	}
}

// Cutting a full head later gives what streaming from the start gives.
func TestDemoteEqualsStreaming(t *testing.T) {
	for _, w := range windows[1:] {
		for _, n := range []int{1, 5, 127, 128, 129, 255, 256, 257, 500} {
			pool := NewPool(dim, BF16, 0)
			full, _ := NewCache(pool, 1, 1, dim, nil)
			lazy, _ := NewCache(pool, 1, 1, dim, []Window{w})
			appendTokens(t, full, 0, n)
			preview, err := full.Preview(0, 0, w, 0)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, preview, n-1, n, 0)
			before := full.Bytes()
			if err := full.Demote(0, 0, w); err != nil {
				t.Fatal(err)
			}
			if full.Bytes() > before+BF16.PageBytes(dim)*int64(1+n/PageTokens) {
				t.Fatalf("window %s: demotion took %d bytes to %d", w, before, full.Bytes())
			}
			appendTokens(t, lazy, 0, n)
			lazy.Release(0)
			if full.Bytes() != lazy.Bytes() {
				t.Fatalf("window %s at %d tokens: demoted %d bytes, streaming %d", w, n, full.Bytes(), lazy.Bytes())
			}
			for range 300 {
				n++
				appendTokens(t, full, 0, 1)
				appendTokens(t, lazy, 0, 1)
				compare(t, full.Head(0, 0), n-1, n, 0)
				compare(t, lazy.Head(0, 0), n-1, n, 0)
				full.Release(0)
				lazy.Release(0)
			}
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, w := range windows {
		for n := 10; n < 600; n += 67 {
			for back := 0; back <= n; back += 1 + n/9 {
				c, _ := NewCache(NewPool(dim, BF16, 0), 1, 1, dim, []Window{w})
				appendTokens(t, c, 0, n)
				c.Release(0)
				if c.Back(back) != back {
					if w.Full() {
						t.Fatal("a full head cannot go back")
					}
					continue
				}
				c.Truncate(back)
				appendTokens(t, c, 0, 70)
				for q := back; q < back+70; q += 3 {
					compare(t, c.Head(0, 0), q, back+70, 0)
				}
				if c.Bytes() != c.pool.Bytes() {
					t.Fatalf("cache %d bytes, pool %d", c.Bytes(), c.pool.Bytes())
				}
			}
		}
	}
}

// A held position can be gone back to from anywhere behind it, from a file as well.
func TestHold(t *testing.T) {
	for n := 300; n < 700; n += 97 {
		for _, more := range []int{0, 1, 90, 500} {
			pool := NewPool(dim, BF16, 0)
			c, _ := NewCache(pool, 1, len(windows), dim, windows)
			appendTokens(t, c, 0, 100)
			hold := (n - 130) / PageTokens * PageTokens
			c.Hold(n - 130)
			appendTokens(t, c, 0, n-100)
			c.Release(0)
			least := c.Bytes()
			for c.Len() < n+more {
				appendTokens(t, c, 0, 10)
				c.Release(0)
			}
			c.Hold(100) // gone
			if got, most := pool.Bytes(), BF16.NeedBytes(windows, c.Len(), 1, dim)+BF16.HoldBytes(windows, dim); got != c.Bytes() || got > most {
				t.Fatalf("%d tokens and %d: %d bytes of cache, %d of pool, %d announced", n, more, c.Bytes(), got, most)
			}
			var file bytes.Buffer
			if err := c.Write(&file); err != nil {
				t.Fatal(err)
			}
			opened, err := Open(NewPool(dim, BF16, 0), c.Layout(), file.Bytes(), func() error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []*Cache{c, opened} {
				if back := c.Back(hold + 1); back < hold {
					t.Fatalf("%d tokens and %d: back to %d, held is %d", n, more, back, hold)
				}
				c.Truncate(hold)
				appendTokens(t, c, 0, n-hold)
				for h := range windows {
					for q := hold; q < n; q += 17 {
						compare(t, c.Head(0, h), q, n, h)
					}
				}
				c.Release(0)
				if c.Bytes() != least || c.Bytes() != c.pool.Bytes() {
					t.Fatalf("%d tokens again: %d bytes, %d of pool; %d at first", n, c.Bytes(), c.pool.Bytes(), least)
				}
				if c.Close(); c.pool.Bytes() != 0 {
					t.Fatalf("%d bytes after Close", c.pool.Bytes())
				}
			}
		}
	}
}

func TestDemoteRefusals(t *testing.T) {
	c, _ := NewCache(NewPool(dim, BF16, 0), 1, 1, dim, []Window{{4, 20, 0}})
	appendTokens(t, c, 0, 400)
	c.Release(0)
	for _, w := range []Window{{}, {4, 252, 8}} {
		if err := c.Demote(0, 0, w); err == nil {
			t.Errorf("window %s: tokens are gone, no error", w)
		}
	}
	if _, err := c.Preview(0, 0, Window{4, 20, 0}, 0); err == nil {
		t.Error("preview of a head that has dropped tokens: no error")
	}
	for _, w := range []Window{{-1, 2, 0}, {4, 0, 0}, {0, 4, 1}, {0, 0, 3}} {
		if err := w.Validate(); err == nil {
			t.Errorf("window %v: no error", w)
		}
	}
}

func TestBudget(t *testing.T) {
	pool := NewPool(dim, BF16, 3*BF16.PageBytes(dim))
	c, _ := NewCache(pool, 1, 1, dim, nil)
	appendTokens(t, c, 0, 3*PageTokens)
	err := c.Append(0, 1, make([]float32, dim), make([]float32, dim))
	if !errors.Is(err, ErrBudget) {
		t.Fatalf("error %v, want ErrBudget", err)
	}
	if err := c.Demote(0, 0, Window{Sink: 4, Recent: 20}); err == nil {
		t.Fatal("demotion needs a page for the sinks before it frees any; the budget has none")
	}
}

// What a head keeps of n positions is what the last query sees.
func TestWindowTokens(t *testing.T) {
	for _, w := range []Window{{}, {Recent: 30}, {Sink: 4, Recent: 20}, {Sink: 4, Recent: 60, Stride: 8}, {Sink: 0, Recent: 1, Stride: 3}} {
		for n := range 200 {
			want := 0
			for j := range n {
				if see, _ := w.Visible(n-1, j); see {
					want++
				}
			}
			if got := w.Tokens(n); got != want {
				t.Fatalf("window %s, %d positions: %d tokens, want %d", w, n, got, want)
			}
		}
	}
}
