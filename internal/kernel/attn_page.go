package kernel

import "math"

// Pages hold keys (after RoPE) and values of PageTokens tokens of one KV head in
// an order that the kernels can use as it lies: a register of 16 lanes takes 16
// tokens of K, or 16 dimensions of V, and the innermost axis holds the elements
// that a dot product instruction adds up (2 for bf16, 4 for int8).
//
//	K   bf16 [PageTokens/16][d/2][16 tokens][2 dims]
//	V   bf16 [PageTokens/32][d/16][16 token pairs][16 dims][2 tokens]
//	K8  int8 [PageTokens/16][d/4][16 tokens][4 dims]
//	V8  int8 [PageTokens/32][d/16][8 token quads][16 dims][4 tokens]
//
// d is a multiple of 32; pad shorter heads with zeros.

// indexK is where dimension j of token s lies in a bf16 key page.
func indexK(s, j, d int) int { return (s/16*(d/2)+j/2)*32 + s%16*2 + j%2 }

// indexV is where dimension j of token s lies in a bf16 value page.
func indexV(s, j, d int) int { return (s/32*(d/16)+j/16)*512 + s%32/2*32 + j%16*2 + s%2 }

// indexK8 is where dimension j of token s lies in an int8 key page.
func indexK8(s, j, d int) int { return (s/16*(d/4)+j/4)*64 + s%16*4 + j%4 }

// indexV8 is where dimension j of token s lies in an int8 value page.
func indexV8(s, j, d int) int { return (s/32*(d/16)+j/16)*512 + s%32/4*64 + j%16*4 + s%4 }

// PutK writes key k [d] of one token into its slot, rounded to bf16.
func PutK(page []uint16, slot int, k []float32, d int) {
	at := page[indexK(slot, 0, d):]
	for j := 0; j < d; j += 2 {
		to, from := at[j*16:][:2], k[j:][:2]
		to[0], to[1] = toBF16(from[0]), toBF16(from[1])
	}
}

// PutV writes value v [d] of one token into its slot, rounded to bf16.
func PutV(page []uint16, slot int, v []float32, d int) {
	at := page[indexV(slot, 0, d):]
	for j := 0; j < d; j += 16 {
		to, from := at[j*32:][:31], v[j:][:16]
		for i, x := range from {
			to[2*i] = toBF16(x)
		}
	}
}

// PutKV writes keys and values of n tokens, k and v [n][stride] with size numbers
// each, into the slots from slot on: PutK and PutV of many tokens, filled up with
// zeros to d.
func PutKV(pageK, pageV []uint16, slot, n int, k, v []float32, stride, size, d int) {
	s, ops := scratches.Get().(*scratch), vecOps[active]
	defer scratches.Put(s)
	s.wide = grow(s.wide, 2*16*d)
	rows := halfs(s.wide)[:min(n, 16)*d] // [..][d] of tokens whose keys lie together
	clear(rows)
	for done := 0; done < n; {
		run := min(16-slot%16, n-done)
		for i := range run {
			ops.bf16(rows[i*d:][:size], k[(done+i)*stride:][:size])
		}
		ops.keys(pageK[indexK(slot, 0, d):], rows[:run*d], d)
		for i := range run {
			ops.bf16(rows[i*d:][:size], v[(done+i)*stride:][:size])
		}
		for i := 0; i < run; i++ {
			at, from := pageV[indexV(slot+i, 0, d):], rows[i*d:]
			if (slot+i)%2 == 0 && i+1 < run {
				ops.values(at, from[:d], from[d:2*d])
				i++
				continue
			}
			for j := range d {
				at[j/16*512+j%16*2] = from[j]
			}
		}
		slot, done = slot+run, done+run
	}
}

// putKeysGo writes keys of up to 16 tokens that lie together, rows [..][d], to where
// the first of them goes.
func putKeysGo(at, rows []uint16, d int) {
	for ; len(rows) > 0; rows = rows[d:] {
		for j := 0; j < d; j += 2 {
			at[16*j], at[16*j+1] = rows[j], rows[j+1]
		}
		if len(rows) > d {
			at = at[2:]
		}
	}
}

// putValuesGo writes the values of a pair of tokens, x and y [d].
func putValuesGo(at, x, y []uint16) {
	for j, v := range x {
		to := at[j/16*512+j%16*2:][:2]
		to[0], to[1] = v, y[j]
	}
}

// GetK reads the key of one token into dst [d].
func GetK(dst []float32, page []uint16, slot, d int) {
	at := page[indexK(slot, 0, d):]
	for j := range dst[:d] {
		dst[j] = bf16(at[j/2*32+j%2])
	}
}

