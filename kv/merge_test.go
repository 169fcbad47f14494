package kv

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
)

// twoLayers is a cache of two layers and two KV heads of random tokens.
func twoLayers(t *testing.T, rnd *rand.Rand, precision Precision, n int, limit int64) *Cache {
	t.Helper()
	c, err := NewCache(NewPool(dim, precision, limit), 2, 2, dim, nil)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, rnd, c, n)
	return c
}

func grow(t *testing.T, rnd *rand.Rand, c *Cache, n int) {
	t.Helper()
	for l := range 2 {
		k, v := make([]float32, n*2*dim), make([]float32, n*2*dim)
		for i := range k {
			k[i], v[i] = float32(rnd.NormFloat64()), float32(3*rnd.NormFloat64())
		}
		if err := c.Append(l, n, k, v); err != nil {
			t.Fatal(err)
		}
	}
}

// vectors are the keys and values of a head as attention reads them, [position][key, value].
func vectors(h *Head, n int) (all [][2][]float64) {
	_, pages := h.Recent()
	x := make([]float32, dim)
	for pos := range n {
		var kv [2][]float64
		for i, read := range []func([]float32, int){pages[pos/PageTokens].Key, pages[pos/PageTokens].Value} {
			read(x, pos%PageTokens)
			for _, v := range x {
				kv[i] = append(kv[i], float64(v))
			}
		}
		all = append(all, kv)
	}
	return all
}

// between is spherical interpolation by its definition: turn x towards y by a share
// of the angle, in the plane of the two.
func between(x, y []float64, t float64) []float64 {
	dot := func(a, b []float64) (s float64) {
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	lx, ly := math.Sqrt(dot(x, x)), math.Sqrt(dot(y, y))
	w := math.Acos(dot(x, y) / lx / ly)
	out := make([]float64, len(x))
	var across []float64 // unit, orthogonal to x
	for i := range x {
		across = append(across, y[i]/ly-math.Cos(w)*x[i]/lx)
	}
	l := math.Sqrt(dot(across, across))
	for i := range x {
		out[i] = math.Cos(t*w)*x[i]/lx + math.Sin(t*w)*across[i]/l
	}
	return out
}

// Merged heads show the common direction with their own lengths, what was retained
// as it was, and what came later; bytes are counted and announced as they are held.
func TestMerge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, precision := range []Precision{BF16, Int8} {
		for _, n := range []int{1, 127, 128, 300, 384} {
			for _, share := range []float64{0, 0.1, 1} {
				c := twoLayers(t, rnd, precision, n, 0)
				whole := n / PageTokens * PageTokens
				lower, upper := vectors(c.Head(0, 1), n), vectors(c.Head(1, 1), n)
				m := Merge{T: 0.3}
				retained := map[int]bool{}
				for pos := range whole {
					if rnd.Float64() < share {
						m.Retain = append(m.Retain, pos)
						retained[pos] = true
					}
				}
				keys, values, err := c.Distances(1, 1)
				if err != nil || len(keys) != n || len(values) != n {
					t.Fatal(err, len(keys), len(values))
				}
				full, page := c.Bytes(), precision.PageBytes(dim)
				if err := c.Merge(1, 1, m); err != nil {
					t.Fatal(err)
				}
				want := full + int64(whole/PageTokens)*(lengthBytes-page) + 2*int64(pagesOf(len(m.Retain)))*page
				if c.Bytes() != want || c.Bytes() != c.pool.Bytes() {
					t.Fatalf("%d tokens, %d retained: %d bytes, pool %d, want %d", n, len(m.Retain), c.Bytes(), c.pool.Bytes(), want)
				}
				if peak := full + 2*int64(pagesOf(len(m.Retain)))*page + int64(whole/PageTokens)*lengthBytes + page; c.pool.PeakBytes() > peak {
					t.Fatalf("%d tokens: %d bytes at peak, more than %d", n, c.pool.PeakBytes(), peak)
				}
				need := c.NeedBytes(n+5, 5)
				before := c.pool.PeakBytes()
				for range 2 { // the second time, after going back
					k := make([]float32, 5*2*dim)
					for l := range 2 {
						if err := c.Append(l, 5, k, k); err != nil {
							t.Fatal(err)
						}
						h := c.Head(l, 1)
						if from, kept := h.Visible(n + 4); from != 0 || kept != 0 || len(h.Kept()) > 0 {
							t.Fatalf("a merged head shows %d, %d, %d kept pages", from, kept, len(h.Kept()))
						}
						for pos, got := range vectors(h, n) {
							for i := range got {
								own := [][][2][]float64{lower, upper}[l][pos][i]
								want, tolerance := own, 0.0
								if pos < whole && !retained[pos] {
									length := 0.0
									for _, x := range own {
										length += x * x
									}
									length = math.Sqrt(length)
									want = between(lower[pos][i], upper[pos][i], m.T)
									for j := range want {
										want[j] *= length
									}
									tolerance = length * map[Precision]float64{BF16: 0.007, Int8: 0.012}[precision]
								}
								for j, x := range got[i] {
									if math.Abs(x-want[j]) > tolerance {
										t.Fatalf("%d tokens, layer %d, position %d, retained %v: component %d is %g, want %g", n, l, pos, retained[pos], j, x, want[j])
									}
								}
							}
						}
						if c.pool.Bytes() > need || c.Bytes() != c.pool.Bytes() {
							t.Fatalf("%d tokens: %d bytes in the pool, %d in the cache, %d announced", n, c.pool.Bytes(), c.Bytes(), need)
						}
					}
					c.Release(0)
					c.Release(1)
					if whole > 0 && c.has(whole-1) || !c.has(n) {
						t.Fatalf("%d tokens: can go back to %d: %v, to %d: %v", n, whole-1, c.has(whole-1), n, c.has(n))
					}
					c.Truncate(n)
				}
				if c.pool.PeakBytes() > max(before, need) {
					t.Fatalf("%d bytes at peak, %d announced", c.pool.PeakBytes(), need)
				}
				if c.Bytes() != want {
					t.Fatalf("%d tokens: %d bytes after going back, want %d", n, c.Bytes(), want)
				}
				if whole > 0 && (c.Merge(1, 1, m) == nil || c.Demote(1, 1, Window{4, 20, 0}) == nil || c.Pick(0, 1, Pick{From: 1}) == nil) {
					t.Fatal("a merged head is cut again")
				}
				if c.Reset(nil); c.pool.Bytes() != 0 || c.Head(0, 1).Merged() {
					t.Fatalf("%d bytes after a reset", c.pool.Bytes())
				}
			}
		}
	}
}

