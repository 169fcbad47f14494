package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every half survives the way through float32 and back.
func TestF16RoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		x := fromF16(uint16(h))
		got := toF16(x)
		if x != x {
			if y := fromF16(got); y == y {
				t.Fatalf("%04x is NaN, came back as %04x", h, got)
			}
			continue
		}
		if got != uint16(h) {
			t.Fatalf("%04x = %g came back as %04x", h, x, got)
		}
	}
	// Between two halves the nearer wins, ties to even.
	for _, c := range []struct {
		x    float32
		want uint16
	}{{1 + 1.0/2048, 0x3c00}, {1 + 3.0/2048, 0x3c02}, {65520, 0x7c00}, {65519, 0x7bff}, {float32(math.Ldexp(1, -25)), 0}, {float32(math.Ldexp(1.5, -25)), 1}} {
		if got := toF16(c.x); got != c.want {
			t.Errorf("toF16(%g) = %04x, want %04x", c.x, got, c.want)
		}
	}
}

func TestQuantizeError(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	src := make([]float32, 320)
	for i := range src {
		src[i] = float32(rnd.NormFloat64())
	}
	clear(src[32:64])
	for _, c := range []struct {
		t    DType
		step float64 // largest error relative to the block's largest value
	}{{Q8_0, 0.5/127 + 1e-3}, {Q4_0, 1.0/8 + 1e-3}} {
		n, _ := c.t.Bytes(len(src))
		q, back := make([]byte, n), make([]float32, len(src))
		if err := Quantize(q, c.t, src); err != nil {
			t.Fatal(err)
		}
		if err := Dequantize(back, c.t, q); err != nil {
			t.Fatal(err)
		}
		for b := 0; b < len(src); b += 32 {
			var top float64
			for _, v := range src[b : b+32] {
				top = max(top, math.Abs(float64(v)))
			}
			for i := b; i < b+32; i++ {
				if e := math.Abs(float64(src[i] - back[i])); e > c.step*top {
					t.Errorf("%s: value %d: %g became %g", c.t, i, src[i], back[i])
				}
			}
		}
	}
	if err := Quantize(make([]byte, 18), Q4_1, src[:32]); err == nil {
		t.Error("Q4_1: no error")
	}
	if err := Quantize(make([]byte, 33), Q8_0, src[:32]); err == nil {
		t.Error("short destination: no error")
	}
}
