package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

type analyzeFlags struct {
	loading
	windowing
	data           string
	heads          bool
	lazy           float64
	by, unit       string
	svg, png, plan string
}

func analyzeCommand(a *app) *cobra.Command {
	o := &analyzeFlags{by: "ratio", unit: "layer"}
	c := &cobra.Command{
		Use:   "analyze MODEL --data FILE",
		Short: "Measure how lazy the layers and heads of a model are on your texts",
		Long: `Analyze reads texts with full attention and measures, at the end of each, how lazy
every layer and KV head is:

  lazy ratio    share of the attention that goes to the first --sink and the last
                --recent tokens; 1 means that nothing else is looked at
  output error  how far the layer's output would be off without the rest

It shows both per layer, a heat map of the heads, and which layers LightTransfer would
make lazy in each text. --plan writes those picked most often as a plan.json, which
"run --policy plan:plan.json" uses: the setting of LightTransfer-Train.

FILE is plain text (one sample), or JSONL: one object a line, {"text": "..."},
{"prompt": "...", "answer": "..."} or {"messages": [{"role", "content"}, ...]}. With an
answer, question and answer are read together. "-" is the standard input. Texts must be
longer than sink and recent together, or every layer sees everything.

Heads that retrieve look lazy in plain text; "lighttransfer calibrate" makes them work
and is the better way to a plan for questions about long documents.`,
		Example: `  lighttransfer analyze SmolLM2.gguf --data report.txt
  lighttransfer analyze SmolLM2.gguf --data samples.jsonl --plan plan.json --svg lazy.svg
  lighttransfer analyze SmolLM2.gguf --data report.txt --recent 252 --by error --unit head --heads`,
		Args:              arguments(1, 1, "MODEL"),
		ValidArgsFunction: modelArgument,
		RunE:              func(c *cobra.Command, args []string) error { return a.analyze(c, args[0], o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.data, "data", "", "the texts in `FILE`: plain text, or JSONL; - is the standard input")
	f.BoolVar(&o.heads, "heads", false, "figures of every head, not only of layers")
	f.Float64Var(&o.lazy, "lazy", 0.5, "share `X` of the layers (or heads) that is picked, 0 to 1")
	f.Var(&choice{&o.by, []string{"ratio", "error"}}, "by", "pick by lazy ratio, as the paper does, or by output error")
	f.Var(&choice{&o.unit, []string{"layer", "head"}}, "unit", "pick layers, or KV heads")
	f.StringVar(&o.plan, "plan", "", "write the plan to `FILE`")
	f.StringVar(&o.svg, "svg", "", "write the heat map to `FILE` as SVG")
	f.StringVar(&o.png, "png", "", "write the heat map to `FILE` as PNG")
	o.windowing.flags(c, lighttransfer.DefaultWindow)
	o.loading.flags(c)
	return c
}

func (o *analyzeFlags) check(c *cobra.Command) error {
	if err := errors.Join(o.windowing.check(c), o.loading.check()); err != nil {
		return err
	}
	switch {
	case o.data == "":
		return usagef("--data is missing: which text is to be analyzed?")
	case !(o.lazy > 0 && o.lazy <= 1):
		return usagef("--lazy %g: a share above 0, up to 1", o.lazy)
	}
	return nil
}

func (a *app) analyze(c *cobra.Command, path string, o *analyzeFlags) error {
	if err := o.check(c); err != nil {
		return err
	}
	samples, err := a.samples(o.data)
	if err != nil {
		return err
	}
	m, _, err := a.open(path, &o.loading)
	if err != nil {
		return err
	}
	defer m.Close()
	ctx, stop := interruptible(c)
	defer stop()
	bar := a.reading()
	defer bar.stop()
	an, err := m.Analyze(ctx, samples, lighttransfer.AnalyzeOptions{Window: o.window, Last: o.last, Lazy: o.lazy, By: o.by, Unit: o.unit,
		Progress: func(done, total int) { bar.set(int64(done), int64(total)) }})
	if err != nil {
		return err
	}
	bar.stop()
	if err := o.files(m, an); err != nil {
		return err
	}
	if a.json {
		return a.print(analyzeDocument(m, o, an))
	}
	o.write(a.table, m, path, an)
	return nil
}

// samples reads the texts of --data.
func (a *app) samples(name string) ([]lighttransfer.Sample, error) {
	data, err := a.read(name)
	if err != nil {
		return nil, err
	}
	return lighttransfer.ReadSamples(inputName(name), data)
}

// files writes the plan and the pictures.
func (o *analyzeFlags) files(m *lighttransfer.Model, an *lighttransfer.Analysis) error {
	h := o.heatmap(m, an)
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{o.plan, an.Plan.Write}, {o.svg, h.SVG}, {o.png, h.PNG}} {
		if f.path == "" {
			continue
		}
		if err := writeFile(f.path, f.write); err != nil {
			return err
		}
	}
	return nil
}

// writeFile creates a file, or replaces it; what could not be written is removed.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// analyzeJSON is the JSON document.
type analyzeJSON struct {
	Model         string                         `json:"model"`
	Layers        int                            `json:"layers"`
	Heads         int                            `json:"heads"`
	KVHeads       int                            `json:"kv_heads"`
	Window        kv.Window                      `json:"window"`
	Last          int                            `json:"last"`
	Samples       []lighttransfer.SampleAnalysis `json:"samples"`
	MeanRatio     []float64                      `json:"mean_lazy_ratio"`          // [layer]
	MeanError     []float64                      `json:"mean_output_error"`        // [layer]
	Frequency     []int                          `json:"frequency"`                // [layer]; empty with unit=head
	HeadFrequency [][]int                        `json:"head_frequency,omitempty"` // [layer][KV head], with unit=head
	Plan          *lazy.Plan                     `json:"plan"`
}

func analyzeDocument(m *lighttransfer.Model, o *analyzeFlags, an *lighttransfer.Analysis) analyzeJSON {
	c := m.Config()
	return analyzeJSON{Model: m.Name(), Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads, Window: o.window, Last: o.last, Samples: an.Samples,
		MeanRatio: an.MeanRatio, MeanError: an.MeanError, Frequency: an.Plan.Frequency, HeadFrequency: an.Plan.HeadFrequency, Plan: an.Plan}
}
