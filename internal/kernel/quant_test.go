package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// newIntTile returns a tile with a guard page behind each part, full of rubbish.
func newIntTile(t *testing.T, cols, lanes, size int) intTile {
	nb := cols / 32 * lanes
	tile := intTile{guarded[int8](t, size), guarded[int32](t, nb), guarded[int32](t, 2*nb), guarded[float32](t, nb), guarded[float32](t, nb)}
	for i := range tile.q {
		tile.q[i] = 99
	}
	for i := range nb {
		tile.sums[i], tile.halfSums[i], tile.halfSums[nb+i], tile.d[i], tile.xs[i] = 99, 99, 99, 99, 99
	}
	return tile
}

func sameFloat(a, b float32) bool { return a == b || a != a && b != b }

// Every tier makes the same integers, sums and scales as the definition.
func TestQuantise(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		quantTile := matOps[active].quantTile
		if quantTile == nil {
			t.Skip("this tier keeps activations in float32")
		}
		r := rand.New(rand.NewPCG(7, 0))
		for _, cols := range []int{32, 64, 96, 576} {
			for _, c := range [][2]int{{1, 1}, {6, 1}, {6, 5}, {6, 6}} {
				lanes, rows := c[0], c[1]
				x := normals(r, rows*cols)
				special(r, x)
				for k := range 32 {
					x[k] *= 1e-33 // a tiny block
				}
				x = guardedCopy(t, x)
				got, want := newIntTile(t, cols, lanes, cols*lanes), newIntTile(t, cols, lanes, cols*lanes)
				quantTile(got, x, cols, lanes, rows)
				quantTileGo(want, x, cols, lanes, rows)
				if !slices.Equal(got.q, want.q) || !slices.Equal(got.sums, want.sums) || !slices.Equal(got.halfSums, want.halfSums) ||
					!slices.EqualFunc(got.d, want.d, sameFloat) || !slices.EqualFunc(got.xs, want.xs, sameFloat) {
					t.Fatalf("cols %d lanes %d rows %d: differs from the definition", cols, lanes, rows)
				}
				if matOps[active].widenPairs == nil || lanes == 1 {
					continue
				}
				wide := newIntTile(t, cols, lanes, 2*cols*lanes)
				quantTile(wide, x, cols, lanes, rows)
				for i, q := range want.q {
					at := i/192*384 + i%2*192 + i%192/4*4 + i%4/2*2
					if v := int16(uint8(wide.q[at])) | int16(wide.q[at+1])<<8; v != int16(q) {
						t.Fatalf("cols %d rows %d: 16-bit form of element %d is %d, want %d", cols, rows, i, v, q)
					}
				}
			}
		}
	})
}

// The definition itself: no element is further off than half a step.
func TestQuantiseError(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 0))
	const cols = 576
	x := normals(r, cols)
	out := newIntTile(t, cols, 1, cols)
	quantTileGo(out, x, cols, 1, 1)
	for b := range cols / 32 {
		var top float64
		var sum, low int32
		for i, v := range x[32*b:][:32] {
			top = max(top, math.Abs(float64(v)))
			q := out.q[32*b+i]
			sum += int32(q)
			if i < 16 {
				low += int32(q)
			}
			if d := math.Abs(float64(q)*float64(out.d[b]) - float64(v)); d > 0.5001*float64(out.d[b]) {
				t.Fatalf("element %d: %g became %g", 32*b+i, v, float32(q)*out.d[b])
			}
		}
		if math.Abs(top/127-float64(out.d[b])) > 1e-6*top {
			t.Errorf("block %d: scale %g for a largest magnitude of %g", b, out.d[b], top)
		}
		if out.sums[b] != -128*sum || out.halfSums[2*b] != -128*low || out.halfSums[2*b+1] != -128*(sum-low) || out.xs[b] != out.d[b]*float32(sum) {
			t.Errorf("block %d: sums do not fit", b)
		}
	}
}

