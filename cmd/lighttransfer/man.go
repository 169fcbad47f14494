package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a folder",
		Example: "  lighttransfer man /usr/local/share/man/man1",
		Hidden:  true,
		Args:    arguments(1, 1, "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := c.Root()
			root.DisableAutoGenTag = true // equal pages from equal programs
			return doc.GenManTree(root, &doc.GenManHeader{Title: "LIGHTTRANSFER", Section: "1", Manual: "LightTransfer", Source: "lighttransfer"}, args[0])
		},
	}
}
