package ui

import (
	"fmt"
	"math"
	"strings"

	"charm.land/lipgloss/v2"
)

// A Layer is one row of [Term.Layers].
type Layer struct {
	Ratio float64 // lazy ratio, 0 to 1; NaN: not measured
	Error float64 // output error; NaN: not measured
	Lazy  int     // lazy KV heads
	Heads int     // KV heads
}

// Layers draws one row per layer: a bar for its lazy ratio (or, when no ratio was
// measured, its output error), the figures, and whether it is lazy.
//
//	layer  lazy ratio                        error
//	    0  █████████████████▉       0.795    1.9 %  full
//	    1  ███████████████████████▍ 0.981    0.3 %  lazy
func (t *Term) Layers(layers []Layer) {
	var ratios, errors bool
	longest := 0.0
	for _, l := range layers {
		ratios = ratios || !math.IsNaN(l.Ratio)
		if !math.IsNaN(l.Error) {
			errors, longest = true, max(longest, l.Error)
		}
	}
	const besides = 46 // columns of all but the bar
	width := min(max(t.width-besides, 10), 40)
	what := "lazy ratio"
	if !ratios {
		what = "output error"
	}
	head := "layer"
	if ratios || errors {
		head += fmt.Sprintf("  %-*s", width, what)
	}
	if ratios {
		head += "         " // over the figure
		if errors {
			head += "output error"
		}
	}
	fmt.Fprintln(t, lipgloss.NewStyle().Bold(true).Render(strings.TrimRight(head, " ")))
	for i, l := range layers {
		style := lipgloss.NewStyle().Foreground(lipgloss.Color("#3b82c4"))
		if l.Lazy > 0 {
			style = lipgloss.NewStyle().Foreground(lipgloss.Color("#28ae80"))
		}
		row := fmt.Sprintf("%5d", i)
		switch {
		case ratios:
			row += "  " + style.Render(bar(l.Ratio, width)) + figure("%7.3f", l.Ratio, 7) + "  "
			if errors {
				row += figure("%10.1f %%", 100*l.Error, 12)
			}
		case errors:
			row += "  " + style.Render(bar(l.Error/max(longest, 1e-12), width)) + figure("%7.1f %%", 100*l.Error, 9)
		}
		fmt.Fprintln(t, row+"  "+style.Render(lazyMark(l.Lazy, l.Heads)))
	}
}

func lazyMark(lazy, heads int) string {
	switch {
	case lazy == 0:
		return "full"
	case lazy >= heads:
		return "lazy"
	}
	return fmt.Sprintf("%d of %d heads lazy", lazy, heads)
}

func figure(format string, x float64, width int) string {
	if math.IsNaN(x) {
		return fmt.Sprintf("%*s", width, "–")
	}
	return fmt.Sprintf(format, x)
}

var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// bar fills a share of width columns, in eighths of a column.
func bar(share float64, width int) string {
	n := 0
	if !math.IsNaN(share) {
		n = int(math.Round(min(max(share, 0), 1) * float64(8*width)))
	}
	s := strings.Repeat("█", n/8) + eighths[n%8]
	return s + strings.Repeat(" ", width-(n+7)/8)
}
