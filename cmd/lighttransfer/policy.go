package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// loading are the flags that say how a model is loaded.
type loading struct {
	threads int
	quant   string
	cache   bool
}

func (l *loading) flags(c *cobra.Command) {
	c.Flags().IntVar(&l.threads, "threads", 0, "compute with `N` threads (0: all cores)")
	c.Flags().Var(&choice{&l.quant, []string{"q8", "q4", "none"}}, "quant", "what the weights of safetensors become: q8, q4 or none (default none)")
	c.Flags().BoolVar(&l.cache, "cache-weights", false, "keep the weights as packed for the machine beside the model, for a quicker start next time (as large as the model)")
}

func (l *loading) check() error {
	if l.threads < 0 {
		return usagef("--threads %d: it must be 0 (all cores) or more", l.threads)
	}
	return nil
}

// windowing are the flags that say what lazy heads keep.
type windowing struct {
	window kv.Window
	last   int
	given  []string // which of them were
}

func (w *windowing) flags(c *cobra.Command, d kv.Window) {
	w.window = d
	c.Flags().IntVar(&w.window.Sink, "sink", d.Sink, "first `N` tokens that a lazy head keeps")
	c.Flags().IntVar(&w.window.Recent, "recent", d.Recent, "last `N` tokens that it keeps")
	c.Flags().IntVar(&w.window.Stride, "stride", d.Stride, "every `N`-th other token that it keeps (0: none)")
	c.Flags().IntVar(&w.last, "last", lighttransfer.DefaultLast, "the prompt's last `N` tokens are asked what they look at")
}

// check must be called before anything is computed.
func (w *windowing) check(c *cobra.Command) error {
	w.given = nil
	for _, name := range []string{"sink", "recent", "stride"} {
		if c.Flags().Changed(name) {
			w.given = append(w.given, "--"+name)
		}
	}
	if err := w.window.Validate(); err != nil {
		return usageError{err}
	}
	if w.window.Full() {
		return usagef("--recent must be at least 1")
	}
	if w.last < 1 {
		return usagef("--last %d: it must be at least 1", w.last)
	}
	return nil
}

// chosen is the window asked for; zero when nothing was, so that a plan's or a
// session's own is used.
func (w *windowing) chosen() kv.Window {
	if w.given == nil {
		return kv.Window{}
	}
	return w.window
}

// computing are the flags that say how a session computes.
type computing struct {
	windowing
	policy  string
	kv      string
	budget  int64
	context int
}

func (o *computing) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.policy, "policy", "auto", "which layers or KV heads are lazy, a `SPEC`: see lighttransfer help policies")
	o.windowing.flags(c, lighttransfer.DefaultWindow)
	o.kv = "bf16"
	c.Flags().Var(&choice{&o.kv, []string{"bf16", "int8"}}, "kv", "precision of the KV cache")
	c.Flags().Var((*byteSize)(&o.budget), "kv-budget", "most the KV cache may hold, like 512MiB (default: what is free)")
	c.Flags().IntVar(&o.context, "context", 0, "at most `N` tokens, prompt and answer (0: what the model was made for)")
	c.RegisterFlagCompletionFunc("policy", completePolicy)
}

// check refuses what can be seen to be wrong without a model.
func (o *computing) check(c *cobra.Command) error {
	if err := o.windowing.check(c); err != nil {
		return err
	}
	if o.context < 0 {
		return usagef("--context %d: it must be 0 (what the model was made for) or more", o.context)
	}
	if o.policy == "auto" {
		return nil
	}
	_, err := lazy.Parse(o.policy, lazy.Settings{Window: o.window, Last: o.last})
	return policyError(err)
}

// policyError is a wrong usage, unless it is about what a plan's file holds.
func policyError(err error) error {
	var plan *lazy.PlanError
	if err != nil && !errors.As(err, &plan) && !errors.Is(err, fs.ErrPermission) {
		return usageError{err}
	}
	return err
}

func (o *computing) options() lighttransfer.SessionOptions {
	return lighttransfer.SessionOptions{Policy: o.policy, Window: o.chosen(), Last: o.last, KV: o.kv, Budget: o.budget, Context: o.context}
}

// policiesTopic is a page of help.
func policiesTopic(*app) *cobra.Command {
	var b strings.Builder
	b.WriteString("A policy says which layers or KV heads are lazy. It is written as one of\n\n")
	item := func(usage, summary, paper string) {
		if paper != "" {
			summary += " (" + paper + ")"
		}
		fmt.Fprintf(&b, "  %s\n%s", usage, fold(summary, "      ", 84))
	}
	item("auto", "the model's calibrated plan if there is one, else full; the default", "")
	for _, p := range lazy.Policies() {
		item(p.Usage, p.Summary, p.Paper)
	}
	b.WriteString(`
What a lazy head keeps is said by --sink (first tokens), --recent (last tokens) and
--stride (every N-th of the others); a plan says it itself.`)
	return &cobra.Command{
		Use:   "policies",
		Short: "Which layers or KV heads can be lazy, and how that is said",
		Long:  b.String(),
		Example: `  lighttransfer run SmolLM2.gguf -f report.txt --policy lighttransfer:lazy=0.75,by=error,unit=head
  lighttransfer run SmolLM2.gguf -f report.txt --policy plan:plan.json
  lighttransfer run SmolLM2.gguf -f report.txt --policy streaming --recent 508`,
	}
}

// fold breaks a text into lines of at most width columns.
func fold(text, indent string, width int) string {
	var b strings.Builder
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
	return b.String()
}

func completePolicy(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names := []string{"auto"}
	for _, p := range lazy.Policies() {
		if p.Name != "plan" && p.Name != "threshold" {
			names = append(names, p.Name)
		}
	}
	for _, p := range lazy.Presets() {
		names = append(names, "plan:"+p)
	}
	files, _ := os.ReadDir(".")
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".json") {
			names = append(names, "plan:"+f.Name())
		}
	}
	return append(names, "threshold:0.9"), cobra.ShellCompDirectiveNoFileComp
}

// byteSize is a flag like 512MiB.
type byteSize int64

func (s *byteSize) Type() string { return "SIZE" }

func (s *byteSize) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (s *byteSize) Set(text string) error {
	n, err := mem.ParseSize(text)
	if err == nil && n < 1 {
		err = errors.New("it must be at least one byte")
	}
	*s = byteSize(n)
	return err
}

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

func (c *choice) Type() string { return strings.Join(c.words, "|") }

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return fmt.Errorf("use %s", strings.Join(c.words, ", "))
	}
	*c.value = text
	return nil
}
