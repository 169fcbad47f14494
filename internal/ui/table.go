package ui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// Table writes rows under a header. Columns of numbers are set to the right. On a
// terminal it has a ruled header and fits the width, if need be with texts in several
// lines, but numbers in one; elsewhere columns are parted by two spaces.
func (t *Term) Table(header []string, rows [][]string) {
	right := make([]bool, len(header)) // [column]
	for col := range right {
		right[col] = numeric(rows, col)
	}
	if !t.IsTerminal() {
		t.plainTable(header, rows, right)
		return
	}
	widths := columnWidths(header, rows)
	t.fit(widths, right)
	tbl := table.New().
		Headers(header...).
		Rows(indented(rows)...).
		Border(lipgloss.NormalBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).
		BorderStyle(lipgloss.NewStyle().Faint(true)).
		StyleFunc(func(row, col int) lipgloss.Style {
			style := lipgloss.NewStyle().Padding(0, 1)
			if col < len(widths) {
				style = style.Width(widths[col] + 2)
			}
			if col < len(right) && right[col] {
				style = style.Align(lipgloss.Right)
			}
			if row == table.HeaderRow {
				style = style.Bold(true)
			}
			return style
		})
	fmt.Fprintln(t, tbl.String())
}

// columnWidths are what cells need in one line.
func columnWidths(header []string, rows [][]string) []int {
	widths := make([]int, len(header)) // [column]
	for _, row := range append([][]string{header}, rows...) {
		for col, cell := range row[:min(len(row), len(widths))] {
			widths[col] = max(widths[col], lipgloss.Width(cell))
		}
	}
	return widths
}

// indented are rows whose indented cells begin with spaces that no line ends at.
func indented(rows [][]string) [][]string {
	all := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			text := strings.TrimLeft(cell, " ")
			all[i] = append(all[i], strings.Repeat("\u00a0", len(cell)-len(text))+text)
		}
	}
	return all
}

// fit narrows columns of texts, the widest first, until the terminal holds them all,
// or they are too narrow to be read.
func (t *Term) fit(widths []int, right []bool) {
	const least = 8
	over := 2*len(widths) - t.width
	for _, w := range widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := -1
		for col, w := range widths {
			if !right[col] && w > least && (widest < 0 || w > widths[widest]) {
				widest = col
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (t *Term) plainTable(header []string, rows [][]string, right []bool) {
	widths := columnWidths(header, rows)
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
