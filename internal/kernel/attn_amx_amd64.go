package kernel

import "unsafe"

// Q and P are pairs of bf16, row after row. All numbers of rows go through tiles:
// a tile product adds up in another order than AVX512-BF16, and a row must have
// the same bits alone and among others.
var attnAMX = attnKernels{
	products: []attnProducts{
		{4, attnQK4AMX, attnPV4AMX}, {8, attnQK8AMX, attnPV8AMX},
		{16, attnQK16AMX, attnPV16AMX}, {32, attnQK32AMX, attnPV32AMX},
	},
	queryWords: func(d int) int { return d / 2 }, packQuery: packQueryAMX,
	mask: attnMaskAVX512, softmax: attnSoftmaxBF16,
	groupP: groupTokens / 2,
}

// packQueryAMX makes [rows][d] bf16.
func packQueryAMX(dst []uint32, q []float32, d int) {
	attnPackAMX(&dst[0], &q[0], len(q))
	clear(dst[len(q)/2:])
}

//go:noescape
func attnPackAMX(dst *uint32, q *float32, n int)

//go:noescape
func attnQK4AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV4AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK8AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV8AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK16AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV16AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)

//go:noescape
func attnQK32AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)

//go:noescape
func attnPV32AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
