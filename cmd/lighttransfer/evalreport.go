package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer/eval/report"
	"github.com/lighttransfer/lighttransfer/eval/runs"
)

func evalReportCommand(a *app) *cobra.Command {
	var out string
	var only []string
	c := &cobra.Command{
		Use:   "report DIR... [-o DIR] [--policy SPEC]...",
		Short: "Make tables, curves and heat maps of runs",
		Long: `Report reads the folders of runs and writes what a paper would show of them:

  report.html   everything, with pictures; one file that needs nothing else
  report.md     the tables
  *.csv         the figures, for other programs: scores, curves, needles, lazy, speed, records
  curve-*.svg   quality against KV bytes, a picture for each group of tasks and measure

Tables have policies against tasks, with the 95 % interval of the difference to full
attention (paired bootstrap over records) and published figures beside them; curves
show quality against KV bytes, heat maps where needles are found and which layers are
lazy. All compared policies stand on the same records; what is missing or failed is
counted at the top.

Folders of one run's shards are merged, as are runs of one model with other policies
or tasks. Different models, and prompts cut to different lengths, are reported apart.
A policy that answered fewer records than the others leaves only those to compare:
--policy, given for each of the others, reports without it.

With --json the same is printed as one document, and files are written only with -o:
  {"models": [{"model": "...", "policies": [...], "groups": [{"name": "...", "tables": [
    {"measure": "score", "tasks": [...], "average": {...}, "points": [
      {"policy": "...", "kv_share": 0.4, "value": 41.5, "difference": -0.3, "low": -1, "high": 0.4,
       "front": true}, ...]}, ...]}, ...], "lazy": {...}, "speed": [...]}, ...]}`,
		Example: `  lighttransfer eval report eval-runs/SmolLM2-niah-1f2e3d4c
  lighttransfer eval report shard-0 shard-1 shard-2 -o results
  lighttransfer eval report eval-runs/* --json`,
		Args: arguments(1, 1<<20, "DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" && !a.json {
				if len(args) > 1 {
					return usagef("several runs: say with -o where the report is to go")
				}
				out = args[0]
			}
			return a.evalReport(args, only, out)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write the files into `DIR` (default: the run's folder)")
	c.Flags().StringArrayVar(&only, "policy", nil, "report on this policy, a `SPEC` as the run was told; may be given several times (default: on all)")
	return c
}

// evalReport reports on folders, on all policies or only on some; out "" writes no
// files.
func (a *app) evalReport(dirs, only []string, out string) error {
	var list []runs.Run
	for _, dir := range dirs { // one by one: machines and notices stay those of their folder
		read, err := runs.Read(dir)
		if err != nil {
			return err
		}
		list = append(list, read...)
	}
	if err := onlyPolicies(list, only); err != nil {
		return err
	}
	r, err := report.Make(list)
	if err != nil {
		return err
	}
	var paths []string
	if out != "" {
		if paths, err = r.Write(out); err != nil {
			return err
		}
	}
	if a.json {
		return a.print(r)
	}
	for _, s := range r.Summaries() {
		fmt.Fprintln(a.table, s.Title)
		for _, line := range s.Lines {
			fmt.Fprintln(a.table, line)
		}
		for _, t := range s.Tables {
			fmt.Fprintf(a.table, "\n%s\n", t.Title)
			a.table.Table(t.Header, t.Rows)
		}
		fmt.Fprintln(a.table)
	}
	for _, p := range paths {
		a.say("%s", p)
	}
	return nil
}

// onlyPolicies leaves those policies of runs that are named; with none named, all.
func onlyPolicies(list []runs.Run, names []string) error {
	if len(names) == 0 {
		return nil
	}
	var all []string
	for _, r := range list {
		for _, p := range r.Config.Policies {
			all = append(all, p.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			slices.Sort(all)
			return usagef("--policy %s: the runs have no such policy; they have %s", name, strings.Join(slices.Compact(all), ", "))
		}
	}
	for i := range list {
		list[i].Only(names)
	}
	return nil
}
