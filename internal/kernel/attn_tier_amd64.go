package kernel

import (
	"math"
	"unsafe"
)

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnKernels{
	tierAVX512: attnAVX512(),
}

// attnAVX512 is the bf16 kernels on machines that have the instructions.
func attnAVX512() *attnKernels {
	if cpu.bf16 {
		return &attnBF16
	}
	return nil
}

var attnBF16 = attnKernels{
	words: 1, unit: 4, big: 12,
	qkBig: attnQK12BF16, qkSmall: attnQK4BF16,
	pvBig: attnPV12BF16, pvSmall: attnPV4BF16,
	mask: attnMaskAVX512, softmax: attnSoftmaxBF16,
	packQuery: packQueryBF16,
}

// The products of chunks of 12 and of 4 rows with up to attnPages pages.
//
//	s [rows][attnStride] = Q K^T, base 2     q [rows/4][d/2][4][2 bf16]
//	o [rows][d] = c[row]*o + P V             p [rows][attnStride], bf16 in the first half of each row
//
//go:noescape
func attnQK12BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnQK4BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

// attnMaskAVX512 adds bias*log2(e) to 128 logits and makes -Inf of those outside
// [lo, hi). bias may be nil.
//
//go:noescape
func attnMaskAVX512(s *float32, lo, hi int, bias *float32)

// attnSoftmaxBF16 takes rows of S to P in place and updates the running maximum
// m [rows] and sum l [rows][16]; c [rows] is what the output must be scaled by.
//
//go:noescape
func attnSoftmaxBF16(s, m, l, c *float32, rows, pages int)

// packQueryBF16 makes [rows/unit][d/2][unit] pairs of bf16 of q*log2(e), with
// zeros where rows are missing.
func packQueryBF16(dst []uint32, q []float32, unit, d int) {
	clear(dst)
	for r := range len(q) / d {
		at := dst[r/unit*unit*d/2+r%unit:]
		for j := 0; j < d; j += 2 {
			lo, hi := toBF16(q[r*d+j]*math.Log2E), toBF16(q[r*d+j+1]*math.Log2E)
			at[j/2*unit] = uint32(lo) | uint32(hi)<<16
		}
	}
}
