package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
)

func formatNamed(name string) (DType, bool) {
	for t := range numDTypes {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// Blocks of every format against the values ggml's own reference gives.
func TestDequantizeGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/dequant.bin")
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	seen := 0
	for ; len(data) > 0; seen++ {
		name := string(bytes.TrimRight(data[:8], "\x00"))
		stored, n := int(le.Uint32(data[8:])), int(le.Uint32(data[12:]))
		src := data[16 : 16+stored]
		values := data[16+stored:][:4*n]
		data = data[16+stored+4*n:]
		d, ok := formatNamed(name)
		if !ok {
			t.Fatalf("unknown format %q", name)
		}
		got := make([]float32, n)
		if err := Dequantize(got, d, src); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if want := math.Float32frombits(le.Uint32(values[4*i:])); v != want {
				t.Fatalf("%s: element %d is %g, want %g", name, i, v, want)
			}
		}
	}
	if seen != int(numDTypes)-1 {
		t.Errorf("%d formats in the golden file, want all but F32", seen)
	}
}

func TestF16(t *testing.T) {
	for h, want := range map[uint16]float64{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24, 0x83ff: -0x1.ff8p-15,
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		if got := fromF16(h); float64(got) != want {
			t.Errorf("%#04x is %g, want %g", h, got, want)
		}
	}
	if v := fromF16(0x7e01); v == v {
		t.Errorf("0x7e01 is %g, want NaN", v)
	}
	// Every number there and back through the definition.
	for h := range 1 << 16 {
		v := float64(fromF16(uint16(h)))
		e, m := h>>10&31, float64(h&1023)
		want := (1 + m/1024) * math.Pow(2, float64(e-15))
		if e == 0 {
			want = m * 0x1p-24
		}
		if h>>15 == 1 {
			want = -want
		}
		if e != 31 && v != want {
			t.Fatalf("%#04x is %g, want %g", h, v, want)
		}
	}
}

func TestDequantizeRefuses(t *testing.T) {
	for _, c := range []struct {
		t          DType
		n, stored  int
		wantsError bool
	}{
		{Q8_0, 32, 34, false},
		{Q8_0, 0, 0, false},
		{Q8_0, 32, 33, true},
		{Q8_0, 31, 34, true},
		{Q8_0, 64, 34, true},
		{Q4_K, 256, 144, false},
		{Q4_K, 255, 144, true},
		{numDTypes, 1, 4, true},
	} {
		err := Dequantize(make([]float32, c.n), c.t, make([]byte, c.stored))
		if (err != nil) != c.wantsError {
			t.Errorf("%v, %d elements of %d bytes: error %v", c.t, c.n, c.stored, err)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		t    DType
		n    int
		want int
		ok   bool
	}{
		{F32, 3, 12, true},
		{Q4_0, 64, 36, true},
		{Q4_0, 63, 0, false},
		{Q6_K, 512, 420, true},
		{F32, -1, 0, false},
		{F32, math.MaxInt, 0, false},
		{Q4_1, math.MaxInt &^ 31, math.MaxInt / 32 * 20, true},
		{200, 1, 0, false},
	} {
		got, ok := c.t.Bytes(c.n)
		if got != c.want || ok != c.ok {
			t.Errorf("%v.Bytes(%d) = %d, %v, want %d, %v", c.t, c.n, got, ok, c.want, c.ok)
		}
	}
}
