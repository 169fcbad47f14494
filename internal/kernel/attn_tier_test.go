package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// tolerance is the largest relative error of the output and error of lse that a
// tier may show against the generic one, on logits of variance 1. AVX512-BF16
// rounds q and p to bf16 (relative error up to 2^-9 each); the lse of a row that
// sees one key is a logit, with the whole error of q. On int8 pages the tiers
// round q and p to 16 bits.
func (c *attnCase) tolerance() (out, lse float64) {
	k := attnTier()
	if k == nil {
		return 2e-6, 2e-6
	}
	for _, sp := range c.spans {
		if sp.K8 != nil {
			out, lse = max(out, 2e-4), max(lse, 2e-4)
		} else if k.bf16.queryWords(2) == 1 { // bf16 queries
			out, lse = max(out, 4e-3), max(lse, 6e-3)
		} else {
			out, lse = max(out, 2e-6), max(lse, 4e-6)
		}
	}
	return out, lse
}

// guardedRun is run with guard pages behind everything Attend reads, writes or
// works in, and sentinels before the results.
func (c *attnCase) guardedRun(t testing.TB) (out, lse []float32) {
	t.Helper()
	const margin = 16
	sentinel := float32(12345)
	out, lse = guarded[float32](t, margin+c.rows*c.d), guarded[float32](t, margin+c.rows)
	for i := range margin {
		out[i], lse[i] = sentinel, sentinel
	}
	spans := make([]Span, len(c.spans))
	for i, sp := range c.spans {
		if !sp.whole() {
			spans[i].Lo, spans[i].Hi = guardedCopy(t, sp.Lo), guardedCopy(t, sp.Hi)
		}
		if sp.K8 != nil {
			spans[i].K8, spans[i].V8 = guardedCopy(t, sp.K8), guardedCopy(t, sp.V8)
			spans[i].KScale, spans[i].VScale = guardedCopy(t, sp.KScale), guardedCopy(t, sp.VScale)
		} else {
			spans[i].K, spans[i].V = guardedCopy(t, sp.K), guardedCopy(t, sp.V)
		}
		if sp.Bias != nil {
			spans[i].Bias = guardedCopy(t, sp.Bias)
		}
	}
	var s AttnScratch
	if k := attnTier(); k != nil {
		s.block.q = guarded[uint32](t, k.bf16.padded(c.rows)*k.bf16.queryWords(c.d))
		s.block.q8 = guarded[uint32](t, k.int8.padded(c.rows)*k.int8.queryWords(c.d))
		n := k.padded(c.rows)
		s.block.o, s.block.m = guarded[float32](t, n*c.d), guarded[float32](t, n)
		s.block.l, s.block.c = guarded[float32](t, n*16), guarded[float32](t, 32)
		s.block.s = guarded[float32](t, k.chunk()*attnStride)
	}
	Attend(out[margin:], lse[margin:], guardedCopy(t, c.q), c.rows, c.d, spans, &s)
	for i := range margin {
		if out[i] != sentinel || lse[i] != sentinel {
			t.Errorf("rows=%d d=%d spans=%d: wrote %d elements before the results", c.rows, c.d, len(c.spans), margin-i)
			break
		}
	}
	return out[margin:], lse[margin:]
}

// visible is the number of keys row r sees.
func (c *attnCase) visible(r int) (n int) {
	for i := range c.spans {
		lo, hi := c.spans[i].visible(r)
		n += max(0, hi-lo)
	}
	return n
}

func TestAttendTiers(t *testing.T) { eachTier(t, testAttend) }

// testAttend compares Attend with the generic loops at every shape.
func testAttend(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, d := range []int{32, 64, 96, 128, 256} {
		worstOut, worstLSE := 0.0, 0.0
		for rows := 1; rows <= 70; rows += 1 + rng.IntN(9) {
			c := newCase(rng, rows, d, rng.IntN(10))
			out, lse := c.guardedRun(t)
			want, wantLSE := make([]float32, rows*d), make([]float32, rows)
			attendGeneric(want, wantLSE, c.q, rows, d, c.spans)
			e, l := relErr(out, want), lseErr(lse, wantLSE)
			if maxOut, maxLSE := c.tolerance(); !(e <= maxOut) || !(l <= maxLSE) {
				t.Errorf("d=%d rows=%d spans=%d: relative error %.2g, lse error %.2g", d, rows, len(c.spans), e, l)
			}
			for r := range rows {
				if math.IsInf(float64(wantLSE[r]), -1) && relErr(out[r*d:][:d], want[r*d:][:d]) != 0 {
					t.Errorf("d=%d rows=%d: row %d sees nothing but is not 0", d, rows, r)
				}
				// Over many keys most of the rounding averages out: 3e-4 is typical.
				if l := lseErr(lse[r:r+1], wantLSE[r:r+1]); c.visible(r) >= 2*PageTokens && !(l < 2e-3) {
					t.Errorf("d=%d rows=%d: row %d sees %d keys, lse error %.2g", d, rows, r, c.visible(r), l)
				}
			}
			worstOut, worstLSE = max(worstOut, e), max(worstLSE, l)
		}
		t.Logf("d=%d: worst relative error %.2g, worst lse error %.2g", d, worstOut, worstLSE)
	}
}

