package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer/hub"
)

func pullCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "pull ORG/NAME",
		Short: "Fetch a model from the Hugging Face hub",
		Long: `Pull fetches a model into the cache that the hub's own tools use, and prints where it
is. What is there already is not fetched again, what was interrupted goes on where it
stopped, and every file is checked by its hash.

  org/name             the weights and what belongs to them
  org/name:Q4_K_M      one of several .gguf files, by its quantisation
  org/name:FILE.gguf   or by its name
  org/name@revision    of a branch, a tag or a commit

HF_HOME says where the cache is, HF_TOKEN who asks, HF_ENDPOINT which hub is asked;
HF_HUB_OFFLINE=1 forbids the network.`,
		Example: `  lighttransfer pull HuggingFaceTB/SmolLM2-135M-Instruct
  lighttransfer pull bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M`,
		Args: arguments(1, 1, "ORG/NAME"),
		RunE: func(c *cobra.Command, args []string) error { return a.pull(c, args[0]) },
	}
}

func (a *app) pull(c *cobra.Command, ref string) error {
	if _, err := hub.ParseRef(ref); err != nil {
		return usageError{err}
	}
	ctx, stop := interruptible(c)
	defer stop()
	var file string
	bar := meter{a: a, unit: "B"}
	path, err := hub.New().Pull(ctx, ref, func(p hub.Progress) {
		if p.Note != "" {
			bar.stop()
			a.say("%s", p.Note)
			return
		}
		if p.File != file {
			bar.stop()
			file, bar.name = p.File, p.File
		}
		if p.File != "" {
			bar.set(p.FileDone, p.FileBytes)
		}
	})
	bar.stop()
	if err != nil {
		if ctx.Err() != nil {
			a.say("what has been fetched is kept; the same command goes on")
			return errInterrupted
		}
		return err
	}
	if a.json {
		return a.print(struct {
			Ref  string `json:"ref"`
			Path string `json:"path"`
		}{ref, path})
	}
	fmt.Fprintln(a.out, path)
	return nil
}
