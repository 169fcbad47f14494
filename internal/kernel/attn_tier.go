package kernel

import (
	"math"
	"unsafe"
)

// attnPair is the attention of one tier for pages of either precision.
type attnPair struct{ bf16, int8 *attnKernels }

// attnTier is the attention of the tier in use; nil means plain Go.
func attnTier() *attnPair { return attnTiers[active] }

// attnKernels are the loops that attnBlock drives. Q and P are the forms that
// queries and probabilities take for the dot products; P overwrites S. k, v, ks
// and vs are lists of groups of 32 tokens and of their scales; ks and vs are nil
// for bf16 pages. k and v have attnAhead more, which are never read: the
// memory of the group so many places later is prefetched.
type attnKernels struct {
	// products, by rows ascending: a chunk takes the first that has enough rows,
	// and the last is the largest chunk.
	products []attnProducts
	// queryWords is the size of Q, in words of 32 bits, of one row.
	queryWords func(d int) int
	// packQuery makes Q of q*log2(e). dst has padded rows; what becomes of those that q
	// lacks is read but not used.
	packQuery func(dst []uint32, q []float32, d int)
	// mask adds bias*log2(e), unless it is nil, to the logits of some groups and
	// makes -Inf of those outside [lo, hi).
	mask func(s *float32, lo, hi int, bias *float32, groups int)
	// softmax takes rows of S to P and updates the running maximum m [rows] and sum
	// l [rows][16]; c [rows] is what the output must be scaled by, c [16..][rows]
	// the scale of P if it has one.
	softmax func(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
	// A group of P begins groupP floats after the one before. onePage says that pv
	// must be called for each page alone: its sums are rounded once per call.
	groupP  int
	onePage bool
	// inOrder is up to how many rows pv reads the values of any number of pages in
	// the order in which they lie in memory.
	inOrder int
	// ask, of tiers with inOrder, asks memory for the beginning of a run of keys or
	// values before it is wanted.
	ask func(p unsafe.Pointer)
}

// attnProducts are the two matrix products for a number of rows.
type attnProducts struct {
	rows int
	qk   func(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int) // s [rows][attnStride] = Q K^T
	pv   func(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int) // o [rows][d] = c o + P V
}

// chunk is the largest number of rows taken at once.
func (t *attnKernels) chunk() int { return t.products[len(t.products)-1].rows }

// padded is rows rounded up to what products take, and to fours, in which some pack queries.
func (t *attnKernels) padded(rows int) int {
	rest := rows % t.chunk()
	if rest > 0 {
		rest = (t.pick(rest).rows + 3) / 4 * 4
	}
	return rows/t.chunk()*t.chunk() + rest
}

// chunk and padded are the larger of the two kernels'.
func (p *attnPair) chunk() int          { return max(p.bf16.chunk(), p.int8.chunk()) }
func (p *attnPair) padded(rows int) int { return max(p.bf16.padded(rows), p.int8.padded(rows)) }

// pick returns the products for a chunk of that many rows.
func (t *attnKernels) pick(rows int) *attnProducts {
	for i := range t.products {
		if t.products[i].rows >= rows {
			return &t.products[i]
		}
	}
	return nil
}

// packQueryF32 makes [rows][d] float32.
func packQueryF32(dst []uint32, q []float32, d int) {
	for i, x := range q {
		dst[i] = math.Float32bits(x * math.Log2E)
	}
	clear(dst[len(q):])
}

// int16Scale returns the factor that makes integers of a query and the one that
// makes base-2 logits of their products, NaN when the query is not finite. The
// largest integer is such that 256 hi + lo reaches it with signed bytes and that
// a dot product with int8 keys fits 32 bits.
func int16Scale(row []float32) (inv, scale float32) {
	limit := float32(min(127*256+127, math.MaxInt32/(127*len(row))))
	top := float32(0)
	for _, x := range row {
		top = max(top, max(x, -x)) // NaN stays NaN
	}
	scale = top/limit*math.Log2E + (top - top)
	inv = limit / top
	if inv-inv != 0 {
		inv = 0 // of zeros
	}
	return inv, scale
}

// toInt16 rounds to nearest even.
func toInt16(x float32) int32 {
	const round = 3 << 22 // the units of a float32 of this size are integers
	return int32(math.Float32bits(x+round)) - 0x4B400000
}
