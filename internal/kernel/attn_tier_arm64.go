package kernel

import "unsafe"

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnPair{tierNEON: {bf16: &attnNEON, int8: &attnNEONInt8}}

// Q and P are float32.
var attnNEON = attnKernels{
	products: []attnProducts{
		{3, attnQK3NEON, attnPV3NEON}, {4, attnQK4NEON, attnPV4NEON}, {6, attnQK6NEON, attnPV6NEON},
	},
	queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	mask: attnMaskNEON, softmax: attnSoftmaxNEON,
	pageP: PageTokens,
}

// The same for int8 pages.
var attnNEONInt8 = attnKernels{
	products: []attnProducts{
		{3, attnQK3NEONInt8, attnPV3NEONInt8}, {4, attnQK4NEONInt8, attnPV4NEONInt8}, {6, attnQK6NEONInt8, attnPV6NEONInt8},
	},
	queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	mask: attnMaskNEON, softmax: attnSoftmaxNEON,
	pageP: PageTokens,
}

//go:noescape
func attnQK3NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV3NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK4NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV4NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK6NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV6NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK3NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV3NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK4NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV4NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK6NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV6NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnMaskNEON(s *float32, lo, hi int, bias *float32)

//go:noescape
func attnSoftmaxNEON(s, m, l, c *float32, vs *unsafe.Pointer, rows, pages int)
