package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/sample"
)

// runFlags are the flags of run.
type runFlags struct {
	loading
	computing
	files     []string
	raw       bool
	system    string
	maxTokens int
	sampling  sample.Params
	stop      []string
	ids       bool
	topLogits int
	ignoreEOS bool
	session   string
}

func runCommand(a *app) *cobra.Command {
	o := &runFlags{}
	c := &cobra.Command{
		Use:   "run MODEL [PROMPT]",
		Short: "Answer a prompt, or chat",
		Long: `Run answers a prompt and writes the answer as it comes. A closing line on stderr
says what the policy did and what it saved.

PROMPT "-" is read from the standard input. With -f the text of a file comes before
the prompt, with a blank line between them; -f alone makes the file the prompt. In a
terminal, without PROMPT and -f, it is a chat that keeps its cache between the turns.

--raw bypasses the chat template: the prompt is continued byte for byte, and special
tokens written in it are read as such.

--session keeps the KV cache in a file and goes on from it: PROMPT is then the next
turn of that conversation, and costs only itself. With -f a new conversation begins;
what the cache still holds of it is kept: another question about the same document,
of up to 256 tokens, costs at most so many and 127 more.`,
		Example: `  lighttransfer run SmolLM2.gguf "Why is the sky blue?"
  lighttransfer run SmolLM2.gguf -f report.txt "What does it say about rivers?" --policy lighttransfer
  lighttransfer run SmolLM2.gguf -f report.txt "And about lakes?" --session report.kv
  lighttransfer run SmolLM2.gguf --temperature 0.7 --seed 3 "Tell me a story."
  cat question.txt | lighttransfer run SmolLM2.gguf - --json
  lighttransfer run SmolLM2.gguf`,
		Args:              arguments(1, 2, "MODEL"),
		ValidArgsFunction: modelArgument,
		RunE:              func(c *cobra.Command, args []string) error { return a.run(c, args, o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.files, "file", "f", nil, "put the text of `FILE` before the prompt; may be repeated")
	f.BoolVar(&o.raw, "raw", false, "no chat template: continue the prompt as it is")
	f.StringVar(&o.system, "system", "", "system message `TEXT` of a new conversation")
	f.IntVar(&o.maxTokens, "max-tokens", 0, "write at most `N` tokens (0: until the text ends or the context is full)")
	f.StringVar(&o.session, "session", "", "keep the KV cache in `FILE`, and go on from it if it exists")
	f.StringArrayVar(&o.stop, "stop", nil, "end the answer before this `TEXT`; may be repeated")
	f.BoolVar(&o.ignoreEOS, "ignore-eos", false, "go on after an end-of-text token")
	f.Float64Var(&o.sampling.Temperature, "temperature", 0, "draw at temperature `X` (0: always the likeliest token; 1: the model's own distribution)")
	f.IntVar(&o.sampling.TopK, "top-k", 0, "draw from the `N` likeliest tokens (0: all)")
	f.Float64Var(&o.sampling.TopP, "top-p", 1, "draw from the likeliest tokens that together reach probability `X`")
	f.Float64Var(&o.sampling.MinP, "min-p", 0, "draw from tokens with at least share `X` of the likeliest one's probability")
	f.Float64Var(&o.sampling.RepeatPenalty, "repeat-penalty", 1, "make tokens that were there before less likely by `X` (1: no)")
	f.Uint64Var(&o.sampling.Seed, "seed", 0, "seed `N` of the draws: same seed, same answer")
	f.BoolVar(&o.ids, "ids", false, "with --json: the token ids too")
	f.IntVar(&o.topLogits, "top-logits", 0, "with --json: the `K` highest logits after the prompt")
	o.computing.flags(c)
	o.loading.flags(c)
	return c
}

func (o *runFlags) check(c *cobra.Command, a *app) error {
	if err := errors.Join(o.computing.check(c), o.loading.check()); err != nil {
		return err
	}
	if err := o.sampling.Validate(); err != nil {
		return usageError{err}
	}
	switch {
	case o.maxTokens < 0:
		return usagef("--max-tokens %d: it must be 0 (no limit) or more", o.maxTokens)
	case o.topLogits < 0:
		return usagef("--top-logits %d: it must be 0 (none) or more", o.topLogits)
	case (o.ids || o.topLogits > 0) && !a.json:
		return usagef("--ids and --top-logits are part of the JSON document: add --json")
	case slices.Contains(o.stop, ""):
		return usagef("--stop needs a text")
	case o.raw && o.system != "":
		return usagef("--system needs the chat template, which --raw bypasses")
	}
	if o.session != "" { // known before the work rather than after it
		if name, _, _ := strings.Cut(o.policy, ":"); name == "minicache" {
			return usagef("--session %s: policy minicache merges layers, which a session file has no place for; use another policy", o.session)
		}
		if _, err := os.Stat(filepath.Dir(o.session)); err != nil {
			return fmt.Errorf("--session %s: there is no folder for it: %w", o.session, err)
		}
	}
	if o.sampling.Temperature == 0 {
		for _, name := range []string{"top-k", "top-p", "min-p", "seed"} {
			if c.Flags().Changed(name) {
				a.say("note: --%s has no effect at temperature 0, where the likeliest token is always taken", name)
			}
		}
	}
	return nil
}

func (a *app) run(c *cobra.Command, args []string, o *runFlags) error {
	if err := o.check(c, a); err != nil {
		return err
	}
	chat := len(args) < 2 && len(o.files) == 0
	if chat && (a.json || !a.typed() || !a.table.IsTerminal()) {
		return usagef("no prompt: give one, or - to read it from the standard input, or a file with -f; in a terminal, without --json, it would be a chat")
	}
	var prompt string
	if !chat {
		var err error
		if prompt, err = a.prompt(args[1:], o); err != nil {
			return err
		}
	}
	m, seconds, err := a.open(args[0], &o.loading)
	if err != nil {
		return err
	}
	defer m.Close()
	t, err := a.talk(m, args[0], o)
	if err != nil {
		return err
	}
	defer t.close()
	t.loadSeconds = seconds
	if chat {
		return t.chat()
	}
	ctx, stop := interruptible(c)
	defer stop()
	return t.once(ctx, prompt)
}

// prompt puts the files and the prompt together.
func (a *app) prompt(args []string, o *runFlags) (string, error) {
	var b strings.Builder
	stdin := 0
	for _, name := range o.files {
		if name == "-" {
			stdin++
		}
	}
	if len(args) > 0 && args[0] == "-" {
		stdin++
	}
	if stdin > 1 {
		return "", usagef("the standard input can be read only once")
	}
	for _, name := range o.files {
		text, err := a.read(name)
		if err != nil {
			return "", err
		}
		if len(text) == 0 {
			return "", fmt.Errorf("%s is empty: there is nothing in it to read", inputName(name))
		}
		o.blankLine(&b)
		b.Write(text)
	}
	if len(args) > 0 {
		text := args[0]
		if text == "-" {
			data, err := a.read("-")
			if err != nil {
				return "", err
			}
			text = string(data)
		}
		o.blankLine(&b)
		b.WriteString(text)
	}
	if b.Len() == 0 {
		return "", usagef("the prompt is empty")
	}
	return b.String(), nil
}

// blankLine parts what comes from what is there.
func (o *runFlags) blankLine(b *strings.Builder) {
	text := b.String()
	switch {
	case o.raw || text == "" || strings.HasSuffix(text, "\n\n"):
	case strings.HasSuffix(text, "\n"):
		b.WriteString("\n")
	default:
		b.WriteString("\n\n")
	}
}

// talk opens the session: the one of the file, or a new one.
func (a *app) talk(m *lighttransfer.Model, path string, o *runFlags) (*talk, error) {
	if o.system != "" && m.Template() == nil {
		return nil, fmt.Errorf("--system: %s has no chat template, and so no system message", path)
	}
	t := &talk{app: a, m: m, path: path, o: o, reading: a.reading()}
	t.options = o.computing.options()
	t.options.Sampling = o.sampling
	t.options.Rewind = o.session != "" // the next run may ask about the same files
	t.options.Progress = t.reading.prompt(m.Config().Layers)
	if o.session != "" {
		_, err := os.Stat(o.session)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		t.resumed = err == nil
	}
	var err error
	if t.resumed {
		t.s, err = m.OpenSession(o.session, t.options)
	} else {
		t.s, err = m.NewSession(t.options)
	}
	if err != nil {
		return nil, err
	}
	if fresh := !t.resumed || len(o.files) > 0; !fresh && o.system != "" {
		t.close()
		return nil, usagef("--system belongs to the begin of a conversation, and %s holds one: leave it out, or name another file", o.session)
	}
	if name, _ := t.s.Policy(); name == "plan" && o.given != nil {
		a.say("note: the plan says what its lazy heads keep; %s has no effect", strings.Join(o.given, ", "))
	}
	return t, nil
}

// A talk is a session under way.
type talk struct {
	*app
	m           *lighttransfer.Model
	path        string // the model as it was called
	o           *runFlags
	options     lighttransfer.SessionOptions
	s           *lighttransfer.Session
	resumed     bool // from a file
	reading     *meter
	loadSeconds float64
}

func (t *talk) close() { t.s.Close() }

// An answer is what one request has given.
type answer struct {
	text      strings.Builder
	ids       []int32
	promptIDs []int32
	top       []logit
	begun     bool // the prompt has been read
}

// ask runs one request; show gets the text as it comes.
func (t *talk) ask(ctx context.Context, r lighttransfer.Request, show func(text string)) (*answer, error) {
	r.Raw, r.System, r.MaxTokens, r.Stop, r.IgnoreEOS = t.o.raw, t.o.system, t.o.maxTokens, t.o.stop, t.o.ignoreEOS
	var a answer
	for tok := range t.s.Run(ctx, r) {
		if !a.begun { // the logits are still those of the prompt's last position
			a.begun = true
			t.reading.stop()
			if t.o.ids {
				a.promptIDs = append([]int32{}, t.s.IDs()...)
			}
			a.top = topLogits(t.s.Logits(), t.o.topLogits)
		}
		a.ids = append(a.ids, tok.ID)
		a.text.WriteString(tok.Text)
		show(tok.Text)
	}
	t.reading.stop()
	err := t.s.Err()
	switch {
	case err != nil && ctx.Err() != nil:
		err = errInterrupted
	case errors.Is(err, kv.ErrBudget):
		err = fmt.Errorf("the answer was cut off after %s tokens: the KV cache has reached its budget of %s; raise --kv-budget, or choose a lazier policy",
			count(len(a.ids)), mem.FormatBytes(t.options.Budget))
	}
	return &a, err
}

// once answers one prompt.
func (t *talk) once(ctx context.Context, prompt string) error {
	show := t.show
	if t.json {
		show = func(string) {}
	}
	ans, err := t.ask(ctx, lighttransfer.Request{Prompt: prompt, Fresh: len(t.o.files) > 0}, show)
	if !t.json && ans.begun && !strings.HasSuffix(ans.text.String(), "\n") {
		fmt.Fprintln(t.out)
	}
	if !ans.begun {
		if t.resumed && errors.Is(err, errInterrupted) {
			t.say("%s is as it was", t.o.session)
		}
		return err
	}
	if t.json && err == nil {
		err = t.print(t.document(ans))
	}
	if t.o.session != "" {
		if e := t.s.Save(t.o.session); e != nil {
			return errors.Join(err, e)
		}
	}
	if err == nil || errors.Is(err, errInterrupted) {
		if t.full() {
			t.say("%s", t.contextFull())
		}
		t.say("%s", t.closing())
	}
	return err
}

// show writes a piece of the answer. A terminal gets no control characters that
// a model may have been talked into writing.
func (t *talk) show(text string) {
	if t.table.IsTerminal() {
		text = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
				return -1
			}
			return r
		}, text)
	}
	fmt.Fprint(t.out, text)
}

// limit is the most tokens of the session.
func (t *talk) limit() int {
	if t.options.Context > 0 {
		return t.options.Context
	}
	return t.m.Config().Context
}

// full reports whether the last answer ended because there was no room left.
func (t *talk) full() bool {
	return t.s.FinishReason() == lighttransfer.FinishLength && len(t.s.IDs()) >= t.limit()
}

func (t *talk) contextFull() string {
	return fmt.Sprintf("the answer was cut off: the context of %s tokens is full", count(t.limit()))
}
