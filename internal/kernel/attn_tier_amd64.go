package kernel

import (
	"math"
	"unsafe"
)

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers = [numTiers]*attnPair{
	tierAVX2:   {bf16: &attnAVX2, int8: &attnAVX2Int8},
	tierAVX512: attnAVX512(),
}

// attnAVX512 takes the AVX2 loops for bf16 pages where AVX512-BF16 is missing.
func attnAVX512() *attnPair {
	if cpu.bf16 {
		return &attnPair{bf16: &attnBF16, int8: &attnVNNI}
	}
	return &attnPair{bf16: &attnAVX2, int8: &attnVNNI}
}

type (
	attnQK = func(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)
	attnPV = func(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
)

// Q [rows/4][d/2][4] and P are pairs of bf16.
var attnBF16 = attnKernels{
	unit: 4, queryWords: func(d int) int { return d / 2 }, packQuery: packQueryBF16,
	qk:   []attnQK{attnQK4BF16, attnQK8BF16, attnQK12BF16},
	mask: attnMaskAVX512, softmax: attnSoftmaxBF16,
	pv:    []attnPV{attnPV4BF16, attnPV8BF16, attnPV12BF16},
	pageP: PageTokens / 2,
}

// Q and P are integers of 16 bits, in two bytes.
var attnVNNI = attnKernels{
	unit: 4, queryWords: func(d int) int { return d/2 + 2 }, packQuery: packQueryInt16,
	qk:   []attnQK{attnQK4VNNI, attnQK8VNNI, attnQK12VNNI},
	mask: attnMaskAVX512, softmax: attnSoftmaxVNNI,
	pv:    []attnPV{attnPV4VNNI, attnPV8VNNI, attnPV12VNNI},
	pageP: PageTokens / 2, onePage: true,
}

// Q [rows/3][d][3] and P are float32.
var attnAVX2 = attnKernels{
	unit: 3, queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	qk:   []attnQK{attnQK3AVX2, attnQK6AVX2},
	mask: attnMaskAVX2, softmax: softmaxUnscaledAVX2,
	pv:    []attnPV{attnPV3AVX2, attnPV6AVX2},
	pageP: PageTokens,
}

var attnAVX2Int8 = attnKernels{
	unit: 3, queryWords: func(d int) int { return d }, packQuery: packQueryF32,
	qk:   []attnQK{attnQK3AVX2Int8, attnQK6AVX2Int8},
	mask: attnMaskAVX2, softmax: attnSoftmaxAVX2,
	pv:    []attnPV{attnPV3AVX2Int8, attnPV6AVX2Int8},
	pageP: PageTokens,
}

func softmaxUnscaledAVX2(s, m, l, c *float32, _ *unsafe.Pointer, rows, pages int) {
	attnSoftmaxAVX2(s, m, l, c, nil, rows, pages)
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

// packQueryInt16 rounds each row to integers of 16 bits; the layout is at
// attn_vnni_amd64.s. The largest is chosen so that 256 hi + lo reaches it with
// signed bytes and a dot product with int8 keys fits 32 bits.
func packQueryInt16(dst []uint32, q []float32, unit, d int) {
	clear(dst)
	limit := float32(min(127*256+127, math.MaxInt32/(127*d)))
	size := unit * (d/2 + 2)
	for r := range len(q) / d {
		row := q[r*d:][:d]
		top := float32(0)
		for _, x := range row {
			top = max(top, max(x, -x)) // NaN stays NaN
		}
		at := dst[r/unit*size:][:size]
		at[r%unit] = math.Float32bits(top / limit * math.Log2E)
		if !(top > 0 && top <= math.MaxFloat32) {
			continue // zeros; or the scale is NaN or Inf and makes NaN of everything
		}
		hi, lo := at[2*unit+r%unit:], at[2*unit+d/4*unit+r%unit:]
		sum, inv := int32(0), limit/top
		for j, x := range row {
			n := int32(math.RoundToEven(float64(x * inv)))
			sum += n
			low := int32(int8(n))
			shift := j % 4 * 8
			hi[j/4*unit] |= uint32(uint8((n-low)>>8)) << shift
			lo[j/4*unit] |= uint32(uint8(low)) << shift
		}
		at[unit+r%unit] = uint32(128 * sum)
	}
}

//go:noescape
func attnQK4BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK8BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV8BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK12BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnMaskAVX512(s *float32, lo, hi int, bias *float32)

//go:noescape
func attnSoftmaxBF16(s, m, l, c *float32, vs *unsafe.Pointer, rows, pages int)

//go:noescape
func attnQK4VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV4VNNI(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK8VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV8VNNI(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK12VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV12VNNI(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnSoftmaxVNNI(s, m, l, c *float32, vs *unsafe.Pointer, rows, pages int)

//go:noescape
func attnQK3AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV3AVX2(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK6AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV6AVX2(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK3AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV3AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnQK6AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)

//go:noescape
func attnPV6AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)

//go:noescape
func attnMaskAVX2(s *float32, lo, hi int, bias *float32)

//go:noescape
func attnSoftmaxAVX2(s, m, l, c *float32, vs *unsafe.Pointer, rows, pages int)
