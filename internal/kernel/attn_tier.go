package kernel

import "unsafe"

// attnKernels are the loops of one tier that attnBlock drives. Q and P are the
// forms queries and probabilities take for the dot products: a word of 32 bits
// is a pair of bf16 (words = 1 per pair of dimensions or tokens) or a float32
// (words = 2). S and P share memory, row r at attnStride*r.
type attnKernels struct {
	words     int // words per pair in Q and P
	unit      int // rows of the small products; rows are padded to a multiple
	big       int // rows of the large products, a multiple of unit
	qkBig     func(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
	qkSmall   func(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
	pvBig     func(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
	pvSmall   func(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
	mask      func(s *float32, lo, hi int, bias *float32)
	softmax   func(s, m, l, c *float32, rows, pages int)
	packQuery func(dst []uint32, q []float32, unit, d int)
}

// attnTier is the attention kernels of the tier in use; nil means plain Go.
func attnTier() *attnKernels { return attnTiers[active] }
