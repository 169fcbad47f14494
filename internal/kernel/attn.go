package kernel

import (
	"fmt"
	"math"
)

// PageTokens is the number of tokens of one KV head that a page holds.
const PageTokens = 128

// A Span is one page as a block of rows sees it: where the keys and values are,
// and which slots each row may look at.
//
// A page comes in one of two precisions. A bf16 page has K and V, an int8 page
// has K8, V8 and one scale for every token; the layouts are described at PutK,
// PutV, PutK8 and PutV8. Setting both is an error of the caller.
//
// Hidden slots never reach a result as long as they hold finite numbers (a page
// that was never written holds zeros): the fast tiers weigh them with an exact 0.
type Span struct {
	K, V []uint16 // bf16 page: [PageTokens/16][d/2][16][2] and [PageTokens/32][d/16][16][16][2]

	K8, V8         []int8    // int8 page: [PageTokens/16][d/4][16][4] and [PageTokens/32][d/16][8][16][4]
	KScale, VScale []float32 // [PageTokens], with K8 and V8

	Lo, Hi []int32   // [rows] visible slots of row r: Lo[r] <= s < Hi[r], clamped to the page; empty when Lo >= Hi; nil: all of all rows
	Bias   []float32 // nil, or [PageTokens]: added to the logits (natural log units)
}

// AttnScratch is the working memory of Attend. The zero value is ready; one
// scratch serves one goroutine at a time.
type AttnScratch struct {
	// Next, which may be nil, is what will be attended to next: memory is asked for
	// its first keys in good time. It changes no result.
	Next *Span

	block attnBlock // the tiers with assembly
}

// Attend is softmax attention of a block of rows over the pages of one KV head.
//
// Row r holds one query of one head that shares the KV head (rows = queries *
// group). Over every visible slot s of every span, in order,
//
//	x[s]   = q[r]·K[s] + Bias[s]
//	lse[r] = ln Σ exp(x[s])
//	out[r] = Σ exp(x[s] - lse[r]) V[s]
//
// q is [rows][d], already scaled by 1/sqrt(head size); out is [rows][d] and lse
// [rows], or nil when it is not wanted. d is a multiple of 32. A row that sees nothing gets out 0 and lse
// -Inf. The logits never exist as a whole: the online softmax (Milakov and
// Gimelshein 2018; FlashAttention, Dao et al. 2022) keeps for each row a running
// maximum, a running sum and a running output.
//
// Results depend on the arguments alone. Rows do not influence each other, and
// the order of the sums depends only on the spans: a row gets the same bits
// whether it is passed alone or among others.
//
// The amd64 tiers with AVX512-BF16 round queries and probabilities to bf16; the
// error that costs is in docs/kernels.md.
func Attend(out, lse, q []float32, rows, d int, spans []Span, s *AttnScratch) {
	if d <= 0 || d%32 != 0 {
		panic(fmt.Sprintf("kernel: attention with d = %d: pad the head to a multiple of 32", d))
	}
	if rows <= 0 {
		return
	}
	out, q = out[:rows*d], q[:rows*d]
	if lse != nil {
		lse = lse[:rows]
	}
	for i := range spans {
		spans[i].check(i, rows, d)
	}
	if k := attnTier(); k != nil {
		s.block.attend(k, out, lse, q, rows, d, spans, s.Next)
		return
	}
	attendGeneric(out, lse, q, rows, d, spans)
}

// check panics when a slice is shorter than the kernels will read.
func (sp *Span) check(i, rows, d int) {
	n := PageTokens * d
	ok := (sp.whole() || len(sp.Lo) >= rows && len(sp.Hi) >= rows) && (sp.Bias == nil || len(sp.Bias) >= PageTokens)
	if sp.int8() {
		ok = ok && sp.K == nil && sp.V == nil && len(sp.K8) >= n && len(sp.V8) >= n &&
			len(sp.KScale) >= PageTokens && len(sp.VScale) >= PageTokens
	} else {
		ok = ok && len(sp.K) >= n && len(sp.V) >= n
	}
	if !ok {
		panic(fmt.Sprintf("kernel: attention span %d does not fit rows = %d, d = %d (K %d V %d K8 %d V8 %d scales %d %d, Lo %d Hi %d Bias %d)",
			i, rows, d, len(sp.K), len(sp.V), len(sp.K8), len(sp.V8), len(sp.KScale), len(sp.VScale), len(sp.Lo), len(sp.Hi), len(sp.Bias)))
	}
}

