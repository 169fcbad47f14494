package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer/hub"
	"github.com/lighttransfer/lighttransfer/internal/mem"
)

func listCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the models at hand",
		Long: `List shows the models in the cache of the hub, those that other tools have fetched too.
Each name is a MODEL for the other verbs.`,
		Example: `  lighttransfer list
  lighttransfer list --json`,
		Args: arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error { return a.list() },
	}
}

// pulled are the models in the cache; none when it cannot be read.
func pulled() []hub.Entry {
	entries, _ := hub.New().List()
	return entries
}

type listed struct {
	Model    string    `json:"model"`
	Path     string    `json:"path"`
	Format   string    `json:"format"`
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
	Complete bool      `json:"complete"`
}

func (a *app) list() error {
	client := hub.New()
	entries, err := client.List()
	if err != nil {
		return err
	}
	models := []listed{}
	for _, e := range entries {
		models = append(models, listed{e.Ref, e.Path, e.Format, e.Bytes, e.Modified, e.Complete})
	}
	if a.json {
		return a.print(struct {
			Cache  string   `json:"cache"`
			Models []listed `json:"models"`
		}{client.CacheDir, models})
	}
	if len(models) == 0 {
		a.say("no models in %s; get one with: lighttransfer pull ORG/NAME", client.CacheDir)
		return nil
	}
	var rows [][]string
	for _, m := range models {
		state := m.Format
		if !m.Complete {
			state = "incomplete: pull again"
		}
		rows = append(rows, []string{m.Model, mem.FormatBytes(m.Bytes), m.Modified.Format("2006-01-02"), state})
	}
	a.table.Table([]string{"model", "size", "modified", "format"}, rows)
	return nil
}
