package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// attnCase is one call of Attend with everything it reads.
type attnCase struct {
	rows, d int
	q       []float32
	spans   []Span
}

func randn(rng *rand.Rand, n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * scale)
	}
	return x
}

// newPage is a page of random tokens. Keys and queries of unit variance, the
// query scaled by 1/sqrt(d): logits of variance 1, as in a model.
func newPage(rng *rand.Rand, d int, int8page bool) Span {
	n := PageTokens * d
	var sp Span
	if int8page {
		sp = Span{K8: make([]int8, n), V8: make([]int8, n), KScale: make([]float32, PageTokens), VScale: make([]float32, PageTokens)}
	} else {
		sp = Span{K: make([]uint16, n), V: make([]uint16, n)}
	}
	for s := range PageTokens {
		k, v := randn(rng, d, 1), randn(rng, d, 1)
		if int8page {
			PutK8(sp.K8, sp.KScale, s, k, d)
			PutV8(sp.V8, sp.VScale, s, v, d)
		} else {
			PutK(sp.K, s, k, d)
			PutV(sp.V, s, v, d)
		}
	}
	return sp
}

// edges are the slots where off-by-one errors live.
var edges = []int32{0, 1, 15, 16, 17, 31, 32, 33, 64, 112, 127, 128}

// newCase makes spans of every kind: whole, full, empty, causal edges and random ranges
// per row, with and without bias, in both precisions.
func newCase(rng *rand.Rand, rows, d, spans int) *attnCase {
	c := &attnCase{rows: rows, d: d, q: randn(rng, rows*d, 1/math.Sqrt(float64(d)))}
	for range spans {
		sp := newPage(rng, d, rng.IntN(3) == 0)
		kind := rng.IntN(6)
		if kind < 5 {
			sp.Lo, sp.Hi = make([]int32, rows), make([]int32, rows)
		}
		for r := range sp.Lo {
			switch kind {
			case 0:
				sp.Hi[r] = PageTokens
			case 1: // nobody sees it
				sp.Lo[r], sp.Hi[r] = 64, 64
			case 2: // causal
				sp.Hi[r] = int32(min(PageTokens, 17+r/3))
			default:
				sp.Lo[r], sp.Hi[r] = edges[rng.IntN(len(edges))], edges[rng.IntN(len(edges))]
			}
		}
		if rng.IntN(3) == 0 {
			sp.Bias = randn(rng, PageTokens, 1)
		}
		c.spans = append(c.spans, sp)
	}
	return c
}

// naive is softmax attention as the formula says, in float64.
func (c *attnCase) naive() (out []float32, lse []float32) {
	d := c.d
	out, lse = make([]float32, c.rows*d), make([]float32, c.rows)
	k, v := make([]float32, d), make([]float32, d)
	for r := range c.rows {
		o, sum := make([]float64, d), 0.0
		for _, sp := range c.spans {
			lo, hi := sp.visible(r)
			for s := lo; s < hi; s++ {
				if sp.K8 != nil {
					GetK8(k, sp.K8, sp.KScale, s, d)
					GetV8(v, sp.V8, sp.VScale, s, d)
				} else {
					GetK(k, sp.K, s, d)
					GetV(v, sp.V, s, d)
				}
				x := 0.0
				for j := range d {
					x += float64(c.q[r*d+j]) * float64(k[j])
				}
				if sp.Bias != nil {
					x += float64(sp.Bias[s])
				}
				p := math.Exp(x)
				sum += p
				for j := range d {
					o[j] += p * float64(v[j])
				}
			}
		}
		lse[r] = float32(math.Log(sum))
		for j := range d {
			if sum > 0 {
				out[r*d+j] = float32(o[j] / sum)
			}
		}
	}
	return out, lse
}

// run calls Attend on the rows [from, to).
func (c *attnCase) run(s *AttnScratch, from, to int) (out, lse []float32) {
	rows := to - from
	out, lse = make([]float32, rows*c.d), make([]float32, rows)
	spans := append([]Span(nil), c.spans...)
	for i := range spans {
		if !spans[i].whole() {
			spans[i].Lo, spans[i].Hi = spans[i].Lo[from:to], spans[i].Hi[from:to]
		}
	}
	Attend(out, lse, c.q[from*c.d:to*c.d], rows, c.d, spans, s)
	return out, lse
}

// relErr is |got - want| / |want| over all elements; NaN where either is.
func relErr(got, want []float32) float64 {
	num, den := 0.0, 0.0
	for i := range want {
		e := float64(got[i]) - float64(want[i])
		num += e * e
		den += float64(want[i]) * float64(want[i])
	}
	if num == 0 {
		return 0
	}
	return math.Sqrt(num / den)
}

