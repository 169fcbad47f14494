package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// Markdown writes the report without pictures.
func (r *Report) Markdown(w io.Writer) error {
	var m markdown
	for _, s := range r.Models {
		m.section(s)
	}
	m.line("## How it was computed\n")
	for _, text := range method {
		m.line("- %s", text)
	}
	_, err := io.WriteString(w, m.String())
	return err
}

type markdown struct{ strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// inert keeps a text that others wrote from being read as Markdown or HTML.
var inert = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, `\`, `\\`)

func plain(s string) string { return inert.Replace(strings.Join(strings.Fields(s), " ")) }

// table writes rows under a header; the first column is text, the others numbers.
func (m *markdown) table(header []string, rows [][]string) {
	m.line("| %s |", strings.Join(header, " | "))
	m.line("|---%s|", strings.Repeat("|---:", len(header)-1))
	for _, row := range rows {
		m.line("| %s |", strings.Join(row, " | "))
	}
	m.line("")
}

func (m *markdown) section(s *Section) {
	m.line("# %s\n", plain(s.title()))
	m.line("%s.\n", plain(s.about()))
	for _, text := range s.standing() {
		m.line("- %s", plain(text))
	}
	m.line("")
	for i, f := range s.Errors {
		if i < 5 {
			m.line("    %d × %s", f.Results, shorten(f.Error, 300))
		}
	}
	if len(s.Errors) > 0 {
		m.line("")
	}
	if !s.complete() {
		m.policies(s)
	}
	for _, g := range s.Groups {
		m.line("## %s\n", plain(g.Title))
		for _, t := range g.Tables {
			m.measure(t)
		}
		for _, n := range g.Needles {
			m.needle(n)
		}
		m.published(g.Published)
	}
	m.speed(s)
	m.lazy(s.Lazy)
	m.line("## Where this comes from\n")
	for _, r := range s.Runs {
		m.line("- %s", plain(strings.Join(nonempty(strings.Join(r.Dirs, ", "), r.CPU, r.Kernels, r.Version, fmt.Sprintf("seed %d", r.Seed), strings.Join(r.Endpoints, ", "), r.Command), "; ")))
	}
	m.line("")
}

func nonempty(list ...string) (some []string) {
	for _, s := range list {
		if s != "" {
			some = append(some, s)
		}
	}
	return some
}

func (m *markdown) policies(s *Section) {
	var rows [][]string
	for _, p := range s.Policies {
		rows = append(rows, []string{plain(p.Name), thousands(p.Wanted), thousands(p.Answered), thousands(p.Failed), thousands(p.Missing), thousands(p.Others)})
	}
	m.table([]string{"policy", "asked", "answered", "failed", "missing", "answered by others only"}, rows)
}

func (m *markdown) measure(t *Table) {
	m.line("### %s\n", t.Title)
	m.line("%s %s\n", t.m.explain, plain(t.basis()))
	m.choices(t)
	m.points(t)
	if len(t.Tasks) > 1 || len(t.Points) == 0 {
		m.columns(t.columns(t.Tasks, true))
	}
	if len(t.Lengths) > 0 {
		m.line("By length of the prompt, in tokens:\n")
		m.columns(t.columns(t.Lengths, false))
	}
}

func (m *markdown) choices(t *Table) {
	if len(t.Choices) == 0 {
		return
	}
	if none := t.noChoice(); none != "" {
		m.line("%s\n", none)
		return
	}
	m.line("%s\n", choicesLead)
	for _, c := range t.Choices {
		loss, what := t.choice(c)
		if c.Policy != "" {
			what += ", " + percent(c.KVShare) + " of the KV bytes"
		}
		m.line("- %s: %s", loss, plain(what))
	}
	m.line("")
}

func (m *markdown) points(t *Table) {
	if len(t.Points) == 0 {
		return
	}
	header := []string{"policy", "KV bytes", t.Title, "95 %"}
	if t.Intervals == "difference" {
		header = []string{"policy", "KV bytes", t.Title, "to full", "95 %", "better / same / worse"}
	}
	var rows [][]string
	for _, p := range t.Points {
		value, interval, mark := t.text(&p.Cell)
		name := plain(p.Policy)
		if p.Front {
			name = "**" + name + "**"
		}
		row := []string{name, percent(p.KVShare), value, strings.TrimSpace(interval + " " + mark)}
		switch {
		case p.Diff != nil:
			row = []string{row[0], row[1], row[2], signed(*p.Diff, t.m.digits), row[3], fmt.Sprintf("%d / %d / %d", p.Better, p.Same, p.Worse)}
		case t.Intervals == "difference":
			row = []string{row[0], row[1], row[2], "–", "", ""}
		}
		rows = append(rows, row)
	}
	m.table(header, rows)
	m.line("Bold: on the front, where no other policy here is as good with as few bytes.\n")
}

func (m *markdown) columns(ct columnTable) {
	header := []string{"policy"}
	for _, c := range ct.Columns {
		header = append(header, fmt.Sprintf("%s (n %s)", plain(c.Name), thousands(c.Records)))
	}
	var rows [][]string
	for _, r := range ct.Rows {
		row := []string{plain(r.Policy)}
		for _, c := range r.Cells {
			text := c.Value
			if c.Interval != "" {
				text += " (" + c.Interval + ")"
			}
			row = append(row, strings.TrimSpace(text+" "+c.Mark))
		}
		rows = append(rows, row)
	}
	m.table(header, rows)
	if ct.Table.Intervals == "difference" {
		m.line("%s\n", strings.Replace(marksNote, "Below each value", "In brackets", 1))
	}
}

func (m *markdown) needle(n *Needle) {
	m.line("### %s: where it is found\n", plain(n.title()))
	m.line("Depth down, tokens of the prompt across; %s under every policy.\n", count(n.Records, "record"))
	for _, nm := range n.Maps {
		header := []string{fmt.Sprintf("%s, mean %s", plain(nm.Policy), fixed(nm.Mean, 1))}
		for _, l := range n.Lengths {
			header = append(header, tokens(l))
		}
		var rows [][]string
		for d, values := range nm.Values {
			row := []string{fixed(100*n.share(n.Depths[d]), 0) + " %"}
			for _, v := range values {
				if v == nil {
					row = append(row, "–")
				} else {
					row = append(row, fixed(*v, 0))
				}
			}
			rows = append(rows, row)
		}
		m.table(header, rows)
	}
}

func (m *markdown) published(p *Published) {
	if p == nil {
		return
	}
	m.line("Published: %s. %s Source: %s.\n", p.Title, p.Note, p.Source)
	var rows [][]string
	for _, r := range p.Rows {
		row := []string{}
		for _, cell := range r {
			if cell == "" {
				cell = "–"
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	m.table(p.Columns, rows)
}

func (m *markdown) speed(s *Section) {
	if len(s.Speed) == 0 {
		return
	}
	m.line("## Speed\n\n%s\n", speedNote)
	var rows [][]string
	orDash := func(x float64, digits int) string {
		if x == 0 {
			return "–"
		}
		return fixed(x, digits)
	}
	for _, v := range s.Speed {
		rows = append(rows, []string{plain(v.Policy), plain(v.CPU), fixed(v.TokensPerSecond, 1), orDash(v.Ratio, 2), orDash(v.TokensPerCPU, 1), fixed(v.PromptTokens, 0),
			mem.FormatBytes(int64(v.KVBytes)), mem.FormatBytes(int64(v.KVPeakBytes)), thousands(v.Records)})
	}
	m.table([]string{"policy", "machine", "tokens/s", "to full", "tokens per CPU second", "mean prompt, tokens", "mean KV", "mean KV at the peak", "records"}, rows)
	m.published(publishedSpeed)
}

func (m *markdown) lazy(l *Lazy) {
	if l == nil {
		return
	}
	m.line("## Lazy layers\n\n%s In per cent. %s\n", lazyNote, plain(l.records()))
	header := []string{"policy"}
	for i := range l.Layers {
		header = append(header, fmt.Sprint(i))
	}
	var rows [][]string
	for _, lm := range l.Maps {
		row := []string{plain(lm.Policy)}
		for _, x := range lm.Layer {
			row = append(row, fixed(100*x, 0))
		}
		rows = append(rows, row)
	}
	m.table(header, rows)
}
