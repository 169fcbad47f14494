package ui

import (
	"fmt"
	"math"
	"strings"

	"charm.land/lipgloss/v2"
)

// Grid draws a heat map in the terminal as the picture files have it: x (layers) to
// the right, y (heads) downwards; in colour, or in four shades. A dot marks what is
// marked. What is wider than the terminal goes on below.
//
//	          layer
//	KV head   0    5    10
//	      0   ░░▒▒░░  ▓▓██·...
//	      1     ░░
func (t *Term) Grid(h *Heatmap) {
	nx, ny := h.dims()
	if h.Title != "" {
		fmt.Fprintln(t, lipgloss.NewStyle().Bold(true).Render(h.Title))
	}
	label := max(len(h.YLabel), len(fmt.Sprint(ny)))
	room := max(t.width-label-2, 3)
	cell := 3 // columns
	for cell > 2 && nx*cell > room {
		cell--
	}
	band := room / cell // cells that fit beside each other
	if nx > band {
		band = max(band/10*10, min(band, 10)) // round numbers where lines begin
	}
	s := h.scale()
	for from := 0; from < nx; from += band {
		t.band(h, s, from, min(from+band, nx), cell, label)
	}
	t.gridLegend(h, s)
}

// band draws the columns from x0 to before x1.
func (t *Term) band(h *Heatmap, s scale, x0, x1, cell, label int) {
	nx, ny := h.dims()
	fmt.Fprintf(t, "%*s  %s\n", label, "", h.XLabel)
	step := every(float64(cell), float64(len(fmt.Sprint(nx))+1))
	numbers := ""
	for x := x0; x < x1; x += step {
		numbers += fmt.Sprintf("%-*d", cell*step, x)
	}
	fmt.Fprintf(t, "%*s  %s\n", label, h.YLabel, strings.TrimRight(numbers, " "))
	for y := range ny {
		var row strings.Builder
		for x := x0; x < x1; x++ {
			row.WriteString(t.cell(s.pos(h.at(x, y)), h.marked(x, y), cell))
		}
		fmt.Fprintf(t, "%*d  %s\n", label, y, strings.TrimRight(row.String(), " "))
	}
}

var shades = []string{" ", "░", "▒", "▓", "█"}

// shadeOf is the index of a position's shade.
func shadeOf(pos float64) int { return min(int(pos*float64(len(shades))), len(shades)-1) }

// cell is two or three columns wide.
func (t *Term) cell(pos float64, marked bool, width int) string {
	mark := " "
	if marked {
		mark = "·"
	}
	if t.colors() {
		style := lipgloss.NewStyle().Background(Shade(pos)).Foreground(Ink(pos))
		return style.Render(mark+" ") + strings.Repeat(" ", width-2)
	}
	s := "?"
	if !math.IsNaN(pos) {
		s = shades[shadeOf(pos)]
	}
	return strings.Repeat(s, width-1) + mark
}

func (t *Term) gridLegend(h *Heatmap, s scale) {
	var b strings.Builder
	b.WriteString(h.ValueLabel)
	if t.colors() {
		b.WriteString("  " + s.format(s.lo) + " ")
		for i := range 24 {
			b.WriteString(lipgloss.NewStyle().Background(Shade(float64(i) / 23)).Render(" "))
		}
		b.WriteString(" " + s.format(s.hi))
	} else {
		for i, sh := range shades {
			if i == len(shades)-1 {
				fmt.Fprintf(&b, "  %s more", sh)
			} else {
				fmt.Fprintf(&b, "  %s below %s,", quoted(sh), s.format(round(s.value(float64(i+1)/float64(len(shades))), 2)))
			}
		}
	}
	if h.anyMarked() && h.MarkLabel != "" {
		b.WriteString("   · " + h.MarkLabel)
	}
	fmt.Fprintln(t, b.String())
}

func quoted(s string) string {
	if s == " " {
		return "blank"
	}
	return s
}
