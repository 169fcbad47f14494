package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// write explains the demo to somebody who has never heard of lazy layers.
func (r *demoResult) write(t *ui.Term) {
	p := func(format string, args ...any) { fmt.Fprint(t, fold(fmt.Sprintf(format, args...), "", 79)) }
	gap := func() { fmt.Fprintln(t) }

	p("A number is hidden in %s tokens of a novel, and at the end the model is asked for it, like \"What is the magic number of kettle?\" (in the middle one: %s). That makes %d prompts, the number at another depth in each. Only a layer that still remembers the place can find it.",
		count(r.Tokens), r.answer, r.Needles)
	gap()
	r.writeTable(t)
	gap()
	p("The layers, for the needle in the middle, and what LightTransfer 50 %% made of them:")
	gap()
	r.writeLayers(t)
	gap()

	w := r.Window
	p("A lazy layer looks at little more than the first tokens and the last ones, so it may forget the rest: here it keeps the first %d and the last %d. The lazy ratio is the share of its attention that these get (1.000: all of it). LightTransfer measures it while the prompt is read and makes the layers with the highest ratio lazy; the others keep everything.", w.Sink, w.Recent)
	gap()
	full, half := &r.Policies[demoFull], &r.Policies[demoRatio50]
	p("Saved: with half of the layers lazy the KV cache, the model's memory of the prompt, holds %s instead of %s, and the gap grows with every token. It is cut while the prompt is read, so it never held more than %s.",
		ui.FormatBytes(half.KV.Bytes), ui.FormatBytes(full.KV.Bytes), ui.FormatBytes(half.KV.PeakBytes))
	gap()
	p("Lost: %s", r.lost())
	gap()
	p("The model is a toy: 1.7 million parameters, trained for this task only. Layer 4 alone does the finding, because it was given a structured start, and there is one model from one seed. It shows how lazy layers work, not how well they work on yours. So try a real model next:")
	gap()
	for _, line := range []string{
		"lighttransfer pull HuggingFaceTB/SmolLM2-135M-Instruct",
		"lighttransfer run HuggingFaceTB/SmolLM2-135M-Instruct -f report.txt \"What does it say?\"",
		"lighttransfer calibrate HuggingFaceTB/SmolLM2-135M-Instruct",
	} {
		fmt.Fprintln(t, "  "+line)
	}
	gap()
	p("calibrate finds out once which KV heads of that model may be lazy; run uses the plan from then on.")
}

func (r *demoResult) writeTable(t *ui.Term) {
	var rows [][]string
	for i := range r.Policies {
		q := &r.Policies[i]
		var strip strings.Builder
		for l := range r.Layers {
			if q.isLazy(l) {
				strip.WriteString("░")
			} else {
				strip.WriteString("█")
			}
		}
		rows = append(rows, []string{demoPolicies[i].name, fmt.Sprintf("%d/%d", q.Found, q.Of), ui.FormatBytes(q.KV.Bytes), ui.FormatBytes(q.KV.PeakBytes),
			count(int(q.PrefillTPS)), count(int(q.DecodeTPS)), strip.String()})
	}
	t.Table([]string{"policy", "found", "KV cache", "at peak", "reads/s", "writes/s", fmt.Sprintf("layers 0-%d", r.Layers-1)}, rows)
	fmt.Fprintln(t)
	fmt.Fprintln(t, "KV cache in bytes, after the prompt and at most; tokens read and written per second;")
	fmt.Fprintln(t, "layers: █ keeps everything, ░ is lazy")
}

func (r *demoResult) writeLayers(t *ui.Term) {
	layers := make([]ui.Layer, r.Layers)
	for l := range layers {
		layers[l] = ui.Layer{Ratio: value(r.LazyRatio[l]), Error: value(r.OutputError[l]), Heads: 1}
		if r.Policies[demoRatio50].isLazy(l) {
			layers[l].Lazy = 1
		}
	}
	t.Layers(layers)
}

// value is NaN for what was not observed.
func value(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// lost says what each choice of lazy layers has cost.
func (r *demoResult) lost() string {
	full := r.Policies[demoFull].Found
	missed := func(k int) string {
		switch n := full - r.Policies[k].Found; {
		case n <= 0:
			return "nothing"
		case n == full:
			return "all of them"
		default:
			return fmt.Sprintf("%d of %d", n, full)
		}
	}
	return fmt.Sprintf("of the numbers that full attention finds, LightTransfer misses %s at 50 %% and %s at 75 %%. Layers lazy by chance miss %s: which layers matters. When every layer is lazy (StreamingLLM) it is %s. "+
		"\"By error\" asks how far a layer's output would be off without what it forgets (the last figure above), and misses %s and %s.",
		missed(demoRatio50), missed(demoRatio75), missed(demoRandom), missed(demoStreaming), missed(demoError50), missed(demoError75))
}
