package kernel

import (
	"math"
	"unsafe"
)

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnPair{
	tierAVX2:   {bf16: &attnAVX2, int8: &attnAVX2Int8},
	tierAVX512: attnAVX512(),
	tierAMX:    {bf16: &attnAMX, int8: &attnVNNI},
}

// attnAVX512 takes the AVX2 loops for bf16 pages where AVX512-BF16 is missing.
func attnAVX512() *attnPair {
	if cpu.bf16 {
		return &attnPair{bf16: &attnBF16, int8: &attnVNNI}
	}
	return &attnPair{bf16: &attnAVX2, int8: &attnVNNI}
}

// Q and P are pairs of bf16.
var attnBF16 = attnKernels{
	products: []attnProducts{
		{3, attnQK3BF16, attnPV3BF16}, {4, attnQK4BF16, attnPV4BF16},
		{8, attnQK8BF16, attnPV8BF16}, {12, attnQK12BF16, attnPV12BF16},
	},
	queryWords: func(d int) int { return d / 2 }, packQuery: packQueryBF16,
	mask: attnMaskAVX512, softmax: attnSoftmaxBF16,
	groupP: groupTokens / 2, inOrder: 4, ask: attnAskAVX512,
}

// Q and P are integers of 16 bits, in two bytes.
var attnVNNI = attnKernels{
	products: []attnProducts{
		{3, attnQK3VNNI, attnPV3VNNI}, {4, attnQK4VNNI, attnPV4VNNI},
		{8, attnQK8VNNI, attnPV8VNNI}, {12, attnQK12VNNI, attnPV12VNNI},
	},
	queryWords: func(d int) int { return d/2 + 2 }, packQuery: packQueryBytes,
	mask: attnMaskAVX512, softmax: attnSoftmaxVNNI,
	groupP: groupTokens / 2, onePage: true,
}

// Q and P are float32.
var attnAVX2 = attnKernels{
	products: []attnProducts{
		{3, attnQK3AVX2, attnPV3AVX2}, {4, attnQK4AVX2, attnPV4AVX2}, {6, attnQK6AVX2, attnPV6AVX2},
	},
	queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	mask: attnMaskAVX2, softmax: attnSoftmaxAVX2,
	groupP: groupTokens,
}

// Q and P are integers of 16 bits.
var attnAVX2Int8 = attnKernels{
	products: []attnProducts{
		{3, attnQK3AVX2Int8, attnPV3AVX2Int8}, {4, attnQK4AVX2Int8, attnPV4AVX2Int8}, {6, attnQK6AVX2Int8, attnPV6AVX2Int8},
	},
	queryWords: func(d int) int { return d/2 + 2 }, packQuery: packQueryWords,
	mask: attnMaskAVX2, softmax: attnSoftmaxAVX2Int8,
	groupP: groupTokens / 2, onePage: true,
}

// packQueryBF16 makes [rows/4][d/2][4] pairs of bf16. Rows that q lacks are copies of
// its last one.
func packQueryBF16(dst []uint32, q []float32, d int) {
	last := len(q)/d - 1
	row := func(r int) *float32 { return &q[min(r, last)*d] }
	for r := 0; r <= last; r += 4 {
		attnPack4BF16(&dst[r*d/2], row(r), row(r+1), row(r+2), row(r+3), d)
	}
}

// packQueryBytes makes the layout of attn_vnni_amd64.s.
func packQueryBytes(dst []uint32, q []float32, d int) {
	size := 2*d + 8 // of 4 rows
	clear(dst[len(q)/d/4*size:])
	for r := range len(q) / d {
		row, at := q[r*d:][:d], dst[r/4*size:][:size]
		inv, scale := int16Scale(row)
		at[r%4] = math.Float32bits(scale)
		hi, lo := at[8+r%4:], at[8+d+r%4:]
		sum := int32(0)
		for i := 0; len(row) >= 4; i, row = i+4, row[4:] {
			var h, l uint32
			for j, x := range row[:4] {
				n := toInt16(x * inv)
				sum += n
				low := int32(int8(n))
				h |= uint32(uint8((n-low)>>8)) << (8 * j)
				l |= uint32(uint8(low)) << (8 * j)
			}
			hi[i], lo[i] = h, l
		}
		at[4+r%4] = uint32(128 * sum)
	}
}

// packQueryWords makes the layout of attn_avx2i8_amd64.s.
func packQueryWords(dst []uint32, q []float32, d int) {
	size := d/2 + 2
	clear(dst[len(q)/d*size:])
	for r := range len(q) / d {
		row, at := q[r*d:][:d], dst[r*size:][:size]
		inv, scale := int16Scale(row)
		at[0], at[1] = math.Float32bits(scale), 0
		for i := range at[2:] {
			at[2+i] = uint32(uint16(toInt16(row[2*i]*inv))) | uint32(toInt16(row[2*i+1]*inv))<<16
		}
	}
}

//go:noescape
func attnAskAVX512(p unsafe.Pointer)

//go:noescape
func attnPack4BF16(dst *uint32, q0, q1, q2, q3 *float32, d int)

//go:noescape
func attnQK3BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnQK4BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK8BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV8BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK12BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnMaskAVX512(s *float32, lo, hi int, bias *float32, groups int)

//go:noescape
func attnSoftmaxBF16(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)

//go:noescape
func attnQK3VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnQK4VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnPV4VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK8VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV8VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK12VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV12VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnSoftmaxVNNI(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)

//go:noescape
func attnQK3AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK4AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnQK6AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnPV6AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK3AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK4AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnQK6AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnPV6AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnMaskAVX2(s *float32, lo, hi int, bias *float32, groups int)

//go:noescape
func attnSoftmaxAVX2(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)

//go:noescape
func attnSoftmaxAVX2Int8(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
