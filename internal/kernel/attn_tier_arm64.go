package kernel

import (
	"math"
	"unsafe"
)

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnPair{tierNEON: {bf16: &attnNEON, int8: attnNEON8()}}

// attnNEON8 takes dot products of bytes for int8 pages where the CPU has them.
func attnNEON8() *attnKernels {
	if cpu.dot {
		return &attnNEONDot
	}
	return &attnNEONInt8
}

// Q and P are float32.
var attnNEON = attnKernels{
	products: []attnProducts{
		{3, attnQK3NEON, attnPV3NEON}, {4, attnQK4NEON, attnPV4NEON}, {6, attnQK6NEON, attnPV6NEON},
	},
	queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	mask: attnMaskNEON, softmax: attnSoftmaxNEON,
	groupP: groupTokens,
}

// The same for int8 pages.
var attnNEONInt8 = attnKernels{
	products: []attnProducts{
		{3, attnQK3NEONInt8, attnPV3NEONInt8}, {4, attnQK4NEONInt8, attnPV4NEONInt8}, {6, attnQK6NEONInt8, attnPV6NEONInt8},
	},
	queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	mask: attnMaskNEON, softmax: attnSoftmaxNEON,
	groupP: groupTokens,
}

// Q and P are integers of 16 bits, in two bytes.
var attnNEONDot = attnKernels{
	products:   []attnProducts{{4, attnQK4NEONDot, attnPV4NEONDot}},
	queryWords: func(d int) int { return d/2 + 4 }, packQuery: packQueryDot,
	mask: attnMaskNEON, softmax: attnSoftmaxNEONDot,
	groupP: groupTokens / 2, onePage: true,
}

// packQueryDot makes the layout of attn_neondot_arm64.s.
func packQueryDot(dst []uint32, q []float32, d int) {
	size := d/2 + 4
	clear(dst[len(q)/d*size:])
	for r := range len(q) / d {
		row, at := q[r*d:][:d], dst[r*size:][:size]
		inv, scale := int16Scale(row)
		at[0], at[1], at[2], at[3] = math.Float32bits(scale), 0, 0, 0
		for i := 0; i < d; i += 4 {
			var hi, lo uint32
			for j, x := range row[i:][:4] {
				n := toInt16(float32(x * inv))
				low := int32(int8(n))
				hi |= uint32(uint8((n-low)>>8)) << (8 * j)
				lo |= uint32(uint8(low)) << (8 * j)
			}
			to := at[4+i/16*8+i%16/4:]
			to[0], to[4] = hi, lo
		}
	}
}

//go:noescape
func attnQK3NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK4NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK6NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV6NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK3NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV3NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK4NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK6NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV6NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnMaskNEON(s *float32, lo, hi int, bias *float32, groups int)

//go:noescape
func attnSoftmaxNEON(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)

//go:noescape
func attnQK4NEONDot(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4NEONDot(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnSoftmaxNEONDot(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
