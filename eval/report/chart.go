package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// A chart is the curve of quality against KV bytes. It is drawn twice, for wide and
// for narrow screens: text that shrinks with a picture cannot be read on a phone.
type chart struct {
	*svg
	t               *Table
	looks           map[string]look // by policy
	left, top, w, h float64         // of the plot
	x, y            axis
	longest         int // label, in characters
	points          []*Point
	full            *Point // nil: not among them
}

// An axis takes values to 0..1.
type axis struct {
	lo, hi float64
	log    bool
}

func (a axis) pos(v float64) float64 {
	if a.log {
		return math.Log(max(v, a.lo)/a.lo) / math.Log(a.hi/a.lo)
	}
	return (v - a.lo) / (a.hi - a.lo)
}

// curve draws a table's points; "" when there are fewer than two to compare.
func (s *Section) curve(t *Table) template.HTML {
	if len(t.Points) < 2 {
		return ""
	}
	return s.chart(t, "wide", 860, 430, 36) + s.chart(t, "narrow", 350, 400, 24)
}

func (s *Section) chart(t *Table, class string, width, height float64, longest int) template.HTML {
	c := &chart{t: t, looks: s.looks(), left: 52, top: 30, longest: longest}
	c.w, c.h = width-c.left-16, height-c.top-46
	c.svg = newSVG(class, width, height, t.Title+" against KV bytes")
	for _, p := range t.Points {
		if p.Policy == s.Full {
			c.full = p
		}
		if !(t.m.log && p.Policy == s.Full) { // its zero has no logarithm
			c.points = append(c.points, p)
		}
	}
	c.scale()
	c.axes()
	c.frontLine()
	for _, p := range c.points {
		c.whisker(p)
	}
	for _, p := range c.points {
		x, y := c.at(p)
		c.marker(c.looks[p.Policy], p.Front, x, y, c.tip(p))
	}
	c.labels()
	return c.done()
}

// value is what is drawn of a point.
func (c *chart) value(p *Point) float64 {
	switch {
	case !c.t.m.diff || c.full == nil:
		return p.Value
	case p == c.full:
		return 0
	}
	return *p.Diff
}

// bounds are the ends of a point's interval as drawn: those of the difference,
// set on full attention's value.
func (c *chart) bounds(p *Point) (low, high float64, ok bool) {
	if p.Low == nil || p == c.full {
		return 0, 0, false
	}
	base := 0.0
	if p.Diff != nil {
		base = c.value(p) - *p.Diff
	}
	return base + *p.Low, base + *p.High, true
}

func (c *chart) scale() {
	c.x = axis{lo: math.Inf(1), hi: math.Inf(-1)}
	c.y = axis{lo: math.Inf(1), hi: math.Inf(-1), log: c.t.m.log}
	for _, p := range c.points {
		c.x.lo, c.x.hi = min(c.x.lo, 100*p.KVShare), max(c.x.hi, 100*p.KVShare)
		low, high, ok := c.bounds(p)
		if !ok {
			low, high = c.value(p), c.value(p)
		}
		if c.y.log {
			low = max(low, c.value(p)/2) // the logarithm of a bound near zero goes on for ever
			c.y.log = c.value(p) > 0
		}
		c.y.lo, c.y.hi = min(c.y.lo, low, c.value(p)), max(c.y.hi, high, c.value(p))
	}
	if c.x.log = c.x.hi > 4*c.x.lo; c.x.log {
		c.x.lo, c.x.hi = c.x.lo/1.12, c.x.hi*1.12
	} else {
		pad := max(0.06*(c.x.hi-c.x.lo), 1)
		c.x.lo, c.x.hi = c.x.lo-pad, c.x.hi+pad
	}
	if c.y.log {
		c.y.lo, c.y.hi = c.y.lo/1.2, c.y.hi*1.2
		return
	}
	pad := max(0.07*(c.y.hi-c.y.lo), 5*math.Pow10(-c.t.m.digits)) // no differences that the tables do not show
	c.y.lo, c.y.hi = c.y.lo-pad, c.y.hi+pad
}