func lseErr(got, want []float32) float64 {
	worst := 0.0
	for i := range want {
		if math.IsInf(float64(want[i]), -1) && math.IsInf(float64(got[i]), -1) {
			continue
		}
		e := math.Abs(float64(got[i]) - float64(want[i]))
		if !(e <= worst) { // NaN counts
			worst = e
		}
	}
	return worst
}

func TestAttendGenericAgainstFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{32, 64, 96, 128, 256} {
		for _, rows := range []int{1, 3, 8, 13} {
			for spans := range 6 {
				c := newCase(rng, rows, d, spans)
				want, wantLSE := c.naive()
				out, lse := make([]float32, rows*d), make([]float32, rows)
				attendGeneric(out, lse, c.q, rows, d, c.spans)
				if e, l := relErr(out, want), lseErr(lse, wantLSE); !(e < 2e-6) || !(l < 2e-6) {
					t.Errorf("d=%d rows=%d spans=%d: relative error %.2g, lse error %.2g", d, rows, spans, e, l)
				}
			}
		}
	}
}

func TestPageSlots(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, d := range []int{32, 64, 96, 256} {
		t.Run(fmt.Sprint("d=", d), func(t *testing.T) {
			n := PageTokens * d
			k, v := make([]uint16, n), make([]uint16, n)
			k8, v8 := make([]int8, n), make([]int8, n)
			ks, vs := make([]float32, PageTokens), make([]float32, PageTokens)
			keys, values := randn(rng, n, 1), randn(rng, n, 1)
			for s := range PageTokens {
				PutK(k, s, keys[s*d:][:d], d)
				PutV(v, s, values[s*d:][:d], d)
				PutK8(k8, ks, s, keys[s*d:][:d], d)
				PutV8(v8, vs, s, values[s*d:][:d], d)
			}
			// A second set of pages, filled by moving tokens in another order.
			mk, mv := make([]uint16, n), make([]uint16, n)
			mk8, mv8 := make([]int8, n), make([]int8, n)
			mks, mvs := make([]float32, PageTokens), make([]float32, PageTokens)
			for to, from := range rng.Perm(PageTokens) {
				CopyKV(mk, mv, to, k, v, from, d)
				CopyKV8(mk8, mv8, mks, mvs, to, k8, v8, ks, vs, from, d)
				got, want := make([]float32, 4*d), make([]float32, 4*d)
				GetK(got, mk, to, d)
				GetV(got[d:], mv, to, d)
				GetK8(got[2*d:], mk8, mks, to, d)
				GetV8(got[3*d:], mv8, mvs, to, d)
				GetK(want, k, from, d)
				GetV(want[d:], v, from, d)
				GetK8(want[2*d:], k8, ks, from, d)
				GetV8(want[3*d:], v8, vs, from, d)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("slot %d moved to %d: element %d is %g, want %g", from, to, i, got[i], want[i])
					}
				}
				for j := range d {
					if x, y := keys[from*d+j], want[j]; math.Abs(float64(x-y)) > math.Abs(float64(x))/256 {
						t.Fatalf("key %d[%d] = %g read back as %g", from, j, x, y)
					}
					if x, y := values[from*d+j], want[3*d+j]; math.Abs(float64(x-y)) > float64(vs[from])*0.51 {
						t.Fatalf("int8 value %d[%d] = %g read back as %g, scale %g", from, j, x, y, vs[from])
					}
				}
			}
		})
	}
}

// Runs of tokens are stored as one by one.
func TestPutKV(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(12, 0))
		for _, c := range [][4]int{{32, 32, 0, 1}, {64, 64, 0, 128}, {64, 64, 31, 50}, {96, 80, 127, 1}, {128, 100, 3, 17}} {
			d, size, slot, n := c[0], c[1], c[2], c[3]
			stride := size + 7
			k, v := guardedCopy(t, normals(r, (n-1)*stride+size)), guardedCopy(t, normals(r, (n-1)*stride+size))
			k[0], v[size-1] = float32(math.NaN()), float32(math.Inf(1))
			pages := [4][]uint16{} // K and V, by PutKV and one by one
			for i := range pages {
				pages[i] = guarded[uint16](t, PageTokens*d)
				for j := range pages[i] {
					pages[i][j] = 0x1234
				}
			}
			PutKV(pages[0], pages[1], slot, n, k, v, stride, size, d)
			row := make([]float32, d)
			for i := range n {
				copy(row, k[i*stride:][:size])
				PutK(pages[2], slot+i, row, d)
				copy(row, v[i*stride:][:size])
				PutV(pages[3], slot+i, row, d)
			}
			if !slices.Equal(pages[0], pages[2]) || !slices.Equal(pages[1], pages[3]) {
				t.Errorf("d %d, %d of them used, %d tokens from slot %d: differs", d, size, n, slot)
			}
		}
	})
}
