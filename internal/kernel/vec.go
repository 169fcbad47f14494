package kernel

import "math"

// vecTable holds a tier's elementwise loops; the exported functions have
// checked the lengths.
type vecTable struct {
	add      func(dst, x []float32)
	dot      func(x, y []float32) float32
	scale    func(dst, x, w []float32, s float32) // dst = x * s * w
	times    func(dst, x []float32, s float32)    // dst = x * s + 0
	swiglu   func(dst, gate, up []float32)
	rope     func(x0, x1, cos, sin []float32) // x0, x1 = x0*cos - x1*sin, x1*cos + x0*sin
	bf16     func(dst []uint16, src []float32)
	fromBF16 func(dst []float32, src []uint16)
	keys     func(at, rows []uint16, d int) // of a bf16 page, see attn_page.go
	values   func(at, x, y []uint16)
}

// vecOps gives all tiers of an architecture the same loops, which mostly wait for
// memory, but for one.
var vecOps = [numTiers]*vecTable{tierGeneric: &vecGeneric, tierNEON: vecLoops, tierAVX2: vecAVX2, tierAVX512: vecAVX512, tierAMX: vecAVX512}

var vecGeneric = vecTable{addGo, dotGo, scaleGo, timesGo, swigluGo, ropeGo, bf16Go, fromBF16Go, putKeysGo, putValuesGo}

// RMSNorm sets dst to x scaled to a root mean square of one, times w:
// dst[i] = x[i] / sqrt(mean(x^2) + eps) * w[i] (Zhang and Sennrich, 2019,
// "Root Mean Square Layer Normalization"). dst, x, w [len(x)]; dst may be x.
func RMSNorm(dst, x, w []float32, eps float32) {
	if len(x) == 0 {
		return
	}
	ops := vecOps[active]
	mean := ops.dot(x, x) / float32(len(x))
	s := float32(1 / math.Sqrt(float64(mean)+float64(eps)))
	ops.scale(dst[:len(x)], x, w[:len(x)], s)
}

// Add adds x to dst. dst, x [len(x)].
func Add(dst, x []float32) { vecOps[active].add(dst[:len(x)], x) }

// Scale sets dst to s*x; a zero becomes positive. dst, x [len(x)]; dst may be x.
func Scale(dst, x []float32, s float32) { vecOps[active].times(dst[:len(x)], x, s) }

// SwiGLU sets dst to silu(gate) * up, silu(z) = z / (1 + exp(-z)) (Shazeer,
// 2020, "GLU Variants Improve Transformer"). All [len(gate)]; dst may be gate
// or up.
func SwiGLU(dst, gate, up []float32) {
	vecOps[active].swiglu(dst[:len(gate)], gate, up[:len(gate)])
}

// Rope turns one head's vector x [d] in place by the angles whose cosines and
// sines are given, in the rotate-half form: the pairs are (i, i+len(cos)).
// Elements from 2*len(cos) on stay as they are (Su et al., 2021, "RoFormer").
func Rope(x []float32, cos, sin []float32) {
	h := len(cos)
	vecOps[active].rope(x[:h], x[h:2*h], cos, sin[:h])
}

// Dot returns the sum of x[i]*y[i]. x, y [len(x)].
func Dot(x, y []float32) float32 { return vecOps[active].dot(x, y[:len(x)]) }

// ToBF16 rounds src to bfloat16, to nearest even; NaN stays NaN. dst [len(src)].
func ToBF16(dst []uint16, src []float32) { vecOps[active].bf16(dst[:len(src)], src) }

// FromBF16 widens src. dst [len(src)].
func FromBF16(dst []float32, src []uint16) { vecOps[active].fromBF16(dst[:len(src)], src) }

func addGo(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}

// dotGo keeps four sums, which hides most of the latency of the additions.
func dotGo(x, y []float32) float32 {
	var s0, s1, s2, s3 float32
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func scaleGo(dst, x, w []float32, s float32) {
	for i, v := range x {
		dst[i] = v * s * w[i]
	}
}

func timesGo(dst, x []float32, s float32) {
	for i, v := range x {
		dst[i] = v*s + 0
	}
}

func swigluGo(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = float32(float64(g)/(1+math.Exp(-float64(g)))) * up[i]
	}
}

func ropeGo(x0, x1, cos, sin []float32) {
	for i, c := range cos {
		a, b, s := x0[i], x1[i], sin[i]
		x0[i], x1[i] = a*c-b*s, b*c+a*s
	}
}

func bf16Go(dst []uint16, src []float32) {
	for i, v := range src {
		dst[i] = toBF16(v)
	}
}

func fromBF16Go(dst []float32, src []uint16) {
	for i, v := range src {
		dst[i] = math.Float32frombits(uint32(v) << 16)
	}
}
