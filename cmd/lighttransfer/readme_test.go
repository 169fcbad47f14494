package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval"
	"github.com/lighttransfer/lighttransfer/internal/ui"
)

func tree() *cobra.Command {
	a := &app{in: os.Stdin, out: os.Stdout, table: ui.NewTerm(os.Stdout, nil), err: ui.NewTerm(os.Stderr, nil)}
	return a.root()
}

// Commands that the documentation shows must be commands that the program takes.
func TestDocumentedCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for i, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
				continue
			}
			if !fenced && !strings.HasPrefix(line, "    ") {
				continue // prose
			}
			for _, args := range commands(line) {
				n++
				if err := accepts(args); err != nil {
					t.Errorf("%s:%d: lighttransfer %s: %v", filepath.Base(page), i+1, strings.Join(args, " "), err)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d commands found in the documentation; the README alone shows more", n)
	}
}

func TestHelpHasExamples(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s --help has no summary or no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Example, "\n") {
			for _, args := range commands(line) {
				if err := accepts(args); err != nil {
					t.Errorf("%s --help: example %q: %v", c.CommandPath(), strings.TrimSpace(line), err)
				}
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(tree())
}

// The README must name every verb.
func TestReadmeNamesEveryVerb(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tree().Commands() {
		show := "lighttransfer " + c.Name()
		if !c.Runnable() && !c.HasSubCommands() { // a topic
			show = "lighttransfer help " + c.Name()
		}
		if !c.Hidden && c.Name() != "help" && !strings.Contains(strings.ReplaceAll(string(data), "go run ./cmd/", ""), show) {
			t.Errorf("README.md does not show %q", show)
		}
	}
}

// commands returns the arguments of the calls of lighttransfer in a line of shell.
func commands(line string) [][]string {
	var all [][]string
	line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
	for _, words := range pipeline(line) {
		for len(words) > 0 && strings.Contains(words[0], "=") { // VARIABLE=value before a command
			words = words[1:]
		}
		switch {
		case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == "./cmd/lighttransfer":
			all = append(all, words[3:])
		case len(words) > 0 && (words[0] == "lighttransfer" || words[0] == "./lighttransfer"):
			all = append(all, words[1:])
		}
	}
	return all
}

// pipeline splits a line into commands of words, as a shell does with quotes,
// pipes, comments and <(...).
func pipeline(line string) [][]string {
	var cmds [][]string
	var words []string
	word, quote, started := "", rune(0), false
	flush := func() {
		if started {
			words = append(words, word)
		}
		word, started = "", false
	}
	next := func() {
		flush()
		cmds = append(cmds, words)
		words = nil
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case r == ' ':
			flush()
		case r == '#' && !started:
			next()
			return cmds
		case strings.ContainsRune("|;&<>()", r):
			next()
		default:
			word, started = word+string(r), true
		}
	}
	next()
	return cmds
}

// accepts reports whether the program takes a command line; it does not run it.
func accepts(args []string) error {
	root := tree()
	if len(args) > 0 && args[0] == "help" {
		_, _, err := root.Find(args[1:])
		return err
	}
	c, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if c.Runnable() {
		if err := c.ValidateArgs(c.Flags().Args()); err != nil {
			return err
		}
	}
	f := c.Flags().Lookup("policy")
	if f == nil || !f.Changed {
		return nil
	}
	specs := []string{f.Value.String()}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		specs = list.GetSlice()
	}
	for _, spec := range specs {
		if spec == "auto" || strings.HasPrefix(spec, "plan:") { // these need a model, or a file
			continue
		}
		if _, err := eval.ParsePolicy(spec, eval.Settings{Window: lighttransfer.DefaultWindow, Last: lighttransfer.DefaultLast}); err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
	}
	return nil
}
