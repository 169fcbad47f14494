package ui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// Table writes rows under a header. Columns of numbers are set to the right. On a
// terminal it has a ruled header and fits the width; elsewhere columns are parted
// by two spaces.
func (t *Term) Table(header []string, rows [][]string) {
	right := make([]bool, len(header)) // [column]
	for col := range right {
		right[col] = numeric(rows, col)
	}
	if !t.IsTerminal() {
		t.plainTable(header, rows, right)
		return
	}
	tbl := table.New().
		Headers(header...).
		Rows(rows...).
		Border(lipgloss.NormalBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).
		BorderStyle(lipgloss.NewStyle().Faint(true)).
		StyleFunc(func(row, col int) lipgloss.Style {
			style := lipgloss.NewStyle().Padding(0, 1)
			if col < len(right) && right[col] {
				style = style.Align(lipgloss.Right)
			}
			if row == table.HeaderRow {
				style = style.Bold(true)
			}
			return style
		})
	if lipgloss.Width(tbl.String()) > t.width {
		tbl = tbl.Width(t.width)
	}
	fmt.Fprintln(t, tbl.String())
}

func (t *Term) plainTable(header []string, rows [][]string, right []bool) {
	widths := make([]int, len(header)) // [column]
	for _, row := range append([][]string{header}, rows...) {
		for col, cell := range row[:min(len(row), len(widths))] {
			widths[col] = max(widths[col], lipgloss.Width(cell))
		}
	}
	for _, row := range append([][]string{header}, rows...) {
		var line strings.Builder
		for col, width := range widths {
			cell := ""
			if col < len(row) {
				cell = row[col]
			}
			pad := strings.Repeat(" ", width-lipgloss.Width(cell))
			if right[col] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(t, strings.TrimRight(line.String(), " "))
	}
}

// numeric reports whether a column holds numbers (with units, perhaps) and blanks.
func numeric(rows [][]string, col int) bool {
	numbers := 0
	for _, row := range rows {
		if col >= len(row) {
			continue
		}
		cell := strings.TrimLeft(row[col], "+-−±<>≤≥~ ")
		switch {
		case cell == "" || cell == "–":
		case cell[0] >= '0' && cell[0] <= '9':
			numbers++
		default:
			return false
		}
	}
	return numbers > 0
}
