package main

import "github.com/spf13/cobra"

// evalVerbs are the constructors of eval's own verbs, in the order of its help text.
var evalVerbs = []func(*app) *cobra.Command{}

func evalCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "eval",
		Short:   "Evaluate models and policies: tasks, scores, reports",
		Long:    `Eval measures how good answers are, with the tasks and the scores that papers use.`,
		Example: "  lighttransfer eval --help",
		Args:    arguments(0, 0, ""),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, verb := range evalVerbs {
		c.AddCommand(verb(a))
	}
	return c
}
