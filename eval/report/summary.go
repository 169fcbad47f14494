package report

import (
	"fmt"
	"strings"
)

// A Summary is a section in a few lines, for a terminal.
type Summary struct {
	Title  string
	Lines  []string
	Tables []SummaryTable
}

// A SummaryTable is quality against KV bytes, or without those a policy's average.
type SummaryTable struct {
	Title  string
	Header []string
	Rows   [][]string
}

// Summaries are what decides, section by section.
func (r *Report) Summaries() (list []Summary) {
	for _, s := range r.Models {
		sum := Summary{Title: s.title() + " (" + s.about() + ")", Lines: s.standing()}
		for _, g := range s.Groups {
			for _, t := range g.Tables {
				sum.Tables = append(sum.Tables, t.summary(g))
			}
		}
		list = append(list, sum)
	}
	return list
}

func (t *Table) summary(g *Group) SummaryTable {
	st := SummaryTable{Title: fmt.Sprintf("%s: %s, %s. %s", g.Title, lowerFirst(t.Title), t.Unit, t.basis()), Header: []string{"policy", "KV bytes", t.Title}}
	if t.Intervals == "difference" {
		st.Header = append(st.Header, "to full", "95 %", "")
	} else {
		st.Header = append(st.Header, "95 %")
	}
	shares := map[string]float64{}
	for _, p := range t.Points {
		shares[p.Policy] = p.KVShare
	}
	if t.Average == nil {
		return st
	}
	for i, policy := range t.Policies {
		c := t.Average.Cells[i]
		value, interval, mark := t.text(c)
		share := "–"
		if x := shares[policy]; x > 0 {
			share = percent(x)
		}
		row := []string{policy, share, value}
		if t.Intervals == "difference" {
			row = append(row, t.difference(c), interval, mark)
		} else {
			row = append(row, interval)
		}
		st.Rows = append(st.Rows, row)
	}
	return st
}

// difference writes a cell's difference to full attention.
func (t *Table) difference(c *Cell) string {
	if c == nil || c.Diff == nil {
		return "–"
	}
	return signed(*c.Diff, t.m.digits)
}

// lowerFirst leaves abbreviations as they are.
func lowerFirst(s string) string {
	if len(s) > 1 && strings.ToUpper(s[:2]) == s[:2] {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