// Codes and scales of every format, widened by every tier and by definition.
func TestWiden(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		ops := matOps[active]
		r := rand.New(rand.NewPCG(9, 0))
		for _, n := range []int{0, 1, 2, 3, 7} {
			src := make([]uint16, 64*n)
			for i := range src {
				src[i] = uint16(r.Uint32())
			}
			src = guardedCopy(t, src)
			for _, f := range []struct {
				name      string
				got, want func(dst []float32, src []uint16)
			}{{"F16", ops.widenF16, widenF16Go}, {"BF16", ops.widenBF16, widenBF16Go}} {
				got, want := guarded[float32](t, 64*n), make([]float32, 64*n)
				f.got(got, src)
				f.want(want, src)
				if !slices.EqualFunc(got, want, sameFloat) {
					t.Errorf("%s, %d columns: differs", f.name, 2*n)
				}
			}
		}
		if ops.widenCodes == nil {
			return
		}
		for d := Q4_0; d < numDTypes; d++ {
			c := codes[d]
			for _, nb := range []int{1, 2, 8, 9} {
				src := make([]byte, nb*c.blockBytes())
				for i := range src {
					src[i] = byte(r.Uint32())
				}
				src = guardedCopy(t, src)
				got, want := guarded[byte](t, 1024*nb), make([]byte, 1024*nb)
				ops.widenCodes(got, src, c.bits, c.zero, nb)
				widenCodesGo(want, src, c.bits, c.zero, nb)
				if !slices.Equal(got, want) {
					t.Errorf("%v, %d blocks: codes differ", d, nb)
				}
			}
		}
		for d := Q8_0; d < numDTypes; d++ {
			c := codes[d]
			for _, units := range []int{1, 2, 5} {
				src := make([]byte, units*scaleBytes[c.scale])
				for i := range src {
					src[i] = byte(r.Uint32()) & 0xbb // f16 numbers, none of them special
				}
				src = guardedCopy(t, src)
				nb, perBlock := units*scaleCols[c.scale]/32, 1
				if c.scale == scale6K {
					perBlock = 2
				}
				got, gotMin := guarded[float32](t, nb*perBlock*panelRows), guarded[float32](t, nb*panelRows)
				want, wantMin := make([]float32, len(got)), make([]float32, len(gotMin))
				ops.widenScales(got, gotMin, src, c.scale)
				widenScalesGo(want, wantMin, src, c.scale)
				if !slices.Equal(got, want) || !slices.Equal(gotMin, wantMin) {
					t.Errorf("%v, %d units: scales differ", d, units)
				}
			}
		}
	})
}

// Each loop reads and writes exactly its operands: a guard page behind every
// one of them, and sentinels around the results.
func TestLoopsKeepToTheirOperands(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		ops := matOps[active]
		r := rand.New(rand.NewPCG(10, 0))
		in := func(n int) []float32 { return guardedNormals(t, r, n) }
		raw := func(n int) []byte { return guardedBytes(t, r, n) }
		// results returns y with rows of ldy, and a check of what lies between.
		results := func(tokens, ldy int) ([]float32, func(string)) {
			y := guarded[float32](t, (tokens-1)*ldy+panelRows)
			for i := range y {
				y[i] = 77
			}
			return y, func(what string) {
				t.Helper()
				for i, v := range y {
					if i%ldy >= panelRows && v != 77 {
						t.Fatalf("%s wrote %g at %d of row %d", what, v, i%ldy, i/ldy)
					}
				}
			}
		}
		for _, ldy := range []int{32, 33, 80} {
			for _, k := range []int{1, 2, 3, 17} {
				for _, acc := range []bool{false, true} {
					y, check := results(tileTokens, ldy)
					ops.gemmF32(y, ldy, in(32*k), in(6*k), k, acc)
					check(fmt.Sprintf("gemmF32 of %d", k))
					y, _ = results(1, panelRows)
					ops.gemvF32(y, in(32*k), in(k), k, acc)
				}
				if ops.gemvF16 != nil {
					y, _ := results(1, panelRows)
					ops.gemvF16(y, halfs(raw(64*k)), in(k), k)
					ops.gemvBF16(y, halfs(raw((k+1)/2*128)), in(k), k)
				}
			}
			if ops.gemmI8 == nil {
				continue
			}
			wide := 1
			if ops.widenPairs != nil {
				wide = 2
			}
			for _, nb := range []int{1, 2, 3} {
				for _, acc := range []bool{false, true} {
					for half, gemm := range []intGEMM{ops.gemmI8, ops.gemmI8h} {
						y, check := results(tileTokens, ldy)
						x := newIntTile(t, 32*nb, 6, 32*nb*6*wide)
						sums := x.sums
						if half == 1 {
							sums = x.halfSums
						}
						gemm(y, ldy, raw(1024*nb*wide), in(32*nb*(1+half)), x.q, sums, x.d, nb, nb, 1, acc)
						check(fmt.Sprintf("gemmI8 of %d blocks", nb))
					}
					for bits, gemv := range map[int]intGEMV{4: ops.gemvI4, 5: ops.gemvI5, 6: ops.gemvI6h, 8: ops.gemvI8} {
						y, _ := results(1, panelRows)
						x := newIntTile(t, 32*nb, 1, 32*nb)
						sums, per := x.sums, 1
						if bits == 6 {
							sums, per = x.halfSums, 2
						}
						gemv(y, raw(128*bits*nb), in(32*nb*per), x.q, sums, x.d, nb, 8, acc)
					}
				}
			}
		}
	})
}
