package kernel

import "unsafe"

// attnKernels are the loops of one tier that attnBlock drives. Q and P are the
// forms queries and probabilities take for the dot products: a word of 32 bits
// is a pair of bf16 (words = 1 per pair of dimensions or tokens) or a float32
// (words = 2). S and P share memory, row r at attnStride*r.
//
// Rows are padded to a multiple of unit; qk[i] and pv[i] take (i+1)*unit rows,
// and the last of them is the largest chunk. The lists of pages, k and v, have
// one more pointer, which is where the memory that comes next is prefetched from.
type attnKernels struct {
	words int
	unit  int

	// packQuery fills [rows/unit][d/2][..] words with q*log2(e); rows that are
	// missing become zeros.
	packQuery func(dst []uint32, q []float32, unit, d int)
	// qk sets s [rows][attnStride] = Q K^T.
	qk []func(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
	// mask adds bias*log2(e), unless it is nil, to PageTokens logits and makes
	// -Inf of those outside [lo, hi).
	mask func(s *float32, lo, hi int, bias *float32)
	// softmax takes rows of S to P in place and updates the running maximum m
	// [rows] and sum l [rows][16]; c [rows] is what the output must be scaled by.
	softmax func(s, m, l, c *float32, rows, pages int)
	// pv sets o [rows][d] = c o + P V.
	pv []func(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
}

// chunk is the largest number of rows taken at once.
func (t *attnKernels) chunk() int { return t.unit * len(t.qk) }

// attnTier is the attention kernels of the tier in use; nil means plain Go.
func attnTier() *attnKernels { return attnTiers[active] }
