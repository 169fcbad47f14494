package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

type calibrateFlags struct {
	loading
	windowing
	compact  bool
	maxError float64
	lazy     float64
	by, unit string
	data     string
	plan     string
	seed     uint64
}

func calibrateCommand(a *app) *cobra.Command {
	o := &calibrateFlags{by: "error", unit: "head"}
	c := &cobra.Command{
		Use:   "calibrate MODEL",
		Short: "Find out once which KV heads of a model may be lazy",
		Long: fmt.Sprintf(`Calibrate makes a fixed plan of lazy KV heads for a model and stores it; from then on
"run" uses it by itself (--policy auto).

The model answers built-in probes that make it look far back: copied text, random
tokens, lists, and questions about facts hidden in novels. For the very tokens that look
back it measures the output error: how far a layer's output is off when a head is lazy
and keeps only the first 4 tokens, the last 60 to 1,020, and every 4th to 64th between
(with the weight of those it stands for). Each head gets the window with the least of that
error and --max-error times the share of 4,096 tokens that it keeps, already while a prompt
is read; the heads that do the retrieving, which would lose most, keep everything. At the
end two fresh probes are answered under the plan; a warning comes when the answers became
less likely by more than %g nats per token.

--compact keeps less: --max-error 0.05. With --sink, --recent or --stride, with --lazy,
--unit layer or --by ratio there is one window for all lazy heads (first 4, last 252, every
8th, with --compact every 16th), and all heads below --max-error are lazy. --data
calibrates on your own prompts (see "analyze" for the file); they should need what was
said long before, and have answers.

With --json:
  {"plan": {plan.json}, "probes": 10, "seconds": 40,
   "error": [[per layer: per KV head]], "check_nll_difference": [0.01, 0.03]}`, lighttransfer.CheckLimit),
		Example: `  lighttransfer calibrate SmolLM2.gguf
  lighttransfer calibrate SmolLM2.gguf --compact
  lighttransfer calibrate SmolLM2.gguf --lazy 0.75 --data questions.jsonl -o plan.json`,
		Args:              arguments(1, 1, "MODEL"),
		ValidArgsFunction: modelArgument,
		RunE:              func(c *cobra.Command, args []string) error { return a.calibrate(c, args[0], o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.compact, "compact", false, "keep less: --max-error 0.05, and with one window for all --stride 16")
	f.Float64Var(&o.maxError, "max-error", 0.02, "no lazy head loses more than `X`")
	f.Float64Var(&o.lazy, "lazy", 0, "make share `X` of the heads lazy instead, 0 to 1")
	o.windowing.flags(c, kv.Window{Sink: 4, Recent: 252, Stride: 8})
	f.Var(&choice{&o.unit, []string{"head", "layer"}}, "unit", "choose among KV heads, or whole layers")
	f.Var(&choice{&o.by, []string{"error", "ratio"}}, "by", "choose by output error, or by the attention that is lost")
	f.StringVar(&o.data, "data", "", "calibrate on the prompts in `FILE` instead: plain text, or JSONL; - is the standard input")
	f.StringVarP(&o.plan, "output", "o", "", "write the plan to `FILE` too")
	f.Uint64Var(&o.seed, "seed", 0, "seed `N` of the built-in probes")
	o.loading.flags(c)
	return c
}

func (o *calibrateFlags) check(c *cobra.Command) error {
	changed := c.Flags().Changed
	if o.compact {
		if !changed("stride") {
			o.window.Stride = 16
		}
		if !changed("max-error") {
			o.maxError = 0.05
		}
	}
	if err := errors.Join(o.windowing.check(c), o.loading.check()); err != nil {
		return err
	}
	switch {
	case changed("lazy") && changed("max-error"):
		return usagef("--lazy and --max-error exclude each other: a share of the heads, or all below an error")
	case changed("lazy") && !(o.lazy > 0 && o.lazy <= 1):
		return usagef("--lazy %g: a share above 0, up to 1", o.lazy)
	case !(o.maxError > 0):
		return usagef("--max-error %g: it must be above 0, like 0.02", o.maxError)
	case changed("last") && o.data == "":
		return usagef("--last is for --data: the built-in probes know which tokens to ask")
	}
	return nil
}

func (a *app) calibrate(c *cobra.Command, path string, o *calibrateFlags) error {
	if err := o.check(c); err != nil {
		return err
	}
	var samples []lighttransfer.Sample
	if o.data != "" {
		var err error
		if samples, err = a.samples(o.data); err != nil {
			return err
		}
	}
	m, _, err := a.open(path, &o.loading)
	if err != nil {
		return err
	}
	defer m.Close()
	ctx, stop := interruptible(c)
	defer stop()
	bar := &meter{a: a, name: "calibrating", unit: "tokens"}
	defer bar.stop()
	cal, err := m.Calibrate(ctx, lighttransfer.CalibrateOptions{Compact: o.compact, Window: o.chosen(), MaxError: o.maxError, Lazy: o.lazy, Unit: o.unit, By: o.by,
		Samples: samples, Last: o.last, Seed: o.seed, Progress: func(done, total int) { bar.set(int64(done), int64(total)) }})
	if err != nil {
		return err
	}
	bar.stop()
	if o.plan != "" {
		if err := writeFile(o.plan, cal.Plan.Write); err != nil {
			return err
		}
	}
	if err := m.StorePlan(cal.Plan); err != nil {
		return err
	}
	if n := len(samples) - cal.Probes; samples != nil && n > 0 {
		a.say("note: %d of %d samples are left out: they are no longer than sink and recent together", n, len(samples))
	}
	if warning := o.warning(cal); warning != "" {
		a.say("%s", warning)
	}
	if a.json {
		return a.print(calibrateJSON{cal.Plan, cal.Probes, cal.Seconds, cal.Error, cal.CheckNLLDifference})
	}
	o.write(a.table, m, path, cal)
	return nil
}

// calibrateJSON is the JSON document.
type calibrateJSON struct {
	Plan               *lazy.Plan  `json:"plan"`
	Probes             int         `json:"probes"`
	Seconds            float64     `json:"seconds"`
	Error              [][]float64 `json:"error"` // [layer][KV head]
	CheckNLLDifference []float64   `json:"check_nll_difference"`
}
