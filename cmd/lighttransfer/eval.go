package main

import "github.com/spf13/cobra"

// evalVerbs are the constructors of eval's own verbs, in the order of its help text.
var evalVerbs = []func(*app) *cobra.Command{
	evalScoreCommand,
	evalReportCommand,
}

func evalCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "eval",
		Short: "Evaluate models and policies: tasks, scores, reports",
	}
	evalRunning(a, c)
	for _, verb := range evalVerbs {
		c.AddCommand(verb(a))
	}
	return c
}
