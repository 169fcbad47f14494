package ui

import (
	"image/color"
	"io"
	"math"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// PNG writes the heat map as a picture of twice the pixels that SVG has.
func (h *Heatmap) PNG(w io.Writer) error {
	l := h.layout()
	// A point of the canvas is a pixel of the layout; at 144 dpi it becomes two.
	img := vgimg.NewWith(vgimg.UseWH(vg.Length(l.width), vg.Length(l.height)), vgimg.UseDPI(144))
	h.draw(&canvas{draw.New(img), vg.Length(l.height)}, l)
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}

// canvas is a surface on gonum's, whose y goes upwards.
type canvas struct {
	draw.Canvas
	height vg.Length
}

func (c *canvas) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: c.height - vg.Length(y)}
}

func (c *canvas) rect(x, y, w, h float64, fill, rim color.Color, _ string) {
	corners := []vg.Point{c.at(x, y), c.at(x+w, y), c.at(x+w, y+h), c.at(x, y+h)}
	if fill != nil {
		c.FillPolygon(fill, corners)
	}
	if rim != nil {
		c.StrokeLines(draw.LineStyle{Color: rim, Width: 1}, append(corners, corners[0], corners[1]))
	}
}

func (c *canvas) dot(x, y, r float64, rim bool) {
	glyph := draw.GlyphStyle{Color: white, Radius: vg.Length(r), Shape: draw.CircleGlyph{}}
	c.DrawGlyph(glyph, c.at(x, y))
	if rim {
		glyph.Color, glyph.Shape = dark, draw.RingGlyph{}
		c.DrawGlyph(glyph, c.at(x, y))
	}
}

func (c *canvas) line(x0, y0, x1, y1 float64) {
	c.StrokeLines(draw.LineStyle{Color: dark, Width: 1}, []vg.Point{c.at(x0, y0), c.at(x1, y1)})
}

func (c *canvas) text(x, y, size float64, a align, bold bool, s string) {
	style := textStyle(size, []text.XAlignment{text.XLeft, text.XCenter, text.XRight}[a])
	if bold {
		style.Font.Weight = xfont.WeightBold
	}
	c.FillText(style, c.at(x, y), s)
}

func (c *canvas) upwards(x, y, size float64, s string) {
	style := textStyle(size, text.XCenter)
	style.Rotation = math.Pi / 2
	c.FillText(style, c.at(x, y), s)
}

// textStyle is sans serif on its baseline.
func textStyle(size float64, x text.XAlignment) text.Style {
	return text.Style{
		Color:   dark,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Length(size)},
		XAlign:  x,
		YAlign:  text.YBottom,
		Handler: plot.DefaultTextHandler,
	}
}