func (sp *Span) int8() bool { return sp.K8 != nil }

// whole reports whether every row sees all slots.
func (sp *Span) whole() bool { return sp.Lo == nil && sp.Hi == nil }

// visible is the clamped range of slots that row r sees; lo >= hi means none.
func (sp *Span) visible(r int) (lo, hi int) {
	if sp.whole() {
		return 0, PageTokens
	}
	return max(0, int(sp.Lo[r])), min(PageTokens, int(sp.Hi[r]))
}

// attendGeneric is Attend in plain Go, float32 throughout: the reference that
// every other tier is tested against, and the path of machines without one.
// Spans are taken in order; each updates the running softmax of each row once.
func attendGeneric(out, lse, q []float32, rows, d int, spans []Span) {
	clear(out)
	var x [PageTokens]float32 // logits, then probabilities, of one row over one page
	for r := range rows {
		o, qr := out[r*d:][:d], q[r*d:][:d]
		m, l := float32(math.Inf(-1)), float64(0)
		for i := range spans {
			sp := &spans[i]
			lo, hi := sp.visible(r)
			if lo >= hi {
				continue
			}
			sp.logits(&x, qr, lo, hi)
			top := m
			for _, v := range x[lo:hi] {
				top = max(top, v) // NaN stays NaN
			}
			if math.IsInf(float64(top), -1) {
				continue // every logit is -Inf: weight 0
			}
			if top != m {
				c := float32(math.Exp(float64(m - top)))
				l *= float64(c)
				for j := range o {
					o[j] *= c
				}
				m = top
			}
			for s := lo; s < hi; s++ {
				p := math.Exp(float64(x[s] - m))
				l += p
				x[s] = float32(p)
			}
			sp.mix(o, &x, lo, hi)
		}
		if l != 0 {
			inv := float32(1 / l)
			for j := range o {
				o[j] *= inv
			}
		}
		if lse != nil {
			lse[r] = float32(float64(m) + math.Log(l)) // -Inf when l is 0
		}
	}
}

// logits sets x[s] = q·K[s] + Bias[s] for lo <= s < hi.
func (sp *Span) logits(x *[PageTokens]float32, q []float32, lo, hi int) {
	d := len(q)
	for t := lo / 16; t < (hi+15)/16; t++ {
		var acc [16]float32
		if sp.int8() {
			tile := sp.K8[t*16*d:][:16*d] // [d/4][16][4]
			for j := 0; j < d; j += 4 {
				k := tile[j*16:][:64]
				for i := range acc {
					acc[i] += q[j]*float32(k[4*i]) + q[j+1]*float32(k[4*i+1]) + q[j+2]*float32(k[4*i+2]) + q[j+3]*float32(k[4*i+3])
				}
			}
			for i := range acc {
				acc[i] *= sp.KScale[t*16+i]
			}
		} else {
			tile := sp.K[t*16*d:][:16*d] // [d/2][16][2]
			for j := 0; j < d; j += 2 {
				k := tile[j*16:][:32]
				for i := range acc {
					acc[i] += q[j]*bf16(k[2*i]) + q[j+1]*bf16(k[2*i+1])
				}
			}
		}
		copy(x[t*16:], acc[:])
	}
	if sp.Bias != nil {
		for s := lo; s < hi; s++ {
			x[s] += sp.Bias[s]
		}
	}
}

// mix adds p[s] V[s] to o for lo <= s < hi.
func (sp *Span) mix(o []float32, p *[PageTokens]float32, lo, hi int) {
	d := len(o)
	for s := lo; s < hi; s++ {
		w := p[s]
		if sp.int8() {
			w *= sp.VScale[s]
			for j := 0; j < d; j += 16 {
				v := sp.V8[indexV8(s, j, d):]
				for i, acc := 0, o[j:][:16]; i < 16; i++ {
					acc[i] += w * float32(v[4*i])
				}
			}
			continue
		}
		for j := 0; j < d; j += 16 {
			v := sp.V[indexV(s, j, d):]
			for i, acc := 0, o[j:][:16]; i < 16; i++ {
				acc[i] += w * bf16(v[2*i])
			}
		}
	}
}

// bf16 is the value of a bfloat16: the upper half of a float32.
func bf16(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }
