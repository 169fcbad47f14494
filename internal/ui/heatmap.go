package ui

import (
	"image/color"
	"math"
	"strconv"
)

// A Heatmap is a picture of numbers, one per layer (or sample) and head: what
// [Term.Grid] draws in the terminal, [Heatmap.SVG] and [Heatmap.PNG] as files.
type Heatmap struct {
	Title                      string
	XLabel, YLabel, ValueLabel string      // "layer", "KV head", "output error"
	Values                     [][]float64 // [x][y]; NaN or missing: not measured
	Marked                     [][]bool    // [x][y]; nil: none
	MarkLabel                  string      // what a mark says, "lazy"
	Log                        bool        // colours by the logarithm, for values over several powers of ten
	Percent                    bool        // values are shares, shown in per cent
	Min, Max                   float64     // range of the colours; both 0: from the values
}

// dims is the number of columns and of rows.
func (h *Heatmap) dims() (nx, ny int) {
	for _, column := range h.Values {
		ny = max(ny, len(column))
	}
	return len(h.Values), ny
}

// at is a value, NaN when there is none.
func (h *Heatmap) at(x, y int) float64 {
	if y >= len(h.Values[x]) {
		return math.NaN()
	}
	return h.Values[x][y]
}

func (h *Heatmap) marked(x, y int) bool {
	return x < len(h.Marked) && y < len(h.Marked[x]) && h.Marked[x][y]
}

// anyMarked reports whether there are marks to explain.
func (h *Heatmap) anyMarked() bool { return h.any(h.marked) }

// anyMissing reports whether there are cells without a value.
func (h *Heatmap) anyMissing() bool {
	return h.any(func(x, y int) bool { return math.IsNaN(h.at(x, y)) })
}

func (h *Heatmap) any(is func(x, y int) bool) bool {
	nx, ny := h.dims()
	for x := range nx {
		for y := range ny {
			if is(x, y) {
				return true
			}
		}
	}
	return false
}

// A scale takes values to [0, 1].
type scale struct {
	lo, hi       float64
	log, percent bool
}

// scale is that of the heat map's colours.
func (h *Heatmap) scale() scale {
	s := scale{h.Min, h.Max, h.Log, h.Percent}
	if s.lo == 0 && s.hi == 0 {
		s.lo, s.hi = math.Inf(1), math.Inf(-1)
		for _, column := range h.Values {
			for _, v := range column {
				if math.IsNaN(v) || math.IsInf(v, 0) || s.log && v <= 0 {
					continue
				}
				s.lo, s.hi = min(s.lo, v), max(s.hi, v)
			}
		}
	}
	if math.IsInf(s.lo, 0) { // no values
		s.lo, s.hi = 0.1, 1
	}
	if s.log {
		s.hi = max(s.hi, 1e-12)
		s.lo = max(s.lo, s.hi/1e4) // more than four powers of ten would hide what matters
		if s.lo >= s.hi {
			s.lo, s.hi = s.hi/2, s.hi*2
		}
	} else if s.lo >= s.hi {
		d := max(math.Abs(s.lo)/2, 0.5)
		s.lo, s.hi = s.lo-d, s.lo+d
	}
	return s
}

// pos is where a value lies on the scale; NaN stays NaN.
func (s scale) pos(v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	x := (v - s.lo) / (s.hi - s.lo)
	if s.log {
		x = math.Log(max(v, s.lo)/s.lo) / math.Log(s.hi/s.lo)
	}
	return min(max(x, 0), 1)
}

// value is the inverse of pos.
func (s scale) value(pos float64) float64 {
	if s.log {
		return s.lo * math.Pow(s.hi/s.lo, pos)
	}
	return s.lo + pos*(s.hi-s.lo)
}

// format writes a value with up to three digits.
func (s scale) format(v float64) string {
	unit := ""
	if s.percent {
		v, unit = 100*v, " %"
	}
	return strconv.FormatFloat(round(v, 3)+0, 'f', -1, 64) + unit // + 0: no minus zero
}

// round leaves a number of significant digits.
func round(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// A tick is a labelled place on a scale.
type tick struct {
	pos   float64 // 0 to 1
	label string
}

// ticks are round values at least gap apart: on a linear scale about five, equally
// spaced; on a logarithmic one 1, 2 and 5 times powers of ten, or fewer.
func (s scale) ticks(gap float64) []tick {
	if !s.log {
		return s.linearTicks()
	}
	var list []tick
	for _, multiples := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		list = nil
		fits := true
		for e := math.Floor(math.Log10(s.lo)); e <= math.Log10(s.hi); e++ {
			for _, m := range multiples {
				v := m * math.Pow(10, e)
				if v < s.lo*(1-1e-9) || v > s.hi*(1+1e-9) {
					continue
				}
				t := tick{s.pos(v), s.format(v)}
				fits = fits && (len(list) == 0 || t.pos-list[len(list)-1].pos >= gap)
				list = append(list, t)
			}
		}
		if fits {
			break
		}
	}
	return list
}

func (s scale) linearTicks() (list []tick) {
	span := s.hi - s.lo
	step := math.Pow(10, math.Floor(math.Log10(span)))
	for _, m := range []float64{0.1, 0.2, 0.5, 1, 2} {
		if span/(step*m) <= 6 {
			step *= m
			break
		}
	}
	for k := math.Ceil(s.lo/step - 1e-9); k*step <= s.hi+1e-9*step; k++ {
		list = append(list, tick{s.pos(k * step), s.format(k * step)})
	}
	return list
}

// Ticks are the round values of an axis from lo to hi, by the logarithm if asked.
func Ticks(lo, hi float64, log bool) []float64 {
	s := scale{lo: lo, hi: hi, log: log}
	var list []float64
	for _, t := range s.ticks(0.08) {
		list = append(list, s.value(t.pos))
	}
	return list
}

// every is how many of n cells of a size share a label, so that labels are at least
// apart: 1, 2, 5, 10, ...
func every(size, apart float64) int {
	for step := 1; ; step *= 10 {
		for _, m := range []int{1, 2, 5} {
			if float64(m*step)*size >= apart {
				return m * step
			}
		}
	}
}

// Colours: from dark violet to yellow in steps of equal lightness, told apart
// without seeing red and green, and in grey.
var ramp = []color.RGBA{
	{0x44, 0x01, 0x54, 0xff}, {0x47, 0x2d, 0x7b, 0xff}, {0x3b, 0x52, 0x8b, 0xff}, {0x2c, 0x72, 0x8e, 0xff},
	{0x21, 0x91, 0x8c, 0xff}, {0x28, 0xae, 0x80, 0xff}, {0x5e, 0xc9, 0x62, 0xff}, {0xad, 0xdc, 0x30, 0xff}, {0xfd, 0xe7, 0x25, 0xff},
}

var missing = color.RGBA{0xd9, 0xd9, 0xd9, 0xff} // not measured

// Shade is the colour of a place on a scale from 0 to 1; NaN: not measured.
func Shade(pos float64) color.RGBA {
	if math.IsNaN(pos) {
		return missing
	}
	x := pos * float64(len(ramp)-1)
	i := min(int(x), len(ramp)-2)
	a, b, f := ramp[i], ramp[i+1], x-float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + f*(float64(b)-float64(a)))) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// Ink is a colour to write with on a [Shade]: white on dark, black on light.
func Ink(pos float64) color.RGBA {
	if pos < 0.6 {
		return color.RGBA{0xff, 0xff, 0xff, 0xff}
	}
	return color.RGBA{0, 0, 0, 0xff}
}
