package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
)

func showCommand(a *app) *cobra.Command {
	o := &computing{}
	c := &cobra.Command{
		Use:   "show MODEL",
		Short: "What a model is, and what its KV cache costs",
		Long: `Show says what is in a model's files (nothing is loaded), what its KV cache holds under
full attention and under a policy, and how long a prompt fits into the free memory.

Without --policy it is the model's calibrated plan or, if there is none, lighttransfer.`,
		Example: `  lighttransfer show SmolLM2.gguf
  lighttransfer show SmolLM2.gguf --policy lighttransfer:lazy=0.75 --kv-budget 512MiB
  lighttransfer show tiny --json`,
		Args:              arguments(1, 1, "MODEL"),
		ValidArgsFunction: modelArgument,
		RunE:              func(c *cobra.Command, args []string) error { return a.show(c, args[0], o) },
	}
	c.Flags().SortFlags = false
	o.flags(c)
	return c
}

// shown is what show --json prints.
type shown struct {
	Model        string                     `json:"model"`
	Path         string                     `json:"path"`
	Architecture string                     `json:"architecture"`
	Layers       int                        `json:"layers"`
	Hidden       int                        `json:"hidden"`
	Heads        int                        `json:"heads"`
	KVHeads      int                        `json:"kv_heads"`
	HeadDim      int                        `json:"head_dim"`
	FFN          int                        `json:"ffn"`
	Vocab        int                        `json:"vocab"`
	Context      int                        `json:"context"`
	RopeTheta    float64                    `json:"rope_theta"`
	RopeScaling  string                     `json:"rope_scaling"` // "": none
	Parameters   int64                      `json:"parameters"`
	WeightBytes  int64                      `json:"weight_bytes"`
	Weights      []lighttransfer.WeightType `json:"weights"`
	Tokenizer    tokenizerJSON              `json:"tokenizer"`
	Template     bool                       `json:"template"`
	Plan         bool                       `json:"plan"` // a calibrated one is stored
	KV           kvShown                    `json:"kv"`
}

type tokenizerJSON struct {
	Kind   string   `json:"kind"`
	Tokens int      `json:"tokens"`
	End    []string `json:"end"` // tokens that end a text
}

type kvShown struct {
	Dtype              string     `json:"dtype"`
	Policy             string     `json:"policy"`
	PolicyArgs         string     `json:"policy_args"`
	Window             windowJSON `json:"window"`
	OwnWindows         bool       `json:"own_windows"`  // lazy heads have windows of their own; the window is the commonest
	WindowFixed        bool       `json:"window_fixed"` // false: what lazy heads keep depends on the prompt's length
	LazyHeads          int        `json:"lazy_heads"`
	Heads              int        `json:"heads"` // layers times KV heads
	FullBytesPer1K     int64      `json:"full_bytes_per_1k_tokens"`
	PolicyBytesPer1K   int64      `json:"policy_bytes_per_1k_tokens"`
	Lengths            []kvLength `json:"lengths"`
	BudgetBytes        *int64     `json:"budget_bytes"` // null: none
	FreeBytes          *int64     `json:"free_bytes"`   // besides the weights; null where the system does not tell
	LongestFull        int        `json:"longest_full_tokens"`
	LongestUnderPolicy int        `json:"longest_policy_tokens"`
}

type kvLength struct {
	Tokens      int   `json:"tokens"`
	FullBytes   int64 `json:"full_bytes"`
	PolicyBytes int64 `json:"policy_bytes"`
	PolicyPeak  int64 `json:"policy_peak_bytes"` // while the prompt is read
}

func (a *app) show(c *cobra.Command, path string, o *computing) error {
	if err := o.check(c); err != nil {
		return err
	}
	d, err := lighttransfer.Describe(path)
	if err != nil {
		return err
	}
	policy := o.policy
	if policy == "auto" && d.Plan == nil {
		policy = "lighttransfer"
	}
	options := o.options()
	options.Policy = "full"
	full, err := d.Footprint(options)
	if err != nil {
		return err
	}
	options.Policy = policy
	lazy, err := d.Footprint(options)
	if err != nil {
		return err
	}
	limit := d.Context
	if o.context > 0 {
		limit = min(limit, o.context)
	}
	s := describe(d)
	s.KV = kvShown{Dtype: o.kv, Policy: lazy.Policy, PolicyArgs: lazy.Args, Window: newWindow(lazy.Window), OwnWindows: lazy.OwnWindows, WindowFixed: lazy.Fixed, LazyHeads: lazy.LazyHeads,
		Heads: lazy.Heads, FullBytesPer1K: full.BytesPer1K(), PolicyBytesPer1K: lazy.BytesPer1K(), Lengths: []kvLength{}}
	for n := 1024; ; n *= 4 {
		n = min(n, limit)
		s.KV.Lengths = append(s.KV.Lengths, kvLength{n, full.Bytes(n), lazy.Bytes(n), lazy.Peak(n)})
		if n == limit {
			break
		}
	}
	budget, free := int64(math.MaxInt64), int64(math.MaxInt64)
	if bytes, known := d.Free(); known {
		free = bytes
		s.KV.FreeBytes = &bytes
	}
	if o.budget > 0 {
		budget = o.budget
		s.KV.BudgetBytes = &budget
	}
	s.KV.LongestFull, s.KV.LongestUnderPolicy = full.Longest(budget, free, limit), lazy.Longest(budget, free, limit)
	if a.json {
		return a.print(s)
	}
	a.showTable(s, path)
	return nil
}

