package report

import (
	"encoding/csv"
	"io"
	"maps"
	"strconv"
)

// files are what Write makes.
func (r *Report) files() map[string]func(io.Writer) error {
	files := map[string]func(io.Writer) error{
		"report.md":   r.Markdown,
		"report.html": r.HTML,
		"scores.csv":  r.scoresCSV,
		"curves.csv":  r.curvesCSV,
		"needles.csv": r.needlesCSV,
		"lazy.csv":    r.lazyCSV,
		"speed.csv":   r.speedCSV,
		"records.csv": r.recordsCSV,
	}
	maps.Copy(files, r.pictures())
	return files
}

func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// maybe is empty for what there is not.
func maybe(x *float64) string {
	if x == nil {
		return ""
	}
	return exact(*x)
}

// rows writes a header and what each yields.
func rows(w io.Writer, header []string, list [][]string) error {
	c := csv.NewWriter(w)
	if err := c.Write(header); err != nil {
		return err
	}
	return c.WriteAll(list) // flushes
}

// eachTable visits the tables of all models and groups.
func (r *Report) eachTable(visit func(s *Section, g *Group, t *Table)) {
	for _, s := range r.Models {
		for _, g := range s.Groups {
			for _, t := range g.Tables {
				visit(s, g, t)
			}
		}
	}
}

func (s *Section) id() []string { return []string{s.Model, s.ModelHash, strconv.Itoa(s.Context)} }

var idHeader = []string{"model", "model_hash", "context"}

func (r *Report) scoresCSV(w io.Writer) error {
	var list [][]string
	r.eachTable(func(s *Section, g *Group, t *Table) {
		add := func(kind string, col *Column) {
			for i, c := range col.Cells {
				if c != nil {
					list = append(list, append(s.id(), g.Name, t.Measure, kind, col.Name, t.Policies[i], strconv.Itoa(col.Records),
						exact(c.Value), maybe(c.Diff), t.Intervals, maybe(c.Low), maybe(c.High)))
				}
			}
		}
		if t.Average != nil {
			add("average", t.Average)
		}
		if t.Paper != nil {
			add("average", t.Paper)
		}
		for i := range t.Tasks {
			add("task", &t.Tasks[i])
		}
		for i := range t.Lengths {
			add("length", &t.Lengths[i])
		}
	})
	return rows(w, append(idHeader, "group", "measure", "kind", "name", "policy", "records", "value", "difference", "interval_of", "low", "high"), list)
}

func (r *Report) curvesCSV(w io.Writer) error {
	var list [][]string
	r.eachTable(func(s *Section, g *Group, t *Table) {
		for _, p := range t.Points {
			list = append(list, append(s.id(), g.Name, t.Measure, p.Policy, exact(p.KVShare), exact(p.Value), maybe(p.Diff), t.Intervals, maybe(p.Low), maybe(p.High),
				strconv.FormatBool(p.Front), strconv.Itoa(p.Better), strconv.Itoa(p.Same), strconv.Itoa(p.Worse)))
		}
	})
	return rows(w, append(idHeader, "group", "measure", "policy", "kv_share", "value", "difference", "interval_of", "low", "high", "front",
		"better_records", "same_records", "worse_records"), list)
}

func (r *Report) needlesCSV(w io.Writer) error {
	var list [][]string
	for _, s := range r.Models {
		for _, g := range s.Groups {
			for _, n := range g.Needles {
				for _, m := range n.Maps {
					for d, row := range m.Values {
						for l, v := range row {
							list = append(list, append(s.id(), n.Name, n.Measure, m.Policy, exact(n.Lengths[l]), exact(n.Depths[d]), strconv.Itoa(m.Records[d][l]), maybe(v)))
						}
					}
				}
			}
		}
	}
	return rows(w, append(idHeader, "name", "measure", "policy", "length", "depth", "records", "value"), list)
}

// lazyCSV has a row per layer, and with a head one per head.
func (r *Report) lazyCSV(w io.Writer) error {
	var list [][]string
	for _, s := range r.Models {
		if s.Lazy == nil {
			continue
		}
		for _, m := range s.Lazy.Maps {
			for i, x := range m.Layer {
				list = append(list, append(s.id(), m.Policy, strconv.Itoa(m.Records), strconv.Itoa(i), "", exact(x)))
				if m.Head == nil {
					continue
				}
				for h, x := range m.Head[i] {
					list = append(list, append(s.id(), m.Policy, strconv.Itoa(m.Records), strconv.Itoa(i), strconv.Itoa(h), exact(x)))
				}
			}
		}
	}
	return rows(w, append(idHeader, "policy", "records", "layer", "head", "lazy_share"), list)
}

func (r *Report) speedCSV(w io.Writer) error {
	var list [][]string
	for _, s := range r.Models {
		for _, v := range s.Speed {
			list = append(list, append(s.id(), v.CPU, v.Policy, strconv.Itoa(v.Records), exact(v.PromptTokens), exact(v.TokensPerSecond), exact(v.TokensPerCPU),
				exact(v.Ratio), exact(v.KVBytes), exact(v.KVPeakBytes)))
		}
	}
	return rows(w, append(idHeader, "cpu", "policy", "records", "mean_prompt_tokens", "prompt_tokens_per_second", "prompt_tokens_per_cpu_second",
		"ratio_to_full", "mean_kv_bytes", "mean_kv_peak_bytes"), list)
}

func (r *Report) recordsCSV(w io.Writer) error {
	var list [][]string
	for _, s := range r.Models {
		for _, p := range s.Policies {
			list = append(list, append(s.id(), strconv.Itoa(p.Number), p.Name, p.Spec, strconv.Itoa(p.Sink), strconv.Itoa(p.Recent), strconv.Itoa(p.Stride), p.KV,
				strconv.Itoa(p.Wanted), strconv.Itoa(p.Answered), strconv.Itoa(p.Failed), strconv.Itoa(p.Missing), strconv.Itoa(p.Others)))
		}
	}
	return rows(w, append(idHeader, "number", "policy", "spec", "sink", "recent", "stride", "kv", "wanted", "answered", "failed", "missing", "others_only"), list)
}
