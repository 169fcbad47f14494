package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// vecLengths go around every edge of the loops.
func vecLengths() []int {
	var n []int
	for i := range 100 {
		n = append(n, i)
	}
	return append(n, 128, 576, 1000, 1536)
}

// special puts numbers that are rare, or none, among others.
func special(r *rand.Rand, x []float32) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-42, -1e-42, 3e38, -3e38, 88, -88, 120, -120,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for range len(x) / 8 {
		x[r.IntN(len(x))] = odd[r.IntN(len(odd))]
	}
}

func TestVec(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 0))
		in := func(n int) []float32 { return guardedCopy(t, normals(r, n)) }
		for _, n := range vecLengths() {
			same := func(what string, got, want []float32, tolerance float64) {
				t.Helper()
				for i, g := range got {
					d, w := math.Abs(float64(g)-float64(want[i])), math.Abs(float64(want[i]))
					if g != want[i] && !(g != g && want[i] != want[i]) && !(d <= tolerance*(1+w)) {
						t.Fatalf("%s of %d: element %d is %g, want %g", what, n, i, g, want[i])
					}
				}
			}
			x, y, w := in(n), in(n), in(n)

			dst, want := guardedCopy(t, x), slices.Clone(x)
			Add(dst, y)
			addGo(want, y)
			same("Add", dst, want, 0)

			var sum, size float64
			for i := range x {
				sum += float64(x[i]) * float64(y[i])
				size += math.Abs(float64(x[i]) * float64(y[i]))
			}
			if d := math.Abs(float64(Dot(x, y)) - sum); d > 1e-6*size {
				t.Fatalf("Dot of %d is off by %g", n, d)
			}

			dst = guarded[float32](t, n)
			RMSNorm(dst, x, w, 1e-5)
			var squares float64
			for _, v := range x {
				squares += float64(v) * float64(v)
			}
			for i, v := range x {
				want[i] = float32(float64(v) / math.Sqrt(squares/float64(n)+1e-5) * float64(w[i]))
			}
			same("RMSNorm", dst, want, 1e-6)

			Scale(dst, x, -3)
			timesGo(want, x, -3)
			same("Scale", dst, want, 0)

			cos, sin := in(n), in(n)
			v := in(2*n + 3)
			turned := slices.Clone(v)
			Rope(v, cos, sin)
			ropeGo(turned[:n], turned[n:2*n], cos, sin)
			same("Rope", v, turned, 1e-6)

			gate := in(n)
			for i := range gate {
				gate[i] *= 20
			}
			swigluGo(want, gate, y)
			SwiGLU(dst, gate, y)
			same("SwiGLU", dst, want, 1e-6)
			SwiGLU(gate, gate, y)
			same("SwiGLU in place", gate, want, 1e-6)

			special(r, x)
			b, wb := guarded[uint16](t, n), make([]uint16, n)
			ToBF16(b, x)
			bf16Go(wb, x)
			if !slices.Equal(b, wb) {
				t.Fatalf("ToBF16 of %d: %x, want %x", n, b, wb)
			}
			FromBF16(dst, b)
			fromBF16Go(want, b)
			same("FromBF16", dst, want, 0)

			Scale(dst, x, 0) // 0, -0, NaN
			for i, v := range x {
				if zero := v-v == 0; zero && math.Float32bits(dst[i]) != 0 || !zero && dst[i] == dst[i] {
					t.Fatalf("Scale of %g by 0 is %g", v, dst[i])
				}
			}

			// Numbers that are none reach the result and nothing else.
			SwiGLU(dst, x, y)
			swigluGo(want, x, y)
			for i, v := range x {
				switch {
				case v != v && dst[i] == dst[i]:
					t.Fatalf("SwiGLU(NaN) = %g", dst[i])
				case finite(float64(v)) && math.Abs(float64(dst[i])-float64(want[i])) > 1e-6*(1+math.Abs(float64(want[i]))):
					t.Fatalf("SwiGLU(%g, %g) = %g, want %g", v, y[i], dst[i], want[i])
				}
			}
		}
	})
}

// SwiGLU's exponential against math.Exp over its whole range.
func TestSwiGLUAccuracy(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		gate, up, dst := make([]float32, 4000), make([]float32, 4000), make([]float32, 4000)
		for i := range gate {
			gate[i], up[i] = float32(i-2000)/20, 1
		}
		SwiGLU(dst, gate, up)
		for i, g := range gate {
			want := float64(g) / (1 + math.Exp(-float64(g)))
			if d := math.Abs(float64(dst[i]) - want); d > 5e-7*math.Abs(want)+1e-36 {
				t.Fatalf("silu(%g) = %g, want %g", g, dst[i], want)
			}
		}
	})
}

// Wide registers change no bit.
func TestSwiGLUTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 0))
	gate, up := normals(r, 1003), normals(r, 1003)
	for i := range gate {
		gate[i] *= float32(int(1) << (i % 10))
	}
	special(r, gate)
	var first []float32
	eachTier(t, func(t *testing.T) {
		if vecOps[active] == &vecGeneric {
			return
		}
		dst := make([]float32, len(gate))
		SwiGLU(dst, gate, up)
		if first == nil {
			first = dst
		}
		for i, v := range dst {
			if math.Float32bits(v) != math.Float32bits(first[i]) && (v == v || first[i] == first[i]) {
				t.Fatalf("silu(%g) * %g = %g, another tier says %g", gate[i], up[i], v, first[i])
			}
		}
	})
}

func BenchmarkVec(b *testing.B) {
	for _, name := range Tiers() {
		for _, n := range []int{576, 1536} {
			x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
			h := make([]uint16, n)
			for i := range x {
				x[i], y[i] = float32(i%17), 1
			}
			for _, f := range []struct {
				name string
				run  func()
			}{
				{"Add", func() { Add(z, x) }},
				{"Dot", func() { Dot(x, y) }},
				{"RMSNorm", func() { RMSNorm(z, x, y, 1e-5) }},
				{"Rope", func() { Rope(z, x[:n/2], y[:n/2]) }},
				{"SwiGLU", func() { SwiGLU(z, x, y) }},
				{"ToBF16", func() { ToBF16(h, x) }},
			} {
				b.Run(fmt.Sprintf("%s/impl=%s/n=%d", f.name, name, n), func(b *testing.B) {
					restore, err := SetTier(name)
					if err != nil {
						b.Fatal(err)
					}
					defer restore()
					for b.Loop() {
						f.run()
					}
				})
			}
		}
	}
}
