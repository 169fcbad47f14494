package ui

import (
	"fmt"
	"image/color"
	"math"
)

// A surface is what a picture is drawn on: SVG or PNG. Coordinates are pixels, y
// downwards; text hangs on its baseline.
type surface interface {
	rect(x, y, w, h float64, fill, rim color.Color, tip string) // nil: no filling, no rim; tip is shown on pointing
	dot(x, y, r float64, rim bool)                              // a white disc
	line(x0, y0, x1, y1 float64)
	text(x, y, size float64, align align, bold bool, s string)
	upwards(x, y, size float64, s string) // text turned left, centred
}

type align int

const (
	alignLeft align = iota
	alignCentre
	alignRight
)

var (
	dark  = color.RGBA{0x22, 0x22, 0x22, 0xff}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
)

// layout is where things are in a picture, in pixels.
type layout struct {
	nx, ny     int
	cell       float64 // side of a cell
	left, top  float64 // of the cells
	w, h       float64 // of the cells
	barX, barH float64 // colour bar, beside the cells
	width      float64 // of the picture
	height     float64
}

const (
	barWidth = 14
	apartX   = 26 // labels of the x axis stand apart at least so far
	apartY   = 15
)

func (h *Heatmap) layout() layout {
	nx, ny := h.dims()
	l := layout{nx: nx, ny: ny, left: 62, top: 50}
	n, m := float64(max(nx, 1)), float64(max(ny, 1))
	l.cell = math.Floor(min(max(min(840/n, 520/m), 5), 26))
	l.w, l.h = l.cell*n, l.cell*m
	l.barX, l.barH = l.left+l.w+24, max(l.h, 120)
	l.width = max(l.barX+barWidth+90, l.left+10*float64(len([]rune(h.Title)))) // room for the title
	l.height = l.top + max(l.h+58, l.barH+24)
	if h.legend() {
		l.height = max(l.height, l.top+l.h+82)
	}
	return l
}

// legend reports whether marks or grey cells are to be explained.
func (h *Heatmap) legend() bool { return h.anyMarked() || h.anyMissing() }

// draw draws the heat map: x (layers) to the right, y (heads) downwards.
func (h *Heatmap) draw(to surface, l layout) {
	s := h.scale()
	to.rect(0, 0, l.width, l.height, white, nil, "")
	to.text(l.left, 28, 16, alignLeft, true, h.Title)
	for x := range l.nx {
		for y := range l.ny {
			h.drawCell(to, l, s, x, y)
		}
	}
	to.rect(l.left, l.top, l.w, l.h, nil, dark, "")
	for x := 0; x < l.nx; x += every(l.cell, apartX) {
		to.text(l.left+(float64(x)+0.5)*l.cell, l.top+l.h+16, 12, alignCentre, false, fmt.Sprint(x))
	}
	for y := 0; y < l.ny; y += every(l.cell, apartY) {
		to.text(l.left-7, l.top+(float64(y)+0.5)*l.cell+4, 12, alignRight, false, fmt.Sprint(y))
	}
	to.text(l.left+l.w/2, l.top+l.h+38, 12, alignCentre, false, h.XLabel)
	to.upwards(22, l.top+max(l.h/2, 24), 12, h.YLabel)
	h.drawLegend(to, l)
	drawBar(to, l, s, h.ValueLabel)
}

func (h *Heatmap) drawCell(to surface, l layout, s scale, x, y int) {
	v := h.at(x, y)
	left, top := l.left+float64(x)*l.cell, l.top+float64(y)*l.cell
	tip := fmt.Sprintf("%s %d, %s %d: ", h.XLabel, x, h.YLabel, y)
	if math.IsNaN(v) {
		tip += notMeasured
	} else {
		tip += s.format(v)
	}
	if h.marked(x, y) {
		tip += ", " + h.MarkLabel
	}
	to.rect(left, top, l.cell, l.cell, Shade(s.pos(v)), nil, tip)
	if h.marked(x, y) {
		to.dot(left+l.cell/2, top+l.cell/2, min(l.cell/5, 4), Ink(s.pos(v)).R == 0)
	}
}

const notMeasured = "not measured"

func (h *Heatmap) drawLegend(to surface, l layout) {
	x, y := l.left, l.top+l.h+64
	if h.anyMarked() {
		to.dot(x+5, y-4, 4, true)
		to.text(x+15, y, 12, alignLeft, false, h.MarkLabel)
		x += 30 + 7*float64(len([]rune(h.MarkLabel)))
	}
	if h.anyMissing() {
		to.rect(x, y-10, 12, 12, missing, nil, "")
		to.text(x+17, y, 12, alignLeft, false, notMeasured)
	}
}

func drawBar(to surface, l layout, s scale, label string) {
	const steps = 60
	for i := range steps { // from the top; each reaches a pixel into the next, or seams show
		top, bottom := math.Round(l.barH*float64(i)/steps), math.Round(l.barH*float64(i+1)/steps)
		if i+1 < steps {
			bottom++
		}
		to.rect(l.barX, l.top+top, barWidth, bottom-top, Shade(1-(float64(i)+0.5)/steps), nil, "")
	}
	to.rect(l.barX, l.top, barWidth, l.barH, nil, dark, "")
	for _, t := range s.ticks(apartY / l.barH) {
		y := l.top + math.Round((1-t.pos)*l.barH)
		to.line(l.barX+barWidth, y, l.barX+barWidth+4, y)
		to.text(l.barX+barWidth+8, y+4, 12, alignLeft, false, t.label)
	}
	to.upwards(l.barX+barWidth+74, l.top+l.barH/2, 12, label)
}
