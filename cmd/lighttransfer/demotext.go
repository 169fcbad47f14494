package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// write explains the demo to somebody who has never heard of lazy layers.
func (r *demoResult) write(t *ui.Term) {
	p := func(format string, args ...any) { paragraph(t, format, args...) }
	gap := func() { fmt.Fprintln(t) }

	w := r.Window
	p("A number is hidden in %s tokens of a novel; at the end the model is asked for it. That makes %d prompts, with the number at another depth in each (in the middle one it is %s). Only a layer that still remembers the place can find it.", count(r.Tokens), r.Needles, r.answer)
	gap()
	p("With full attention every layer keeps the whole prompt in the KV cache. A lazy layer looks at little more than the first tokens and the last ones, so it may forget the rest: here it keeps the first %d and the last %d. What matters is which layers are lazy.", w.Sink, w.Recent)
	gap()
	r.writeTable(t)
	gap()
	p("How LightTransfer chooses: while the prompt is read it measures each layer's lazy ratio, the share of the attention that goes to those first and last tokens (1.000: all of it), and makes the layers with the highest ratio lazy. For the needle in the middle and 50 %%:")
	gap()
	r.writeLayers(t)
	gap()
	full, half := &r.Policies[demoFull], &r.Policies[demoRatio50]
	p("Saved: with half of the layers lazy the KV cache holds %s instead of %s, and the gap grows with every token. Layers are cut while the prompt is read, so it never held more than %s.",
		mem.FormatBytes(half.KV.Bytes), mem.FormatBytes(full.KV.Bytes), mem.FormatBytes(half.KV.PeakBytes))
	gap()
	p("Lost: %s", r.lost())
	gap()
	p("The model is a toy inside this program: 1.7 million parameters, trained for this one task from one seed. The finding is done in one layer, layer 4, which was given a structured start before training. It shows how lazy layers work, not how well they do on models people use. So try one of those next:")
	gap()
	for _, line := range []string{
		"lighttransfer pull HuggingFaceTB/SmolLM2-135M-Instruct",
		"lighttransfer calibrate HuggingFaceTB/SmolLM2-135M-Instruct",
		"lighttransfer run HuggingFaceTB/SmolLM2-135M-Instruct -f report.txt \"What does it say?\"",
	} {
		fmt.Fprintln(t, "  "+line)
	}
	gap()
	p("calibrate finds out once which KV heads of that model may be lazy, in about a minute; run uses that plan from then on.")
}

// paragraph writes a text in lines of up to 79 columns. Numbers stay with their units.
func paragraph(t *ui.Term, format string, args ...any) {
	const tie = "\x00"
	text := fmt.Sprintf(format, args...)
	for _, unit := range []string{"%", "KiB", "MiB", "GiB"} {
		text = strings.ReplaceAll(text, " "+unit, tie+unit)
	}
	fmt.Fprint(t, strings.ReplaceAll(fold(text, "", 79), tie, " "))
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
		rows = append(rows, []string{demoPolicies[i].name, fmt.Sprintf("%d/%d", q.Found, q.Of), mem.FormatBytes(q.KV.Bytes), mem.FormatBytes(q.KV.PeakBytes),
			count(int(q.PrefillTPS)), count(int(q.DecodeTPS)), strip.String()})
	}
	t.Table([]string{"policy", "found", "KV cache", "at peak", "reads/s", "writes/s", fmt.Sprintf("layers 0-%d", r.Layers-1)}, rows)
	fmt.Fprintln(t)
	fmt.Fprintln(t, "KV cache: at the end, and the most it held; reads, writes: tokens per second")
	fmt.Fprintln(t, "layers: █ keeps everything, ░ is lazy (in the prompt in the middle)")
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
			return "none"
		case n == full:
			return "all"
		default:
			return fmt.Sprint(n)
		}
	}
	return fmt.Sprintf("of the %d numbers that full attention finds, LightTransfer misses %s at 50 %% and %s at 75 %%; half of the layers by chance %s; StreamingLLM, where every layer is lazy from the first token on, %s. "+
		"\"By error\" is another measure in the same method: how far a layer's output would be off without what it forgets (the last figure above). It misses %s at 50 %% and %s at 75 %%.",
		full, missed(demoRatio50), missed(demoRatio75), missed(demoRandom), missed(demoStreaming), missed(demoError50), missed(demoError75))
}
