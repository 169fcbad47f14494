package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// A grid is a small heat map: rows of cells from 0 to 1, with what stands beside.
type grid struct {
	class          string
	width          float64
	left, cellH    float64 // room for the rows' names; height of a row
	columns, rows  []string
	xTitle, yTitle string
	label          string
	values         func(row, column int) *float64 // nil: none
	figure         func(v float64) string         // written into cells that have the room; nil: not
	tip            func(row, column int) string
	namesAbove     bool // rows' names over their rows
}

// draw makes the picture.
func (g *grid) draw() template.HTML {
	top, above := 4.0, 0.0
	if g.namesAbove {
		above = 17
	}
	if g.yTitle != "" {
		top = 18
	}
	step := g.cellH + above
	height := top + step*float64(len(g.rows)) + 36
	s := newSVG(g.class, g.width, height, g.label)
	w := (g.width - g.left - 6) / float64(max(len(g.columns), 1))
	if g.yTitle != "" {
		s.text("axis", "end", g.left-6, 12, g.yTitle)
	}
	for r, name := range g.rows {
		y := top + step*float64(r) + above
		if g.namesAbove {
			s.text("label", "start", g.left, y-4, name)
		} else if r%apart(g.cellH, 12) == 0 {
			s.text("tick", "end", g.left-6, y+g.cellH/2+4, name)
		}
		for c := range g.columns {
			g.cell(s, r, c, g.left+w*float64(c), y, w)
		}
	}
	bottom := top + step*float64(len(g.rows))
	longest := 0
	for _, name := range g.columns {
		longest = max(longest, len(name))
	}
	for c := 0; c < len(g.columns); c += apart(w, 7*float64(longest)+6) {
		s.text("tick", "middle", g.left+w*(float64(c)+0.5), bottom+15, g.columns[c])
	}
	s.text("axis", "end", g.width-6, bottom+31, g.xTitle)
	return s.done()
}

func (g *grid) cell(s *svg, row, column int, x, y, w float64) {
	v := g.values(row, column)
	gap := min(w/12, 1)
	w -= gap
	if v == nil {
		s.cell(x, y, w, g.cellH-gap, `class="none"`, g.tip(row, column))
		return
	}
	s.cell(x, y, w, g.cellH-gap, fill(ui.Shade(*v)), g.tip(row, column))
	if g.figure != nil && w >= 24 && g.cellH >= 14 {
		class := "onlight"
		if ui.Ink(*v).R != 0 {
			class = "ondark"
		}
		s.text(class, "middle", x+w/2, y+g.cellH/2+4, g.figure(*v))
	}
}

// apart is how many cells of a size share a name that needs so much.
func apart(size, needs float64) int {
	for _, n := range []int{1, 2, 5, 10, 20, 50, 100} {
		if float64(n)*size >= needs {
			return n
		}
	}
	return 200
}

// heat draws a policy's needles.
func (n *Needle) heat(m NeedleMap) template.HTML {
	g := &grid{class: "map", width: 300, left: 46, cellH: min(max(200/float64(len(n.Depths)), 14), 28), xTitle: "tokens of the prompt", yTitle: "depth",
		label: n.Name + ", " + m.Policy}
	for _, d := range n.Depths {
		g.rows = append(g.rows, fixed(100*n.share(d), 0)+" %")
	}
	for _, l := range n.Lengths {
		g.columns = append(g.columns, tokens(l))
	}
	g.values = func(row, column int) *float64 {
		v := m.Values[row][column]
		if v == nil {
			return nil
		}
		return new(min(max(*v/100, 0), 1))
	}
	g.figure = func(v float64) string { return fmt.Sprint(math.Round(100 * v)) }
	g.tip = func(row, column int) string {
		at := fmt.Sprintf("%s tokens, depth %s: ", tokens(n.Lengths[column]), g.rows[row])
		v := m.Values[row][column]
		if v == nil {
			return at + "no record"
		}
		return at + fixed(*v, 1) + " (" + count(m.Records[row][column], "record") + ")"
	}
	return g.draw()
}

// share is a depth as a share of the prompt; tasks that count to 100 say per cent.
func (n *Needle) share(depth float64) float64 {
	if n.Depths[len(n.Depths)-1] > 1 {
		return depth / 100
	}
	return depth
}

// heat draws layers against policies, for wide and for narrow screens.
func (l *Lazy) heat() template.HTML {
	g := &grid{xTitle: "layer", label: "how often layers are lazy"}
	for _, m := range l.Maps {
		g.rows = append(g.rows, shortName(m.Policy, 44))
	}
	for i := range l.Layers {
		g.columns = append(g.columns, fmt.Sprint(i))
	}
	g.values = func(row, column int) *float64 { return &l.Maps[row].Layer[column] }
	g.tip = func(row, column int) string {
		m := l.Maps[row]
		return fmt.Sprintf("%s, layer %d: lazy %s of the time (%s)", m.Policy, column, share(m.Layer[column]), count(m.Records, "record"))
	}
	wide, narrow := *g, *g
	longest := 0
	for _, name := range g.rows {
		longest = max(longest, len([]rune(name)))
	}
	wide.class, wide.width, wide.cellH, wide.left = "wide", 860, 20, 20+6.3*float64(longest)
	narrow.class, narrow.width, narrow.cellH, narrow.left, narrow.namesAbove = "narrow", 350, 16, 2, true
	return wide.draw() + narrow.draw()
}

// headHeat draws a policy's layers against heads.
func (l *Lazy) headHeat(m LazyMap) template.HTML {
	g := &grid{class: "map", width: 400, left: 30, cellH: min(max(120/float64(l.Heads), 8), 22), xTitle: "layer", yTitle: "head", label: m.Policy}
	for h := range l.Heads {
		g.rows = append(g.rows, fmt.Sprint(h))
	}
	for i := range l.Layers {
		g.columns = append(g.columns, fmt.Sprint(i))
	}
	g.values = func(row, column int) *float64 { return &m.Head[column][row] }
	g.tip = func(row, column int) string {
		return fmt.Sprintf("layer %d, head %d: lazy %s of the time", column, row, share(m.Head[column][row]))
	}
	return g.draw()
}

func share(x float64) string { return fixed(100*x, 0) + " %" }

// colourScale draws the colours from 0 to 100 %.
func colourScale(low, high string) template.HTML {
	const steps = 40
	s := newSVG("scale", 300, 16, "colour scale")
	s.text("tick", "start", 0, 12, low)
	left := 6 + 6.5*float64(len(low))
	for i := range steps {
		s.cell(left+float64(i)*4, 2, 4, 12, fill(ui.Shade((float64(i)+0.5)/steps)), "")
	}
	s.text("tick", "start", left+4*steps+6, 12, high)
	return s.done()
}
