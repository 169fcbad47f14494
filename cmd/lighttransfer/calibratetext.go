package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/ui"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// write shows a calibration to people.
func (o *calibrateFlags) write(t *ui.Term, m *lighttransfer.Model, path string, cal *lighttransfer.Calibration) {
	c := m.Config()
	t.Grid(o.heatmap(m, cal))
	fmt.Fprintln(t)
	heads := planHeads(cal.Plan, &c)
	full := fullHeads(cal, heads)
	n := c.Layers * c.KVHeads
	lazyHeads := fmt.Sprintf("%d of %d KV heads (%.0f %%) are lazy", n-len(full), n, 100*float64(n-len(full))/float64(n))
	if cal.OwnWindows && len(cal.Plan.LazyHeads) > 0 {
		paragraph(t, "%s: each keeps the window that is worth what it loses, always less than %.3g %%. The other %d would lose too much and keep everything.", lazyHeads, 100*cal.Plan.Threshold, len(full))
		windowTable(t, cal.Plan)
	} else {
		paragraph(t, "%s: they keep the %s. %s", lazyHeads, kept(cal.Plan.Window), o.why(full, cal.Plan.Threshold))
	}
	if len(full) > 0 {
		paragraph(t, "%s", mostErring(full, cal, 10))
	}
	fmt.Fprintln(t)
	savings(t, &c, cal.Plan)
	fmt.Fprintln(t)
	paragraph(t, "Check: %s.", checked(cal))
	fmt.Fprintln(t)
	paragraph(t, "Made from %d %s in %.0f s, and stored: from now on run uses this plan (--policy full does without it):", cal.Probes, o.probes(), cal.Seconds)
	fmt.Fprintf(t, "  lighttransfer run %s\n", path)
	if o.plan != "" {
		paragraph(t, "%s holds it too: --policy plan:%s", o.plan, o.plan)
	}
}

func (o *calibrateFlags) probes() string {
	if o.data != "" {
		return "of your samples"
	}
	return "probes"
}

// heatmap is the picture of what each KV head loses.
func (o *calibrateFlags) heatmap(m *lighttransfer.Model, cal *lighttransfer.Calibration) *ui.Heatmap {
	c := m.Config()
	h := &ui.Heatmap{Title: "Output error of lazy KV heads, " + m.Name(), XLabel: "layer", YLabel: "KV head", ValueLabel: "output error",
		Values: cal.Error, MarkLabel: "keeps everything", Log: true, Percent: true}
	if o.by == "ratio" {
		h.Title, h.ValueLabel = "Attention lost by lazy KV heads, "+m.Name(), "lost"
	}
	h.Marked = planHeads(cal.Plan, &c)
	for _, row := range h.Marked { // the few that are full
		for i := range row {
			row[i] = !row[i]
		}
	}
	return h
}

// fullHeads are the heads that keep everything, those that would lose most first.
func fullHeads(cal *lighttransfer.Calibration, lazyHeads [][]bool) []lazy.Head {
	var full []lazy.Head
	for l, row := range lazyHeads {
		for h, lazyHead := range row {
			if !lazyHead {
				full = append(full, lazy.Head{Layer: l, KVHead: h})
			}
		}
	}
	slices.SortStableFunc(full, func(a, b lazy.Head) int {
		return cmp.Compare(cal.Error[b.Layer][b.KVHead], cal.Error[a.Layer][a.KVHead])
	})
	return full
}

// why says what the heads that stay full have in common.
func (o *calibrateFlags) why(full []lazy.Head, limit float64) string {
	what := "an output error"
	if o.by == "ratio" {
		what = "a loss"
	}
	switch {
	case len(full) == 0:
		return "None keeps everything: nothing that was asked needed more."
	case o.lazy > 0:
		return fmt.Sprintf("The other %d would lose most by that and keep everything.", len(full))
	}
	return fmt.Sprintf("The other %d would have %s of %.3g %% or more with that and keep everything.", len(full), what, 100*limit)
}

