package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer/eval/task"
)

// tasksTopic is a page of help.
func tasksTopic(*app) *cobra.Command {
	var b strings.Builder
	b.WriteString("A task is a kind of question that models and policies are evaluated on. A group\nstands for its tasks. Published questions (LongBench, maths, and tasks that name\na file in DIR) are read from the folder --data DIR, as they are published; the\nothers are made from a seed.\n")
	for _, g := range task.Groups() {
		fmt.Fprintf(&b, "\n%s: %s\n", g.Name, g.Summary)
		for _, t := range task.All() {
			if t.Group == g.Name {
				fmt.Fprintf(&b, "  %s\n%s", t.Name, fold(t.Summary, "      ", 84))
			}
		}
	}
	return &cobra.Command{
		Use:     "tasks",
		Short:   "Which questions models and policies can be evaluated on",
		Long:    strings.TrimRight(b.String(), "\n"),
		Example: "  lighttransfer eval own --model SmolLM2.gguf --length 2048 --count 4 --policy full --policy auto\n  lighttransfer eval longbench16 --model SmolLM2.gguf --data LongBench",
	}
}
