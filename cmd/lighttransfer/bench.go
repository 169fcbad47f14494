package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// benchFlags are what the user wants measured.
type benchFlags struct {
	loading
	windowing
	prompts  []int
	gen      int
	batch    int
	policies []string
	kv       string
	budget   int64
	rounds   int
	profile  bool
}

func benchCommand(a *app) *cobra.Command {
	o := &benchFlags{kv: "bf16"}
	c := &cobra.Command{
		Use:   "bench MODEL",
		Short: "Measure speed and memory, policy against policy",
		Long: `Bench reads prompts of random tokens and generates after each, and says how fast both
went and what was held. With several policies they take turns within each round; all
figures are medians over the rounds.

  prefill      tokens of the prompt per second
  decode       tokens generated per second, behind a prompt of that length
  throughput   prompt and generation together, per second of both

A batch is so many sequences with prompts of the same length. They are read one after
the other and then generate together. --batch 0 with --kv-budget takes the largest batch
that the budget holds, policy by policy, which is how the paper compares throughputs.

--profile adds where the CPU time went, kernel by kernel, and how near that comes to what a
core can do at most, measured before: dot products, or reading memory.

With --json one line per policy and prompt, when all is measured:
  {"model": "...", "policy": "full", "prompt_tokens": 4096, "generated_tokens": 32,
   "batch": 1, "prefill_tokens_per_second": 1, "decode_tokens_per_second": 1,
   "throughput_tokens_per_second": 1, "kv_peak_bytes": 1, "peak_rss_bytes": 1,
   "kernels": "avx512", "threads": 2, "cpu": "...", "kv": "bf16", "rounds": 1,
   "prefill_tokens_per_cpu_second": 1, "decode_tokens_per_cpu_second": 1,
   "profile": {"prefill": [{"part", "calls", "seconds" (CPU), "share_of_time",
                            "gops_per_second" or "gb_per_second", "share_of_limit"}],
               "decode": [...]}}
Tokens per CPU second tell more than those per second where other programs want the cores
as well. Peak memory is counted anew for each measurement on Linux, else since the start.`,
		Example: `  lighttransfer bench SmolLM2.gguf
  lighttransfer bench SmolLM2.gguf --prompt 16384 --policy full --policy lighttransfer:lazy=0.5
  lighttransfer bench SmolLM2.gguf --prompt 4096 --batch 0 --kv-budget 512MiB
  lighttransfer bench tiny --prompt 512 --profile`,
		Args:              arguments(1, 1, "MODEL"),
		ValidArgsFunction: modelArgument,
		RunE:              func(c *cobra.Command, args []string) error { return a.bench(c, args[0], o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntSliceVar(&o.prompts, "prompt", []int{512, 4096, 16384}, "prompts of `N,...` tokens; of the default, those that the model takes")
	f.IntVar(&o.gen, "gen", 32, "generate `N` tokens after each")
	f.IntVar(&o.batch, "batch", 1, "`N` sequences at a time (0: as many as --kv-budget holds)")
	f.StringArrayVar(&o.policies, "policy", []string{"auto"}, "a policy to measure, a `SPEC`; may be given several times (lighttransfer help policies)")
	o.windowing.flags(c, lighttransfer.DefaultWindow)
	f.Var(&choice{&o.kv, []string{"bf16", "int8"}}, "kv", "precision of the KV cache")
	f.Var((*byteSize)(&o.budget), "kv-budget", "most the KV caches of a batch may hold, like 512MiB (default: what is free)")
	f.IntVar(&o.rounds, "rounds", 1, "measure everything `N` times, and take the medians")
	f.BoolVar(&o.profile, "profile", false, "say where the time goes, kernel by kernel")
	o.loading.flags(c)
	c.RegisterFlagCompletionFunc("policy", completePolicy)
	return c
}

// check refuses what can be seen to be wrong without a model, and returns what
// each policy needs.
func (o *benchFlags) check(c *cobra.Command) ([]computing, error) {
	switch {
	case o.gen < 1:
		return nil, usagef("--gen %d: it must be at least 1", o.gen)
	case o.rounds < 1:
		return nil, usagef("--rounds %d: it must be at least 1", o.rounds)
	case o.batch < 0:
		return nil, usagef("--batch %d: it must be 1 or more, or 0 with --kv-budget", o.batch)
	case o.batch == 0 && o.budget == 0:
		return nil, usagef("--batch 0 takes the largest batch that --kv-budget holds; give one")
	case len(o.prompts) == 0 || slices.Min(o.prompts) < 1:
		return nil, usagef("--prompt: lengths of at least 1, parted by commas")
	}
	if err := o.loading.check(); err != nil {
		return nil, err
	}
	var all []computing
	for _, p := range o.policies {
		s := computing{windowing: o.windowing, policy: p, kv: o.kv, budget: o.budget}
		if err := s.check(c); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// benchResult is one line of bench --json.
type benchResult struct {
	Model      string  `json:"model"`
	Policy     string  `json:"policy"`
	Prompt     int     `json:"prompt_tokens"`
	Generated  int     `json:"generated_tokens"`
	Batch      int     `json:"batch"`
	Prefill    float64 `json:"prefill_tokens_per_second"`
	Decode     float64 `json:"decode_tokens_per_second"`
	Throughput float64 `json:"throughput_tokens_per_second"`
	KVPeak     int64   `json:"kv_peak_bytes"`
	PeakRSS    int64   `json:"peak_rss_bytes"`
	Kernels    string  `json:"kernels"`
	Threads    int     `json:"threads"`
	CPU        string  `json:"cpu"`
	KV         string  `json:"kv"`
	Rounds     int     `json:"rounds"`
	PrefillCPU float64 `json:"prefill_tokens_per_cpu_second"`
	DecodeCPU  float64 `json:"decode_tokens_per_cpu_second"`

	Profile *benchProfile `json:"profile,omitempty"`
}

func (a *app) bench(c *cobra.Command, path string, o *benchFlags) error {
	policies, err := o.check(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	m, _, err := a.open(path, &o.loading)
	if err != nil {
		return err
	}
	defer m.Close()
	if !c.Flags().Changed("prompt") {
		o.prompts = slices.DeleteFunc(o.prompts, func(n int) bool { return n+o.gen > m.Config().Context })
	}
	for _, n := range o.prompts {
		if n+o.gen > m.Config().Context {
			return fmt.Errorf("a prompt of %d tokens and %d more do not fit the %d that %s was made for", n, o.gen, m.Config().Context, m.Name())
		}
	}
	b := &bencher{a: a, m: m, o: o}
	if err := b.plan(path, policies); err != nil {
		return err
	}
	if o.profile {
		b.peak = kernel.Probe()
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	if !a.json {
		a.benchTable(b)
		return nil
	}
	for _, cs := range b.cases {
		if err := a.print(b.result(cs)); err != nil {
			return err
		}
	}
	return nil
}

// result is the medians of a case.
func (b *bencher) result(cs *benchCase) *benchResult {
	prompt, gen := float64(cs.batch*cs.prompt), float64(cs.batch*b.o.gen)
	r := &benchResult{Model: b.m.Name(), Policy: cs.options.Policy, Prompt: cs.prompt, Generated: b.o.gen, Batch: cs.batch,
		Prefill:    prompt / median(cs.samples, func(s benchSample) float64 { return s.prefill.Seconds() }),
		Decode:     gen / median(cs.samples, func(s benchSample) float64 { return s.decode.Seconds() }),
		Throughput: (prompt + gen) / median(cs.samples, func(s benchSample) float64 { return (s.prefill + s.decode).Seconds() }),
		PrefillCPU: prompt / median(cs.samples, func(s benchSample) float64 { return s.prefillCPU.Seconds() }),
		DecodeCPU:  gen / median(cs.samples, func(s benchSample) float64 { return s.decodeCPU.Seconds() }),
		Kernels:    lighttransfer.Kernels(), Threads: b.m.Threads(), CPU: kernel.CPUName(), KV: b.o.kv, Rounds: len(cs.samples)}
	for _, s := range cs.samples {
		r.KVPeak, r.PeakRSS = max(r.KVPeak, s.kvPeak), max(r.PeakRSS, s.rss)
	}
	if b.o.profile {
		r.Profile = b.profile(cs)
	}
	return r
}

// median of what of returns, of the samples; the upper one of two.
func median(samples []benchSample, of func(benchSample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, max(of(s), 1e-9))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (a *app) benchTable(b *bencher) {
	header := []string{"policy", "prompt", "prefill/s", "decode/s", "throughput/s", "KV peak", "memory peak"}
	batched := slices.ContainsFunc(b.cases, func(c *benchCase) bool { return c.batch != 1 })
	if batched {
		header = slices.Insert(header, 2, "batch")
	}
	var rows [][]string
	var results []*benchResult
	for _, cs := range b.cases {
		r := b.result(cs)
		results = append(results, r)
		row := []string{r.Policy, count(r.Prompt), speedCell(r.Prefill), speedCell(r.Decode), speedCell(r.Throughput), mem.FormatBytes(r.KVPeak), mem.FormatBytes(r.PeakRSS)}
		if batched {
			row = slices.Insert(row, 2, count(r.Batch))
		}
		rows = append(rows, row)
	}
	r := results[0]
	fmt.Fprintf(a.table, "%s, %s generated, %s cache, %s kernels, %s, %s\n", r.Model, plural(r.Generated, "token"), r.KV, r.Kernels, plural(r.Threads, "thread"), r.CPU)
	if r.Rounds > 1 {
		fmt.Fprintf(a.table, "medians of %d rounds\n", r.Rounds)
	}
	fmt.Fprintln(a.table)
	a.table.Table(header, rows)
	for _, r := range results {
		a.profileTable(r, b.peak)
	}
}

// speedCell is a speed with three digits or more.
func speedCell(v float64) string {
	if v < 100 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return count(int(v + 0.5))
}

// plural is "1 thread" or "2 threads".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}