// GetV reads the value of one token into dst [d].
func GetV(dst []float32, page []uint16, slot, d int) {
	at := page[indexV(slot, 0, d):]
	for j := range dst[:d] {
		dst[j] = bf16(at[j/16*512+j%16*2])
	}
}

// CopyKV moves one token, bit for bit, between bf16 pages of the same d.
func CopyKV(dstK, dstV []uint16, dstSlot int, srcK, srcV []uint16, srcSlot, d int) {
	to, from := dstK[indexK(dstSlot, 0, d):], srcK[indexK(srcSlot, 0, d):]
	for j := 0; j < d*16; j += 32 {
		to[j], to[j+1] = from[j], from[j+1]
	}
	to, from = dstV[indexV(dstSlot, 0, d):], srcV[indexV(srcSlot, 0, d):]
	for j := 0; j < d*32; j += 512 {
		for i := j; i < j+32; i += 2 {
			to[i] = from[i]
		}
	}
}

// PutK8 writes key k [d] of one token into its slot as int8 and its scale,
// max|k|/127, into scale[slot]. A key that is not finite cannot be written as
// integers: its scale becomes NaN, so that it shows in every result that sees it.
func PutK8(page []int8, scale []float32, slot int, k []float32, d int) {
	at, inv := page[indexK8(slot, 0, d):], putScale(scale, slot, k[:d])
	for j, x := range k[:d] {
		at[j/4*64+j%4] = toInt8(float32(x * inv))
	}
}

// PutV8 is PutK8 for a value.
func PutV8(page []int8, scale []float32, slot int, v []float32, d int) {
	at, inv := page[indexV8(slot, 0, d):], putScale(scale, slot, v[:d])
	for j, x := range v[:d] {
		at[j/16*512+j%16*4] = toInt8(float32(x * inv))
	}
}

// GetK8 reads the key of one token into dst [d].
func GetK8(dst []float32, page []int8, scale []float32, slot, d int) {
	at, w := page[indexK8(slot, 0, d):], scale[slot]
	for j := range dst[:d] {
		dst[j] = w * float32(at[j/4*64+j%4])
	}
}

// GetV8 reads the value of one token into dst [d].
func GetV8(dst []float32, page []int8, scale []float32, slot, d int) {
	at, w := page[indexV8(slot, 0, d):], scale[slot]
	for j := range dst[:d] {
		dst[j] = w * float32(at[j/16*512+j%16*4])
	}
}

// CopyKV8 moves one token, bit for bit and with its scales, between int8 pages
// of the same d.
func CopyKV8(dstK, dstV []int8, dstKScale, dstVScale []float32, dstSlot int,
	srcK, srcV []int8, srcKScale, srcVScale []float32, srcSlot, d int) {
	dstKScale[dstSlot], dstVScale[dstSlot] = srcKScale[srcSlot], srcVScale[srcSlot]
	to, from := dstK[indexK8(dstSlot, 0, d):], srcK[indexK8(srcSlot, 0, d):]
	for j := 0; j < d*16; j += 64 {
		copy(to[j:j+4], from[j:j+4])
	}
	to, from = dstV[indexV8(dstSlot, 0, d):], srcV[indexV8(srcSlot, 0, d):]
	for j := 0; j < d*32; j += 512 {
		for i := j; i < j+64; i += 4 {
			to[i] = from[i]
		}
	}
}

// putScale stores the scale of x and returns its inverse, 0 when x is all zeros
// (or not finite).
func putScale(scale []float32, slot int, x []float32) (inv float32) {
	top := float32(0)
	for _, v := range x {
		top = max(top, max(v, -v)) // NaN stays NaN
	}
	if top-top != 0 {
		scale[slot] = float32(math.NaN())
		return 0
	}
	scale[slot] = top / 127
	if scale[slot] == 0 {
		return 0
	}
	return 1 / scale[slot]
}

// toInt8 rounds to nearest, away from zero on ties; |x| is at most 127.5 or so.
// The product passed to it must be rounded, by a conversion: fused into x-x it
// would leave its rounding error, and the test below see an infinity in it.
func toInt8(x float32) int8 {
	if x-x != 0 { // NaN or Inf: the scale already says so
		return 0
	}
	return int8(min(127, max(-127, math.Round(float64(x)))))
}

// toBF16 rounds to nearest even; NaN stays NaN.
func toBF16(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7FFF + b>>16&1) >> 16)
}