// TestAttendSplits checks that a row's bits depend on nothing but the row.
func TestAttendSplits(t *testing.T) { eachTier(t, testSplits) }

func testSplits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var s AttnScratch
	for trial := range 12 {
		rows, d := 1+rng.IntN(70), []int{32, 64, 128}[trial%3]
		c := newCase(rng, rows, d, 1+rng.IntN(9))
		out, lse := c.run(&s, 0, rows)
		alone := make([]float32, rows*d)
		if Attend(alone, nil, c.q, rows, d, c.spans, &s); relErr(alone, out) != 0 {
			t.Fatalf("rows=%d d=%d: another output when lse is not wanted", rows, d)
		}
		for from := 0; from < rows; {
			to := min(rows, from+1+rng.IntN(20))
			part, partLSE := c.run(&s, from, to)
			for i, x := range part {
				if math.Float32bits(x) != math.Float32bits(out[from*d+i]) {
					t.Fatalf("rows=%d d=%d: rows %d..%d alone give %g for row %d, %g among all", rows, d, from, to, x, from+i/d, out[from*d+i])
				}
			}
			for i, x := range partLSE {
				if math.Float32bits(x) != math.Float32bits(lse[from+i]) {
					t.Fatalf("rows=%d d=%d: rows %d..%d alone give lse %g for row %d, %g among all", rows, d, from, to, x, from+i, lse[from+i])
				}
			}
			from = to
		}
	}
}

// TestAttendNotFinite feeds NaN, infinities, huge and denormal numbers: the call
// must return, NaN must show, and rows that saw none of it must not change.
func TestAttendNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		var s AttnScratch
		const rows, d = 14, 64
		for _, bad := range []float32{nan, inf, -inf, 3e38, -3e38, 1e-40} {
			c := newCase(rng, rows, d, 3)
			for i := range c.spans {
				c.spans[i].Lo, c.spans[i].Hi = nil, nil
			}
			want, _ := c.run(&s, 0, rows)
			c.q[5*d+7] = bad
			got, _ := c.run(&s, 0, rows)
			for r := range rows {
				if e := relErr(got[r*d:][:d], want[r*d:][:d]); r != 5 && e != 0 {
					t.Errorf("%g in row 5 of q changed row %d", bad, r)
				} else if r == 5 && bad != bad && e == e {
					t.Errorf("NaN in q does not show in the output")
				}
			}
			if sp := c.spans[0]; sp.K != nil {
				key := randn(rng, d, 1)
				key[3] = bad
				PutK(sp.K, 100, key, d)
				c.run(&s, 0, rows)
				PutV(sp.V, 101, key, d)
				c.run(&s, 0, rows)
			}
		}
		// A bias of -Inf hides a slot; a row of them sees nothing.
		c := newCase(rng, rows, d, 1)
		c.spans[0].Bias = make([]float32, PageTokens)
		for i := range c.spans[0].Bias {
			c.spans[0].Bias[i] = -inf
		}
		out, lse := c.run(&s, 0, rows)
		for i, x := range out {
			if x != 0 || !math.IsInf(float64(lse[i/d]), -1) {
				t.Fatalf("bias -Inf everywhere: out %g, lse %g", x, lse[i/d])
			}
		}
	})
}

// TestAttendFarLogits checks the running maximum: logits of hundreds (which a
// float32 holds to 3e-5), growing
// and falling from page to page.
func TestAttendFarLogits(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 6))
		for _, step := range []float32{40, -40, 3} {
			c := newCase(rng, 13, 64, 9)
			for i := range c.spans {
				c.spans[i].Bias = make([]float32, PageTokens)
				for s := range c.spans[i].Bias {
					c.spans[i].Bias[s] = step * float32(i)
				}
			}
			maxOut, maxLSE := c.tolerance()
			out, lse := c.guardedRun(t)
			want, wantLSE := make([]float32, len(out)), make([]float32, len(lse))
			attendGeneric(want, wantLSE, c.q, c.rows, c.d, c.spans)
			if e, l := relErr(out, want), lseErr(lse, wantLSE); !(e < maxOut+5e-5) || !(l < maxLSE+1e-4) {
				t.Errorf("step %g: relative error %.2g, lse error %.2g", step, e, l)
			}
		}
	})
}

