//go:build linux && amd64

package main

import (
	"encoding/binary"
	"math"
)

// multiplyFloats is TDPBF16PS. Each element of the result has two running sums,
// of the even and of the odd bf16 of the pairs, which start at 0 and take one
// fused multiply-add per k, in order; at the end the two are added, and that to
// the element. Every step rounds to nearest even, takes denormals as zeros and
// makes zeros of denormal results, whatever MXCSR says.
func multiplyFloats(c, a, b *tile) {
	var bs [maxRows][maxBytes / 2]float64
	for k := range b.rows {
		for i := range b.colsb / 2 {
			bs[k][i] = fromBF16(b.data[k][2*i:])
		}
	}
	n := c.colsb / 4
	for m := range c.rows {
		var even, odd [maxBytes / 4]float32
		for k := range b.rows {
			a0, a1 := fromBF16(a.data[m][4*k:]), fromBF16(a.data[m][4*k+2:])
			row := bs[k][:2*n]
			for i := range n {
				even[i] = fma(even[i], a0, row[2*i])
				odd[i] = fma(odd[i], a1, row[2*i+1])
			}
		}
		for i := range n {
			at := c.data[m][4*i:]
			sum := fma(even[i], 1, float64(odd[i]))
			old := flush(math.Float32frombits(binary.LittleEndian.Uint32(at)))
			binary.LittleEndian.PutUint32(at, math.Float32bits(fma(old, 1, float64(sum))))
		}
	}
}

// fromBF16 is the value of a bf16, 0 for a denormal.
func fromBF16(b []byte) float64 {
	return float64(flush(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)))
}

// flush makes a denormal a zero of its sign.
func flush(x float32) float32 {
	if bits := math.Float32bits(x); bits&0x7F800000 == 0 {
		return math.Float32frombits(bits & 0x80000000)
	}
	return x
}

const (
	smallest = 0x1p-126   // the smallest normal float32
	tail     = 1<<29 - 1  // the bits of a float64 that a float32 lacks
	tie      = 1 << 28    // half of a float32's last place
	quietNaN = 0x7FC00000 // every NaN; which one real machines give is theirs to say
)

// fma returns c + a*b rounded once. a and b are bf16 (or b is a float32 and a is
// 1), so that their product is exact in float64. The sum in float64 is rounded;
// it may be rounded again unless it lies just between two float32, or below the
// smallest one.
func fma(c float32, a, b float64) float32 {
	p := a * b
	s := p + float64(c)
	if math.Float64bits(s)&tail != tie && (s >= 2*smallest || s <= -2*smallest) && s-s == 0 {
		return float32(s)
	}
	return fmaSlow(s, float64(c), p)
}

func fmaSlow(s, c, p float64) float32 {
	if s != s {
		return math.Float32frombits(quietNaN)
	}
	if s-s != 0 {
		return float32(s) // infinite
	}
	// s + lost is the exact sum (Knuth). Round s to odd: its last bit then says
	// to which side of a tie the sum lies.
	rest := s - c
	lost := (c - (s - rest)) + (p - rest)
	if bits := math.Float64bits(s); lost != 0 && bits&1 == 0 {
		if (lost > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	// Denormal is what, rounded to 24 bits, is below the smallest normal number.
	if float32(s*0x1p100) < smallest*0x1p100 && float32(s*0x1p100) > -smallest*0x1p100 {
		return float32(math.Copysign(0, s))
	}
	return float32(s)
}
