package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"strings"
)

// Pictures are SVG within the page. What they look like in light and dark is said
// by the classes of picture.css; only the scale of heat maps has colours of its own.
type svg struct{ bytes.Buffer }

// newSVG begins a picture of a size in pixels. Class "wide" or "narrow" pictures are
// shown on such screens only; others fill the room they have.
func newSVG(class string, width, height float64, label string) *svg {
	s := &svg{}
	fmt.Fprintf(s, `<svg class="%s" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="%s">`, class, width, height, width, height, html.EscapeString(label))
	return s
}

// done ends the picture.
func (s *svg) done() template.HTML {
	s.WriteString("</svg>")
	return template.HTML(s.String())
}

func (s *svg) line(class string, x0, y0, x1, y1 float64) {
	fmt.Fprintf(s, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x0, y0, x1, y1)
}

// text hangs on its baseline; anchor is start, middle or end.
func (s *svg) text(class, anchor string, x, y float64, text string) {
	fmt.Fprintf(s, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, html.EscapeString(text))
}

// cell is a filled rectangle that says on pointing what it is.
func (s *svg) cell(x, y, w, h float64, fill string, tip string) {
	fmt.Fprintf(s, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" %s><title>%s</title></rect>`, x, y, w, h, fill, html.EscapeString(tip))
}

// path draws through points given as pairs.
func (s *svg) path(class string, xy ...float64) {
	fmt.Fprintf(s, `<path class="%s" d="%s"/>`, class, outline(xy))
}

func outline(xy []float64) string {
	var b strings.Builder
	for i := 0; i+1 < len(xy); i += 2 {
		fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], xy[i], xy[i+1])
	}
	return b.String()
}

// A look tells kinds of policies apart, by shape and by colour: each is enough alone
// while there are few.
type look struct{ shape, colour int }

// marker draws a look, filled if it is on the front.
func (s *svg) marker(l look, filled bool, x, y float64, tip string) {
	class := fmt.Sprintf("mark c%d", l.colour)
	if !filled {
		class += " hollow"
	}
	const r = 5.0
	shape := ""
	switch l.shape {
	case 0:
		shape = fmt.Sprintf(`<circle class="%s" cx="%.1f" cy="%.1f" r="%g">`, class, x, y, r)
	case 1:
		shape = fmt.Sprintf(`<rect class="%s" x="%.1f" y="%.1f" width="%g" height="%g">`, class, x-4.5, y-4.5, 9.0, 9.0)
	default:
		corners := map[int][]float64{
			2: {0, -6, 5.5, 4, -5.5, 4},
			3: {0, -6.5, 6.5, 0, 0, 6.5, -6.5, 0},
			4: {0, 6, 5.5, -4, -5.5, -4},
			5: {-5.5, -2, -2, -2, -2, -5.5, 2, -5.5, 2, -2, 5.5, -2, 5.5, 2, 2, 2, 2, 5.5, -2, 5.5, -2, 2, -5.5, 2},
		}[l.shape]
		at := make([]float64, len(corners))
		for i, d := range corners {
			at[i] = d + []float64{x, y}[i%2]
		}
		shape = fmt.Sprintf(`<path class="%s" d="%sZ">`, class, outline(at))
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(shape, "<"), " ")
	fmt.Fprintf(s, "%s<title>%s</title></%s>", shape, html.EscapeString(tip), name)
}

func fill(c color.RGBA) string { return fmt.Sprintf(`fill="#%02x%02x%02x"`, c.R, c.G, c.B) }
