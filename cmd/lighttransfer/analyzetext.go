package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/ui"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// write shows the analysis to people.
func (o *analyzeFlags) write(t *ui.Term, m *lighttransfer.Model, path string, an *lighttransfer.Analysis) {
	c := m.Config()
	paragraph(t, "%s, %s; what if lazy heads kept the %s", m.Name(), o.texts(an), kept(o.window))
	fmt.Fprintln(t)
	lazyHeads := planHeads(an.Plan, &c)
	layers := make([]ui.Layer, c.Layers)
	for l := range layers {
		layers[l] = ui.Layer{Ratio: an.MeanRatio[l], Error: an.MeanError[l], Heads: c.KVHeads}
		for _, lazy := range lazyHeads[l] {
			if lazy {
				layers[l].Lazy++
			}
		}
	}
	t.Layers(layers)
	fmt.Fprintln(t)
	t.Grid(o.heatmap(m, an))
	fmt.Fprintln(t)
	if o.heads {
		o.headTable(t, &c, an)
		fmt.Fprintln(t)
	}
	o.closing(t, path, &c, an)
}

// kept is "first 4, last 252 and every 8th token".
func kept(w kv.Window) string { return strings.TrimSuffix(keeps(w), " kept") }

// texts is "3 texts of 512 to 6,012 tokens".
func (o *analyzeFlags) texts(an *lighttransfer.Analysis) string {
	var n []int
	short := 0
	for _, s := range an.Samples {
		n = append(n, s.Tokens)
		if s.Tokens <= o.window.Sink+o.window.Recent {
			short++
		}
	}
	if len(n) == 1 {
		return fmt.Sprintf("one text of %s tokens", count(n[0]))
	}
	s := fmt.Sprintf("%s texts of %s to %s tokens", count(len(n)), count(slices.Min(n)), count(slices.Max(n)))
	if short > 0 {
		s += fmt.Sprintf(" (%s within the window: not counted)", count(short))
	}
	return s
}

// planHeads says which KV heads are lazy, [layer][KV head].
func planHeads(p *lazy.Plan, c *model.Config) [][]bool {
	heads := make([][]bool, c.Layers)
	for l := range heads {
		heads[l] = make([]bool, c.KVHeads)
	}
	for _, l := range p.LazyLayers {
		for h := range heads[l] {
			heads[l][h] = true
		}
	}
	for _, h := range p.LazyHeads {
		heads[h.Layer][h.KVHead] = true
	}
	return heads
}

// heatmap is the picture of the heads by the measure that picks: query heads by
// ratio, KV heads by error; means over the texts that count.
func (o *analyzeFlags) heatmap(m *lighttransfer.Model, an *lighttransfer.Analysis) *ui.Heatmap {
	c := m.Config()
	h := &ui.Heatmap{Title: "Lazy ratio of the heads, " + m.Name(), XLabel: "layer", YLabel: "head", ValueLabel: "lazy ratio",
		Values: o.means(an, func(s *lighttransfer.SampleAnalysis) [][]float64 { return s.HeadRatio }), MarkLabel: "lazy in the plan"}
	group := c.Heads / c.KVHeads
	if o.by == "error" {
		h.Title, h.YLabel, h.ValueLabel = "Output error of lazy KV heads, "+m.Name(), "KV head", "output error"
		h.Values = o.means(an, func(s *lighttransfer.SampleAnalysis) [][]float64 { return s.HeadError })
		h.Log, h.Percent = true, true
		group = 1
	}
	heads := planHeads(an.Plan, &c)
	h.Marked = make([][]bool, c.Layers)
	for l := range h.Marked {
		for y := range h.Values[l] {
			h.Marked[l] = append(h.Marked[l], heads[l][y/group])
		}
	}
	return h
}

// means of a table of the samples that are longer than the window.
func (o *analyzeFlags) means(an *lighttransfer.Analysis, of func(*lighttransfer.SampleAnalysis) [][]float64) [][]float64 {
	var sum [][]float64
	n := 0.0
	for i := range an.Samples {
		s := &an.Samples[i]
		if s.Tokens <= o.window.Sink+o.window.Recent {
			continue
		}
		n++
		for l, row := range of(s) {
			if l == len(sum) {
				sum = append(sum, make([]float64, len(row)))
			}
			for h, v := range row {
				sum[l][h] += v
			}
		}
	}
	for _, row := range sum {
		for h := range row {
			row[h] /= n
		}
	}
	return sum
}

// headTable gives the figures of every KV head and of its query heads.
func (o *analyzeFlags) headTable(t *ui.Term, c *model.Config, an *lighttransfer.Analysis) {
	ratio := o.means(an, func(s *lighttransfer.SampleAnalysis) [][]float64 { return s.HeadRatio })
	loss := o.means(an, func(s *lighttransfer.SampleAnalysis) [][]float64 { return s.HeadError })
	heads := planHeads(an.Plan, c)
	group := c.Heads / c.KVHeads
	var rows [][]string
	for l := range c.Layers {
		for h := range c.KVHeads {
			var of []string
			for _, r := range ratio[l][h*group : (h+1)*group] {
				of = append(of, fmt.Sprintf("%.3f", r))
			}
			mark := "full"
			if heads[l][h] {
				mark = "lazy"
			}
			rows = append(rows, []string{fmt.Sprintf("%d.%d", l, h), fmt.Sprintf("%.2f %%", 100*loss[l][h]), mark, strings.Join(of, " ")})
		}
	}
	t.Table([]string{"layer.KV head", "output error", "plan", "lazy ratio of its query heads"}, rows)
}

// closing says what was picked and what to do with it.
func (o *analyzeFlags) closing(t *ui.Term, path string, c *model.Config, an *lighttransfer.Analysis) {
	if o.unit == "head" {
		paragraph(t, "Picked by %s: %d of %d KV heads lazy.", measures[o.by], len(an.Plan.LazyHeads), c.Layers*c.KVHeads)
	} else {
		paragraph(t, "Picked by %s: %d of %d layers lazy: %s.", measures[o.by], len(an.Plan.LazyLayers), c.Layers, spans(an.Plan.LazyLayers))
	}
	name := o.plan
	if name == "" {
		name = "plan.json"
		paragraph(t, "Add --plan plan.json to keep that choice, for:")
	} else {
		paragraph(t, "%s keeps that choice; use it with:", name)
	}
	fmt.Fprintf(t, "  lighttransfer run %s --policy plan:%s\n", path, name)
}

var measures = map[string]string{"ratio": "lazy ratio", "error": "output error"}

// spans is "0-3, 7, 9-11".
func spans(n []int) string {
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		switch j - i {
		case 0:
			parts = append(parts, fmt.Sprint(n[i]))
		case 1:
			parts = append(parts, fmt.Sprint(n[i]), fmt.Sprint(n[j]))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", n[i], n[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