func FuzzAttend(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(1), uint8(4))
	f.Add(uint64(2), uint8(24), uint8(3), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, rows, d32, spans uint8) {
		c := newCase(rand.New(rand.NewPCG(seed, 7)), 1+int(rows)%70, 32*(1+int(d32)%8), int(spans)%10)
		want, wantLSE := make([]float32, c.rows*c.d), make([]float32, c.rows)
		attendGeneric(want, wantLSE, c.q, c.rows, c.d, c.spans)
		eachTier(t, func(t *testing.T) {
			out, lse := c.guardedRun(t)
			maxOut, maxLSE := c.tolerance()
			if e, l := relErr(out, want), lseErr(lse, wantLSE); !(e <= 2*maxOut) || !(l <= 2*maxLSE) {
				t.Errorf("relative error %.2g, lse error %.2g", e, l)
			}
		})
	})
}

// benchCase is what one KV head sees: rows over pages that are all visible but
// for the causal edge.
func benchCase(rows, d, keys int, int8page bool) *attnCase {
	rng := rand.New(rand.NewPCG(8, 8))
	c := &attnCase{rows: rows, d: d, q: randn(rng, rows*d, 1/math.Sqrt(float64(d)))}
	page := newPage(rng, d, int8page)
	// As the pool lays them: the keys of four pages, then their values.
	n := len(page.K) + len(page.K8)
	size := 2 * n // bytes of the keys of a page
	if int8page {
		size = n
	}
	memory := mem.AllocHuge(keys / PageTokens * 2 * size)
	part := func(i, values int) unsafe.Pointer {
		return unsafe.Pointer(&memory[(i/4*8+values*4+i%4)*size])
	}
	for i := range keys / PageTokens {
		sp := Span{KScale: page.KScale, VScale: page.VScale, Lo: make([]int32, rows), Hi: make([]int32, rows)}
		if int8page {
			sp.K8, sp.V8 = unsafe.Slice((*int8)(part(i, 0)), n), unsafe.Slice((*int8)(part(i, 1)), n)
			copy(sp.K8, page.K8)
			copy(sp.V8, page.V8)
		} else {
			sp.K, sp.V = unsafe.Slice((*uint16)(part(i, 0)), n), unsafe.Slice((*uint16)(part(i, 1)), n)
			copy(sp.K, page.K)
			copy(sp.V, page.V)
		}
		for r := range rows {
			sp.Hi[r] = int32(max(0, min(PageTokens, keys-(rows-r)/3-i*PageTokens)))
		}
		c.spans = append(c.spans, sp)
	}
	return c
}

func BenchmarkAttend(b *testing.B) {
	for _, name := range Tiers() {
		for _, rows := range []int{192, 3, 4, 8} {
			for _, d := range []int{64, 128} {
				for _, keys := range []int{4096, 16384} {
					for _, kv := range []string{"bf16", "int8"} {
						b.Run(fmt.Sprintf("impl=%s/rows=%d/d=%d/keys=%d/kv=%s", name, rows, d, keys, kv), func(b *testing.B) {
							restore, err := SetTier(name)
							if err != nil {
								b.Fatal(err)
							}
							defer restore()
							benchmarkAttend(b, rows, d, keys, kv == "int8")
						})
					}
				}
			}
		}
	}
}

// benchmarkAttend reports GFLOP/s of the two products, and GB/s of K and V read
// from memory: it goes round several heads, as a model does, so that a cache
// does not hold them.
func benchmarkAttend(b *testing.B, rows, d, keys int, int8page bool) {
	var heads []*attnCase
	size := 2 * keys * d * 2
	if int8page {
		size = 2 * keys * d
	}
	for range max(1, min(16, (128<<20)/size)) {
		heads = append(heads, benchCase(rows, d, keys, int8page))
		if rows > 8 {
			break
		}
	}
	out, lse := make([]float32, rows*d), make([]float32, rows)
	var s AttnScratch
	i := 0
	for b.Loop() {
		c := heads[i%len(heads)]
		Attend(out, lse, c.q, rows, d, c.spans, &s)
		i++
	}
	sec := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(4*float64(rows)*float64(keys)*float64(d)/sec/1e9, "GFLOP/s")
	b.ReportMetric(float64(size)/sec/1e9, "GB/s")
}
