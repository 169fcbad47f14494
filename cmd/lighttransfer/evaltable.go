package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// An evalColumn is a figure of a policy at a task.
type evalColumn struct {
	name, explain string
	text          func(w *eval.Row) string
}

// evalColumns have short names, so that a terminal of 80 columns shows them all.
// Those that no row has are left out.
var evalColumns = []evalColumn{
	{"n", "n: records", func(w *eval.Row) string {
		if w.Failed > 0 {
			return fmt.Sprintf("%d (%d failed)", w.Count, w.Failed)
		}
		return fmt.Sprint(w.Count)
	}},
	{"score", "", func(w *eval.Row) string { return figure(w.Score, 1, "%.1f") }},
	{"KV", "KV, share: the cache at the end of the prompt, of full attention's", func(w *eval.Row) string {
		if w.KVBytes == 0 {
			return none
		}
		return mem.FormatBytes(int64(w.KVBytes))
	}},
	{"share", "", func(w *eval.Row) string {
		if w.KVShare == 0 {
			return none
		}
		return fmt.Sprintf("%.0f %%", w.KVShare*100)
	}},
	{"NLL", "NLL, KL: of the right answer, nats per token", func(w *eval.Row) string { return figure(w.NLL, 1, "%.3f") }},
	{"KL", "", func(w *eval.Row) string { return figure(w.KL, 1, "%.4f") }},
	{"kept", "kept: of its tokens that full attention puts first", func(w *eval.Row) string { return figure(w.Kept, 100, "%.1f %%") }},
	{"s", "s: seconds per record", func(w *eval.Row) string {
		if w.Count == 0 {
			return none
		}
		return fmt.Sprintf("%.2f", w.Seconds)
	}},
}

const none = "–"

func figure(v *float64, scale float64, format string) string {
	if v == nil {
		return none
	}
	return fmt.Sprintf(format, *v*scale)
}

// write is the table for people: tasks, and below each its policies.
func (r *evalResult) write(t *ui.Term) {
	shown := slices.DeleteFunc(slices.Clone(evalColumns), func(c evalColumn) bool {
		return !slices.ContainsFunc(r.Rows, func(w eval.Row) bool { return c.text(&w) != none })
	})
	header, legend := []string{"task, policy"}, []string(nil)
	for _, c := range shown {
		header = append(header, c.name)
		if c.explain != "" {
			legend = append(legend, c.explain)
		}
	}
	var rows [][]string
	for i := range r.Rows {
		w := &r.Rows[i]
		if i == 0 || w.Task != r.Rows[i-1].Task {
			rows = append(rows, []string{w.Task})
		}
		row := []string{"  " + w.Policy}
		for _, c := range shown {
			row = append(row, c.text(w))
		}
		rows = append(rows, row)
	}
	t.Table(header, rows)
	fmt.Fprintf(t, "\n%s", fold(strings.Join(legend, "; "), "", 80))
	if r.Missing > 0 {
		fmt.Fprintf(t, "\n%d answers are still missing (other shards, or a run that was stopped).\n", r.Missing)
	}
}
