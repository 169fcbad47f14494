package ui

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
)

// SVG writes the heat map as a picture that needs nothing else. Pointing at a cell
// shows its value.
func (h *Heatmap) SVG(w io.Writer) error {
	l := h.layout()
	var to svg
	to.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="Helvetica, Arial, sans-serif" fill="%s">`,
		l.width, l.height, l.width, l.height, hex(dark))
	to.printf("<title>%s</title>", escape(h.Title))
	h.draw(&to, l)
	to.printf("</svg>")
	_, err := w.Write(to.Bytes())
	return err
}

type svg struct{ bytes.Buffer }

func (b *svg) printf(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

func (b *svg) rect(x, y, w, h float64, fill, rim color.Color, tip string) {
	paint := `fill="none"`
	if fill != nil {
		paint = fmt.Sprintf(`fill="%s"`, hex(fill))
	}
	if rim != nil {
		paint += fmt.Sprintf(` stroke="%s" pointer-events="none"`, hex(rim))
	}
	if tip == "" {
		b.printf(`<rect x="%g" y="%g" width="%g" height="%g" %s/>`, x, y, w, h, paint)
		return
	}
	b.printf(`<rect x="%g" y="%g" width="%g" height="%g" %s><title>%s</title></rect>`, x, y, w, h, paint, escape(tip))
}

func (b *svg) dot(x, y, r float64, rim bool) {
	stroke := ""
	if rim {
		stroke = fmt.Sprintf(` stroke="%s" stroke-width="0.8"`, hex(dark))
	}
	b.printf(`<circle cx="%g" cy="%g" r="%.2g" fill="%s"%s pointer-events="none"/>`, x, y, r, hex(white), stroke)
}

func (b *svg) line(x0, y0, x1, y1 float64) {
	b.printf(`<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="%s"/>`, x0, y0, x1, y1, hex(dark))
}

func (b *svg) text(x, y, size float64, a align, bold bool, s string) {
	anchor := []string{"start", "middle", "end"}[a]
	weight := ""
	if bold {
		weight = ` font-weight="bold"`
	}
	b.printf(`<text x="%g" y="%g" font-size="%g" text-anchor="%s"%s>%s</text>`, x, y, size, anchor, weight, escape(s))
}

func (b *svg) upwards(x, y, size float64, s string) {
	b.printf(`<text transform="translate(%g %g) rotate(-90)" font-size="%g" text-anchor="middle">%s</text>`, x, y, size, escape(s))
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

func escape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // cannot be: a buffer takes everything
	}
	return b.String()
}