// at is where a point lies in the picture.
func (c *chart) at(p *Point) (x, y float64) {
	return c.left + c.w*c.x.pos(100*p.KVShare), c.level(c.value(p))
}

func (c *chart) level(v float64) float64 { return c.top + c.h*(1-c.y.pos(v)) }

func (c *chart) axes() {
	bottom := c.top + c.h
	for _, v := range ui.Ticks(c.y.lo, c.y.hi, c.y.log) {
		if !c.t.Lower && (v < 0 || v > 100) {
			continue
		}
		y := c.level(v)
		c.line("grid", c.left, y, c.left+c.w, y)
		c.text("tick", "end", c.left-7, y+4, strings.Replace(number(math.Round(v*1e9)/1e9), "-", "−", 1))
	}
	for _, v := range ui.Ticks(c.x.lo, c.x.hi, c.x.log) {
		x := c.left + c.w*c.x.pos(v)
		c.line("grid", x, c.top, x, bottom)
		c.text("tick", "middle", x, bottom+17, number(math.Round(v*1e9)/1e9))
	}
	title := c.t.Title + ", " + c.t.Unit
	if c.t.m.diff && c.full != nil {
		title = c.t.Title + " above full attention's, " + c.t.Unit
	}
	if c.t.Lower {
		title += " (lower is better)"
	}
	c.text("axis", "start", c.left-44, 15, title)
	c.text("axis", "end", c.left+c.w, bottom+36, "KV bytes, % of full attention's")
	if c.full != nil && !c.y.log {
		y := c.level(c.value(c.full))
		c.line("full", c.left, y, c.left+c.w, y)
	}
}

// frontLine is what the best policy reaches with so many bytes.
func (c *chart) frontLine() {
	var xy []float64
	for _, p := range c.front() {
		x, y := c.at(p)
		if len(xy) > 0 {
			xy = append(xy, x, xy[len(xy)-1])
		}
		xy = append(xy, x, y)
	}
	if len(xy) > 2 {
		c.path("best", xy...)
	}
}

func (c *chart) whisker(p *Point) {
	low, high, ok := c.bounds(p)
	if !ok {
		return
	}
	if c.y.log {
		low = max(low, c.y.lo)
	}
	x, _ := c.at(p)
	class := fmt.Sprintf("whisker c%d", c.looks[p.Policy].colour)
	c.line(class, x, c.level(low), x, c.level(high))
	c.line(class, x-3, c.level(low), x+3, c.level(low))
	c.line(class, x-3, c.level(high), x+3, c.level(high))
}

func (c *chart) tip(p *Point) string {
	value, interval, _ := c.t.text(&p.Cell)
	tip := fmt.Sprintf("%d. %s: %s %s at %s of the KV bytes", p.Number, p.Policy, value, c.t.Unit, percent(p.KVShare))
	if interval != "" && p.Diff != nil {
		tip += "; to full attention " + signed(*p.Diff, c.t.m.digits) + " (" + interval + ")"
	}
	return tip
}

// looks are those of the section's policies: one per kind of policy.
func (s *Section) looks() map[string]look {
	const shapes, colours = 6, 6 // the circle and the ink are full attention's
	list, kinds := map[string]look{}, map[string]look{}
	for _, p := range s.Policies {
		if p.Name == s.Full {
			list[p.Name] = look{0, colours} // ink
			continue
		}
		kind, _, _ := strings.Cut(p.Spec, ":")
		if kind == "full" {
			kind += p.KV
		}
		l, ok := kinds[kind]
		if !ok {
			n := len(kinds)
			l = look{1 + n%(shapes-1), n % colours}
			kinds[kind] = l
		}
		list[p.Name] = l
	}
	return list
}
