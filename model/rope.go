package model

import (
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

// Rope is a rotary position embedding (RoPE, arXiv 2104.09864) in the
// rotate-half form: dimensions i and i+dim/2 of a head turn together.
type Rope struct {
	Theta   float64
	Scaling string // "", "linear", "llama3", "yarn"
	Factor  float64
	// llama3: wavelengths beyond OriginalContext/LowFreq are stretched by Factor,
	// those below OriginalContext/HighFreq are left alone, smooth between.
	LowFreq, HighFreq float64
	// yarn (arXiv 2309.00071): the same by number of turns, BetaFast..BetaSlow.
	BetaFast, BetaSlow float64
	Attention          float64 // yarn: cos and sin are multiplied by it; 0 means 0.1 ln(Factor) + 1
	OriginalContext    int

	Divisors []float64 // [dim/2] divisors of the frequencies as a file gives them (GGUF rope_freqs); nil: none
}

func (r *Rope) validate() error {
	bad := func(what string, v any) error { return fmt.Errorf("model configuration: RoPE %s is %v", what, v) }
	if !(r.Theta > 1 && r.Theta < 1e12) {
		return bad("base", r.Theta)
	}
	switch r.Scaling {
	case "":
		return nil
	case "linear", "llama3", "yarn":
	default:
		return fmt.Errorf("RoPE scaling %q is not supported (supported: linear, llama3, yarn)", r.Scaling)
	}
	if !(r.Factor >= 1 && r.Factor < 1e6) {
		return bad("scaling factor", r.Factor)
	}
	if r.Scaling != "linear" && r.OriginalContext <= 0 {
		return bad("original context", r.OriginalContext)
	}
	if r.Scaling == "llama3" && !(r.LowFreq > 0 && r.HighFreq > r.LowFreq) {
		return bad("llama3 frequency bounds", [2]float64{r.LowFreq, r.HighFreq})
	}
	if r.Scaling == "yarn" && !(r.BetaSlow > 0 && r.BetaFast > r.BetaSlow) {
		return bad("yarn bounds", [2]float64{r.BetaFast, r.BetaSlow})
	}
	return nil
}

// frequencies are radians per position of each pair, [dim/2], and what cos and
// sin are multiplied by.
func (r *Rope) frequencies(dim int) ([]float64, float64) {
	f := make([]float64, dim/2)
	for i := range f {
		f[i] = math.Pow(r.Theta, -2*float64(i)/float64(dim))
		if r.Divisors != nil {
			f[i] /= r.Divisors[i]
		}
	}
	scale := 1.0
	switch r.Scaling {
	case "linear":
		for i := range f {
			f[i] /= r.Factor
		}
	case "llama3":
		for i := range f {
			turns := float64(r.OriginalContext) * f[i] / (2 * math.Pi) // over the original context
			smooth := min(max((turns-r.LowFreq)/(r.HighFreq-r.LowFreq), 0), 1)
			f[i] *= smooth + (1-smooth)/r.Factor
		}
	case "yarn":
		// The pair that makes b turns over the original context.
		pair := func(b float64) float64 {
			return float64(dim) * math.Log(float64(r.OriginalContext)/(b*2*math.Pi)) / (2 * math.Log(r.Theta))
		}
		low := max(math.Floor(pair(r.BetaFast)), 0)
		high := min(math.Ceil(pair(r.BetaSlow)), float64(dim-1))
		if low == high {
			high += 0.001
		}
		for i := range f {
			stretched := min(max((float64(i)-low)/(high-low), 0), 1)
			f[i] *= 1 - stretched + stretched/r.Factor
		}
		if scale = r.Attention; scale == 0 {
			scale = yarnAttention(r.Factor)
		}
	}
	return f, scale
}

// yarnAttention is the default of Rope.Attention.
func yarnAttention(factor float64) float64 { return 0.1*math.Log(factor) + 1 }

// rotation is the table of the rows of a batch.
type rotation struct {
	half     int
	cos, sin []float32 // [row][dim/2]
	at       []int     // positions of the rows the table is for
}

// fill computes the table, unless it is there already: all layers of a block use
// the same.
func (t *rotation) fill(freq []float64, scale float64, segs []Segment) {
	t.half = len(freq)
	row, same := 0, true
	for _, s := range segs {
		for i := range s.N {
			same = same && row < len(t.at) && t.at[row] == s.T0+i
			if !same {
				t.at = append(t.at[:row], s.T0+i)
			}
			row++
		}
	}
	if same && row <= len(t.at) {
		return
	}
	t.cos, t.sin = grow(t.cos, row*t.half), grow(t.sin, row*t.half)
	for r, pos := range t.at[:row] {
		for j, f := range freq {
			s, c := math.Sincos(float64(pos) * f)
			t.cos[r*t.half+j], t.sin[r*t.half+j] = float32(c*scale), float32(s*scale)
		}
	}
}

// turn rotates every head of row i of x, [heads][dim].
func (t *rotation) turn(x []float32, i int) {
	cos, sin := t.cos[i*t.half:][:t.half], t.sin[i*t.half:][:t.half]
	for ; len(x) > 0; x = x[2*t.half:] {
		kernel.Rope(x[:2*t.half], cos, sin)
	}
}
