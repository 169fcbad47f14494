package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Dequantize writes the float32 values of the blocks in src to dst, as ggml
// defines them (ggml-quants.c, dequantize_row_*). src holds whole blocks, dst
// exactly their elements.
//
// With d and m the block's f16 scale and minimum, and q an element's bits:
//
//	Q8_0  q*d         q int8
//	Q4_0  (q-8)*d     elements 0..15 in the low nibbles, 16..31 in the high
//	Q4_1  q*d + m
//	Q5_0  (q-16)*d    fifth bits in a 32-bit word, element j in bit j
//	Q5_1  q*d + m
//	Q4_K  q*(d*s) - (dmin*k)   s, k: 6 bits per 32 elements
//	Q5_K  the same with 5 bits
//	Q6_K  (d*s)*(q-32)         s: int8 per 16 elements
func Dequantize(dst []float32, t DType, src []byte) error {
	elems, size := t.Block()
	if elems == 0 {
		return fmt.Errorf("dequantize: unknown number format %v", t)
	}
	if len(src)%size != 0 || len(src)/size != len(dst)/elems || len(dst)%elems != 0 {
		return fmt.Errorf("dequantize %v: %d bytes for %d elements, want blocks of %d bytes for %d elements", t, len(src), len(dst), size, elems)
	}
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		return nil
	case F16:
		for i := range dst {
			dst[i] = fromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
		return nil
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
		return nil
	}
	block := blockFuncs[t]
	for len(dst) > 0 {
		block(dst[:elems], src[:size])
		dst, src = dst[elems:], src[size:]
	}
	return nil
}

var blockFuncs = [numDTypes]func(dst []float32, b []byte){
	Q8_0: blockQ8_0, Q4_0: blockQ4, Q4_1: blockQ4, Q5_0: blockQ5, Q5_1: blockQ5,
	Q4_K: blockQ4K, Q5_K: blockQ5K, Q6_K: blockQ6K,
}

func blockQ8_0(dst []float32, b []byte) {
	d := f16At(b, 0)
	for j, q := range b[2:34] {
		dst[j] = float32(int8(q)) * d
	}
}

// blockQ4 is Q4_0 (18 bytes) and Q4_1 (20 bytes, with a minimum).
func blockQ4(dst []float32, b []byte) {
	d, m, zero, qs := f16At(b, 0), float32(0), 8, b[2:]
	if len(b) == 20 {
		m, zero, qs = f16At(b, 2), 0, b[4:]
	}
	for j, q := range qs[:16] {
		dst[j] = float32(float32(int(q&15)-zero)*d) + m
		dst[j+16] = float32(float32(int(q>>4)-zero)*d) + m
	}
}

// blockQ5 is Q5_0 (22 bytes) and Q5_1 (24 bytes, with a minimum).
func blockQ5(dst []float32, b []byte) {
	d, m, zero := f16At(b, 0), float32(0), 16
	b = b[2:]
	if len(b) == 22 {
		m, zero, b = f16At(b, 0), 0, b[2:]
	}
	high := binary.LittleEndian.Uint32(b)
	for j, q := range b[4:20] {
		lo := int(q&15) | int(high>>j&1)<<4
		hi := int(q>>4) | int(high>>(j+16)&1)<<4
		dst[j] = float32(float32(lo-zero)*d) + m
		dst[j+16] = float32(float32(hi-zero)*d) + m
	}
}

// scaleMinK returns the 6-bit scale and minimum of the 32 elements number j
// (0..7) of a Q4_K or Q5_K block; s is its 12 bytes of scales.
func scaleMinK(s []byte, j int) (scale, minimum uint8) {
	if j < 4 {
		return s[j] & 63, s[j+4] & 63
	}
	return s[j+4]&15 | s[j-4]>>6<<4, s[j+4]>>4 | s[j]>>6<<4
}

func blockQ4K(dst []float32, b []byte) {
	d, dmin := f16At(b, 0), f16At(b, 2)
	for j := range 8 {
		sc, mn := scaleMinK(b[4:16], j)
		scale, m := d*float32(sc), dmin*float32(mn)
		qs := b[16+j/2*32:][:32]
		out := dst[32*j:][:32]
		for i, q := range qs {
			out[i] = float32(scale*float32(q>>(j&1*4)&15)) - m
		}
	}
}

func blockQ5K(dst []float32, b []byte) {
	d, dmin := f16At(b, 0), f16At(b, 2)
	qh := b[16:48]
	for j := range 8 {
		sc, mn := scaleMinK(b[4:16], j)
		scale, m := d*float32(sc), dmin*float32(mn)
		qs := b[48+j/2*32:][:32]
		out := dst[32*j:][:32]
		for i, q := range qs {
			v := q>>(j&1*4)&15 | qh[i]>>j&1<<4
			out[i] = float32(scale*float32(v)) - m
		}
	}
}

func blockQ6K(dst []float32, b []byte) {
	d := f16At(b, 208)
	for i := range 256 {
		dst[i] = d * float32(int8(b[192+i/16])) * float32(q6K(b, i)-32)
	}
}

// q6K returns the six bits of element i of a Q6_K block: two halves of 128
// elements, each 64 bytes of low nibbles (elements 0..63 low, 64..127 high) and
// 32 bytes of high bit pairs (element i in bits 2*(i/32) of byte i%32).
func q6K(b []byte, i int) int {
	half, i := i/128, i%128
	lo := b[64*half+i%64] >> (i / 64 * 4) & 15
	hi := b[128+32*half+i%32] >> (i / 32 * 2) & 3
	return int(lo | hi<<4)
}

func f16At(b []byte, i int) float32 { return fromF16(binary.LittleEndian.Uint16(b[i:])) }

// fromF16 widens a half precision number. NaN keeps its payload.
func fromF16(h uint16) float32 {
	sign, exp, frac := uint32(h)>>15<<31, uint32(h)>>10&31, uint32(h)&1023
	switch exp {
	case 0: // zero or denormal: frac * 2^-24 is exact
		return math.Float32frombits(math.Float32bits(float32(frac)*0x1p-24) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