func TestMergeRefusals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	c := twoLayers(t, rnd, BF16, 300, 0)
	for _, m := range []Merge{{Retain: []int{256}}, {Retain: []int{-1}}, {Retain: []int{3, 3}}} {
		if c.Merge(1, 0, m) == nil {
			t.Errorf("%+v is accepted", m)
		}
	}
	if c.Merge(0, 0, Merge{}) == nil {
		t.Error("layer 0 is merged with what is below it")
	}
	if err := c.Demote(0, 0, Window{4, 20, 0}); err != nil {
		t.Fatal(err)
	}
	if c.Merge(1, 0, Merge{}) == nil {
		t.Error("a lazy head is merged")
	}
	if _, _, err := c.Distances(1, 0); err == nil {
		t.Error("distances to a lazy head")
	}
	if err := c.Write(io.Discard); err != nil {
		t.Error(err)
	}
	if err := c.Merge(1, 1, Merge{}); err != nil {
		t.Fatal(err)
	}
	if c.Write(io.Discard) == nil {
		t.Error("merged heads are written")
	}
	// Out of budget in the middle: an error, and no way on but a new start.
	for limit := int64(12) * BF16.PageBytes(dim); limit < 16*BF16.PageBytes(dim); limit += lengthBytes {
		c := twoLayers(t, rnd, BF16, 300, limit)
		if err := c.Merge(1, 1, Merge{Retain: []int{1, 5}}); err == nil {
			continue
		} else if !errors.Is(err, ErrBudget) || c.has(0) || c.has(300) {
			t.Fatalf("limit %d: %v; can go back: %v, %v", limit, err, c.has(0), c.has(300))
		}
		if c.Reset(nil); c.pool.Bytes() != 0 {
			t.Fatalf("limit %d: %d bytes after a reset", limit, c.pool.Bytes())
		}
	}
}

// Vectors without a direction, parallel and opposite ones make no NaN.
func TestSlerpEdges(t *testing.T) {
	zero, x, minus := []float32{0, 0}, []float32{3, 4}, []float32{-3, -4}
	for _, c := range []struct{ a, b, want []float32 }{
		{zero, zero, zero}, {x, zero, []float32{0.6, 0.8}}, {zero, x, []float32{0.6, 0.8}}, {x, x, []float32{0.6, 0.8}},
		{x, minus, []float32{0.3, 0.4}},
	} {
		a := append([]float32{}, c.a...)
		slerp(a, c.b, 0.25)
		for i := range a {
			if !(math.Abs(float64(a[i]-c.want[i])) < 1e-6) {
				t.Errorf("%v to %v: %v, want %v", c.a, c.b, a, c.want)
				break
			}
		}
	}
}