func describe(d *lighttransfer.Description) *shown {
	s := &shown{Model: d.Name, Path: d.Path, Architecture: d.Architecture, Layers: d.Layers, Hidden: d.Hidden, Heads: d.Heads, KVHeads: d.KVHeads,
		HeadDim: d.HeadDim, FFN: d.FFN, Vocab: d.Vocab, Context: d.Context, RopeTheta: d.Rope.Theta, RopeScaling: d.Rope.Scaling,
		WeightBytes: d.WeightBytes(), Weights: d.Weights, Template: d.Template != nil, Plan: d.Plan != nil,
		Tokenizer: tokenizerJSON{Kind: d.Tokenizer.Kind(), Tokens: d.Tokenizer.Size(), End: []string{}}}
	for _, w := range d.Weights {
		s.Parameters += w.Values
	}
	for _, id := range d.EOS {
		s.Tokenizer.End = append(s.Tokenizer.End, d.Tokenizer.Token(id))
	}
	return s
}

func (a *app) showTable(s *shown, path string) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(a.table, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	var types []string
	for _, w := range s.Weights {
		types = append(types, fmt.Sprintf("%s %s", mem.FormatBytes(w.Bytes), w.Type))
	}
	rope := fmt.Sprintf("RoPE theta %g", s.RopeTheta)
	if s.RopeScaling != "" {
		rope += ", scaling " + s.RopeScaling
	}
	template, stored := "no (prompts are continued as they are)", fmt.Sprintf("none (lighttransfer calibrate %s makes one)", path)
	if s.Template {
		template = "yes"
	}
	if s.Plan {
		stored = "stored, used by default"
	}
	line("model", "%s", s.Model)
	line("architecture", "%s, %s parameters", s.Architecture, millions(s.Parameters))
	line("layers", "%d of width %d (MLP %d), %d heads of %d on %d KV heads", s.Layers, s.Hidden, s.FFN, s.Heads, s.HeadDim, s.KVHeads)
	line("context", "%s tokens, %s", count(s.Context), rope)
	line("weights", "%s: %s", mem.FormatBytes(s.WeightBytes), strings.Join(types, ", "))
	line("tokenizer", "%s, %s tokens, a text ends with %s", s.Tokenizer.Kind, count(s.Tokenizer.Tokens), strings.Join(s.Tokenizer.End, " or "))
	line("chat template", "%s", template)
	line("plan", "%s", stored)

	name := s.KV.Policy
	if s.KV.PolicyArgs != "" {
		name += " " + s.KV.PolicyArgs
	}
	if name == "plan auto" {
		name = "the calibrated plan"
	}
	fmt.Fprintf(a.table, "\nKV cache in %s, full attention against %s:\n", s.KV.Dtype, name)
	if s.KV.LazyHeads > 0 {
		keep := "and keep a share of the prompt"
		if s.KV.OwnWindows {
			keep = ownWindows
		} else if s.KV.WindowFixed {
			keep = keeps(kv.Window(s.KV.Window))
		}
		fmt.Fprintf(a.table, "%d of %d KV heads are lazy, %s\n", s.KV.LazyHeads, s.KV.Heads, keep)
	}
	var rows [][]string
	for _, l := range s.KV.Lengths {
		rows = append(rows, []string{count(l.Tokens), mem.FormatBytes(l.FullBytes), mem.FormatBytes(l.PolicyBytes), mem.FormatBytes(l.PolicyPeak)})
	}
	rows = append(rows, []string{"+1,024", mem.FormatBytes(s.KV.FullBytesPer1K), mem.FormatBytes(s.KV.PolicyBytesPer1K), ""})
	a.table.Table([]string{"tokens", "full", "policy", "peak while reading"}, rows)
	room := "the memory of this machine"
	if s.KV.FreeBytes != nil {
		room = "the " + mem.FormatBytes(*s.KV.FreeBytes) + " of memory that are free"
	}
	if s.KV.BudgetBytes != nil {
		room += ", with at most " + mem.FormatBytes(*s.KV.BudgetBytes) + " for the cache"
	}
	fmt.Fprintf(a.table, "\nInto %s fits a prompt of\n%s tokens with full attention, of %s with the policy (the model was made for %s).\n", room,
		count(s.KV.LongestFull), count(s.KV.LongestUnderPolicy), count(s.Context))
}

// millions is a number of parameters, 134.5 million.
func millions(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.2f billion", float64(n)/1e9)
	}
	return fmt.Sprintf("%.1f million", float64(n)/1e6)
}