// windowTable says how many heads have which window: a row per number of recent
// tokens, a column per stride.
func windowTable(t *ui.Term, p *lazy.Plan) {
	var recents, strides []int
	heads := map[[2]int]int{} // [recent, stride]
	for _, h := range p.LazyHeads {
		recents, strides = append(recents, h.Recent), append(strides, h.Stride)
		heads[[2]int{h.Recent, h.Stride}]++
	}
	slices.Sort(recents)
	slices.Sort(strides)
	recents, strides = slices.Compact(recents), slices.Compact(strides)
	head := []string{"heads that keep"}
	for _, s := range strides {
		head = append(head, "every "+ordinal(s))
	}
	var rows [][]string
	for _, r := range recents {
		row := []string{fmt.Sprintf("first %d, last %s and", p.Window.Sink, count(r))}
		for _, s := range strides {
			n := ""
			if k := heads[[2]int{r, s}]; k > 0 {
				n = fmt.Sprint(k)
			}
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(t)
	t.Table(head, rows)
	fmt.Fprintln(t)
}

// mostErring is "Highest: 18.2 (layer 18, KV head 2) 29.7 %, 23.0 19.0 %, ...".
func mostErring(full []lazy.Head, cal *lighttransfer.Calibration, most int) string {
	var parts []string
	for i, h := range full[:min(len(full), most)] {
		s := h.String()
		if i == 0 {
			s += fmt.Sprintf(" (layer %d, KV head %d)", h.Layer, h.KVHead)
		}
		parts = append(parts, fmt.Sprintf("%s %.3g %%", s, 100*cal.Error[h.Layer][h.KVHead]))
	}
	if len(full) > most {
		parts = append(parts, "and so on")
	}
	return "Highest: " + strings.Join(parts, ", ") + "."
}

// savings is the table of the KV cache at some lengths.
func savings(t *ui.Term, c *model.Config, p *lazy.Plan) {
	full := c.Windows()
	cut := slices.Clone(full)
	windows, err := p.Windows(lazy.Shape{Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads}, lighttransfer.DefaultWindow)
	if err != nil {
		return // it was made for this model
	}
	for i, w := range windows {
		if !w.Full() {
			cut[i] = c.LazyWindow(i/c.KVHeads, w)
		}
	}
	var rows [][]string
	beyond := false
	for _, n := range []int{4 << 10, 16 << 10, 64 << 10} {
		a, b := kv.BF16.NeedBytes(full, n, 1, c.HeadDim), kv.BF16.NeedBytes(cut, n, 1, c.HeadDim)
		tokens := count(n)
		if n > c.Context {
			tokens += " *"
			beyond = true
		}
		rows = append(rows, []string{tokens, mem.FormatBytes(a), mem.FormatBytes(b), fmt.Sprintf("%.0f %%", 100*float64(b)/float64(a)), mem.FormatBytes(a - b)})
	}
	t.Table([]string{"tokens", "KV cache, full", "under the plan", "share", "saved"}, rows)
	if beyond {
		fmt.Fprintf(t, "* more than this model was made for (%s)\n", count(c.Context))
	}
}

// checked is what the two fresh probes have shown.
func checked(cal *lighttransfer.Calibration) string {
	d := cal.CheckNLLDifference
	s := fmt.Sprintf("in two fresh probes the answers' NLL differs from full attention by %+.3f and %+.3f nats per token", d[0], d[1])
	if slices.Max(d) <= lighttransfer.CheckLimit {
		return s + fmt.Sprintf(", within %g", lighttransfer.CheckLimit)
	}
	return s + ", which is too much; see the warning"
}

// warning says that the plan loses retrieval and what to do; empty when it does not.
func (o *calibrateFlags) warning(cal *lighttransfer.Calibration) string {
	worst := slices.Max(cal.CheckNLLDifference)
	if worst <= lighttransfer.CheckLimit {
		return ""
	}
	var less string
	switch {
	case o.compact:
		less = "leave out --compact"
	case o.lazy > 0:
		less = fmt.Sprintf("ask for a smaller share (--lazy %.2g)", o.lazy*0.8)
	default:
		less = fmt.Sprintf("use a smaller --max-error (%.2g)", cal.Plan.Threshold/2)
	}
	if !cal.OwnWindows {
		less += fmt.Sprintf(", or keep more with --stride %d or --recent %d", max(2, cmp.Or(o.window.Stride, 16)/2), 2*o.window.Recent)
	}
	return fmt.Sprintf("warning: under this plan answers that have to look far back become less likely by %.2f nats per token (limit %g): %s", worst, lighttransfer.CheckLimit, less)
}
