package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// guarded returns n numbers that end where a page begins that may not be read
// or written, so that a loop that runs past them faults. Systems without such
// pages get ordinary memory.
func guarded[T any](t testing.TB, n int) []T {
	t.Helper()
	return guardedMemory[T](t, n)
}

// guardedCopy returns a copy of s that ends at a guard page.
func guardedCopy[T any](t testing.TB, s []T) []T {
	g := guarded[T](t, len(s))
	copy(g, s)
	return g
}

// guardedNormals and guardedBytes are random and end at a guard page.
func guardedNormals(t testing.TB, r *rand.Rand, n int) []float32 {
	return guardedCopy(t, normals(r, n))
}

func guardedBytes(t testing.TB, r *rand.Rand, n int) []byte {
	b := guarded[byte](t, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// eachTier runs f once per tier of this machine.
func eachTier(t *testing.T, f func(t *testing.T)) {
	for _, name := range Tiers() {
		t.Run("tier="+name, func(t *testing.T) {
			restore, err := SetTier(name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// guardAllocs puts guard pages behind everything the package allocates, such as
// packed weights, until the test ends. The buffers begin at multiples of 64 only
// if their sizes are.
func guardAllocs(t testing.TB) {
	before := alloc
	alloc = func(n int) []byte { return guarded[byte](t, n) }
	scratches = sync.Pool{New: newScratch} // forget those made before
	t.Cleanup(func() {
		alloc = before
		scratches = sync.Pool{New: newScratch}
	})
}

// normals returns n numbers of mean 0 and deviation 1.
func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// worst returns the largest difference of got and want, relative to the root
// mean square of want, and where it is. NaN in one only is infinitely wrong.
func worst(got, want []float32) (float64, string) {
	var sum float64
	for _, v := range want {
		if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			sum += float64(v) * float64(v)
		}
	}
	rms := math.Sqrt(sum/float64(max(1, len(want)))) + 1e-30
	top, where := 0.0, ""
	for i, v := range want {
		g := got[i]
		diff := math.Abs(float64(g)-float64(v)) / rms
		switch {
		case g == v || g != g && v != v:
			continue
		case g != g || v != v:
			diff = math.Inf(1)
		}
		if diff > top {
			top, where = diff, fmt.Sprintf("element %d is %g, want %g", i, g, v)
		}
	}
	return top, where
}
