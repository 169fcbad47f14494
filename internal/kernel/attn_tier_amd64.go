package kernel

import (
	"math"
	"unsafe"
)

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnKernels{
	tierAVX2:   &attnAVX2,
	tierAVX512: attnAVX512(),
}

// attnAVX512 is the bf16 kernels where the machine has the instructions, or
// those of AVX2.
func attnAVX512() *attnKernels {
	if cpu.bf16 {
		return &attnBF16
	}
	return &attnAVX2
}

type (
	attnQK = func(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
	attnPV = func(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
)

// Q and P in pairs of bf16: q [rows/4][d/2][4], p in the first half of each row.
var attnBF16 = attnKernels{
	words: 1, unit: 4, packQuery: packQueryBF16,
	qk:   []attnQK{attnQK4BF16, attnQK8BF16, attnQK12BF16},
	mask: attnMaskAVX512, softmax: attnSoftmaxBF16,
	pv: []attnPV{attnPV4BF16, attnPV8BF16, attnPV12BF16},
}

// Q and P in float32: q [rows/3][d][3].
var attnAVX2 = attnKernels{
	words: 2, unit: 3, packQuery: packQueryF32,
	qk:   []attnQK{attnQK3AVX2, attnQK6AVX2},
	mask: attnMaskAVX2, softmax: attnSoftmaxAVX2,
	pv: []attnPV{attnPV3AVX2, attnPV6AVX2},
}

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

func packQueryF32(dst []uint32, q []float32, unit, d int) {
	clear(dst)
	for r := range len(q) / d {
		at := dst[r/unit*unit*d+r%unit:]
		for j := range d {
			at[j*unit] = math.Float32bits(q[r*d+j] * math.Log2E)
		}
	}
}

//go:noescape
func attnQK4BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnQK8BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnQK12BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnPV8BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnMaskAVX512(s *float32, lo, hi int, bias *float32)

//go:noescape
func attnSoftmaxBF16(s, m, l, c *float32, rows, pages int)

//go:noescape
func attnQK3AVX2(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnQK6AVX2(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV3AVX2(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnPV6AVX2(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnMaskAVX2(s *float32, lo, hi int, bias *float32)

//go:noescape
func attnSoftmaxAVX2(s, m, l, c *float32, rows, pages int)
