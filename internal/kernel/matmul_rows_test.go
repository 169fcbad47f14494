package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// The loops of a tier that multiplies rows read and write exactly their operands,
// each of which ends at a guard page; sentinels lie between the results.
func TestRowLoopsKeepToTheirOperands(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		ops := matOps[active].rows
		if ops == nil {
			t.Skip("this tier has no such loops")
		}
		r := rand.New(rand.NewPCG(12, 0))
		in := func(n int) []float32 { return guardedNormals(t, r, n) }
		raw := func(n int) []byte { return guardedBytes(t, r, n) }
		for _, nb := range []int{1, 2, 3, 17} {
			for _, ldy := range []int{32, 33, 80} {
				for half, gemm := range []rowsGEMM{ops.gemmI8, ops.gemmI8h} {
					for _, minima := range []int{0, 32 * nb} {
						ldx, dozens := 32*nb+64*(nb%2), 1+nb%3
						tokens := rowTokens * dozens
						y := guarded[float32](t, (tokens-1)*ldy+panelRows)
						for i := range y {
							y[i] = 77
						}
						w, x := raw(1024*nb), int8s(raw((tokens-1)*ldx+32*nb))
						scales, d, xs := in(32*nb*(1+half)), in(tokens*nb), in(minima/32*tokens)
						low := in(minima)
						gemm(y, ldy, w, scales, x, ldx, d, low, xs, guarded[int32](t, rowTokens*panelRows), nb, dozens)
						for i, v := range y {
							token, row := i/ldy, i%ldy
							if row >= panelRows {
								if v != 77 {
									t.Fatalf("wrote %g at %d of token %d", v, row, token)
								}
								continue
							}
							want := rowsResult(w, scales, x[token*ldx:], d[token*nb:], nb, half == 1, row)
							if minima > 0 {
								for b := range nb {
									want += float64(low[32*b+row]) * float64(xs[token*nb+b])
								}
							}
							if e := math.Abs(float64(v) - want); e > 0.2*float64(nb) { // of some 20000 per block
								t.Fatalf("nb %d half %d: token %d row %d is %g, want %g", nb, half, token, row, v, want)
							}
						}
					}
				}
			}
			codes, signed := raw(1024*nb), raw(1024*nb)
			ops.sign(signed, codes)
			for i, c := range codes {
				if int(int8(signed[i])) != int(c)-128 {
					t.Fatalf("code %d becomes %d", c, int8(signed[i]))
				}
			}
		}
	})
}

// rowsResult is the definition of one result without minima.
func rowsResult(w []byte, scales []float32, x []int8, d []float32, nb int, half bool, row int) float64 {
	var y float64
	for k := range 32 * nb {
		s := scales[k/32*32+row]
		if half {
			s = scales[k/16*32+row]
		}
		code := int8(w[k/4*128+4*row+k%4])
		y += float64(code) * float64(x[k]) * float64(s) * float64(d[k/32])
	}
	return y
}

// int8s views bytes as signed.
func int8s(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
