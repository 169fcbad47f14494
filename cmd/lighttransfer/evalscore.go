package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// scoreFlags are the flags of eval score.
type scoreFlags struct {
	records bool
	jieba   string
}

func evalScoreCommand(a *app) *cobra.Command {
	o := &scoreFlags{}
	c := &cobra.Command{
		Use:   "score TASK PREDICTIONS|DIR",
		Short: "Score answers that are there already",
		Long: `Score says how good answers are, with the number that the task's official script gives.

PREDICTIONS has one JSON object per line (- is the standard input):
{"pred": "...", "answers": ["..."]}, with "all_classes" for classification and "length"
for LongBench-E (hotpotqa_e); tasks of maths may have {"pred": "...", "answer": "..."}.
A "pred" that is a list of samples counts as their mean; for maths the score of the
majority's answer is given too.

DIR has a file TASK.jsonl for each of several tasks, and gets a table of them all, with
LongBench's averages.

The Chinese tasks of LongBench count words, which are found with the tables of jieba; they
are not part of this program. tools/fetch-jieba.sh gets them, or this, and then --jieba:
  pip download --no-deps --no-binary :all: jieba==0.42.1`,
		Example: `  lighttransfer eval score hotpotqa pred/hotpotqa.jsonl
  lighttransfer eval score gsm8k answers.jsonl --json --records
  lighttransfer eval score pred/`,
		Args: arguments(1, 2, "TASK and PREDICTIONS, or DIR,"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return score.Tasks(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.evalScore(args, o) },
	}
	c.Flags().BoolVar(&o.records, "records", false, "say the score of every record, too")
	jiebaFlag(c, &o.jieba)
	return c
}

// taskScore is what eval score says of a task; scores go from 0 to 100.
type taskScore struct {
	Task     string                `json:"task"`
	Metric   string                `json:"metric"`
	Score    float64               `json:"score"`
	Count    int                   `json:"count"`
	Samples  int                   `json:"samples,omitempty"`  // per record, where there are several
	Majority *float64              `json:"majority,omitempty"` // the score of the answer that most samples agree on
	Groups   map[string]groupScore `json:"groups,omitempty"`   // of LongBench-E
}

type groupScore struct {
	Score float64 `json:"score"`
	Count int     `json:"count"`
}

// recordScore is a line of --records.
type recordScore struct {
	Task    string  `json:"task,omitempty"` // of a folder's
	Index   int     `json:"index"`
	Score   float64 `json:"score"`
	Correct bool    `json:"correct"` // full marks
}

func (a *app) evalScore(args []string, o *scoreFlags) error {
	if len(args) == 1 {
		if o.records && !a.json {
			return usagef("--records of a folder needs --json")
		}
		return a.evalScoreDir(args[0], o)
	}
	t, records, err := a.scoreFile(args[0], args[1], o)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printRecords("", records, o); err != nil {
			return err
		}
		return a.print(t)
	}
	if o.records {
		var rows [][]string
		for _, r := range records {
			rows = append(rows, []string{fmt.Sprint(r.Index), fmt.Sprintf("%.2f", r.Score)})
		}
		a.table.Table([]string{"record", "score"}, rows)
	}
	a.table.Table(scoreHeader, t.rows())
	return nil
}

func (a *app) printRecords(task string, records []recordScore, o *scoreFlags) error {
	if !o.records {
		return nil
	}
	for _, r := range records {
		r.Task = task
		if err := a.print(r); err != nil {
			return err
		}
	}
	return nil
}

var scoreHeader = []string{"task", "metric", "score", "records"}

func (t *taskScore) rows() [][]string {
	rows := [][]string{{t.Task, t.Metric, fmt.Sprintf("%.2f", t.Score), count(t.Count)}}
	for _, g := range score.Groups {
		if s, ok := t.Groups[g]; ok {
			rows = append(rows, []string{"  " + g + " words", "", fmt.Sprintf("%.2f", s.Score), count(s.Count)})
		}
	}
	if t.Majority != nil {
		rows = append(rows, []string{fmt.Sprintf("  majority of %d", t.Samples), "", fmt.Sprintf("%.2f", *t.Majority), count(t.Count)})
	}
	return rows
}

// scoreFile scores one file of predictions.
func (a *app) scoreFile(task, file string, o *scoreFlags) (*taskScore, []recordScore, error) {
	s, ok := score.For(task)
	if !ok {
		return nil, nil, usagef("unknown task %q: choose one of %s", task, strings.Join(score.Tasks(), ", "))
	}
	s, err := s.Ready(o.jieba)
	if err != nil {
		return nil, nil, err
	}
	predictions, err := a.predictions(file, s)
	if err != nil {
		return nil, nil, err
	}
	t := &taskScore{Task: task, Metric: s.Metric, Count: len(predictions)}
	records := make([]recordScore, len(predictions))
	groups := map[string][]float64{}
	var all, majority []float64 // [record]
	for i, p := range predictions {
		x := p.score(s)
		records[i] = recordScore{Index: i, Score: 100 * x, Correct: x == 1}
		all = append(all, x)
		if score.Grouped(task) {
			g := score.Group(p.ref.Length)
			groups[g] = append(groups[g], x)
		}
		if t.Samples = max(t.Samples, len(p.preds)); len(p.preds) > 1 && s.Majority != nil {
			majority = append(majority, s.Score(s.Majority(p.preds), p.ref))
		}
	}
	t.Score = percent(all)
	if len(groups) > 0 {
		t.Groups = map[string]groupScore{}
		for g, list := range groups {
			t.Groups[g] = groupScore{percent(list), len(list)}
		}
	}
	if t.Samples == 1 {
		t.Samples = 0
	}
	if len(majority) == len(all) {
		m := percent(majority)
		t.Majority = &m
	}
	return t, records, nil
}

// percent is 100 times the mean.
func percent(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return 100 * sum / float64(len(list))
}

// evalScoreDir scores every file of a folder that is named after a task.
func (a *app) evalScoreDir(dir string, o *scoreFlags) error {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		if _, ok := score.For(dir); ok || err == nil {
			return usagef("PREDICTIONS missing: give TASK and a file of its predictions, or a folder of files TASK.jsonl")
		}
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var tasks []*taskScore
	for _, f := range files {
		task, ok := strings.CutSuffix(f.Name(), ".jsonl")
		if !ok {
			continue
		}
		file := filepath.Join(dir, f.Name())
		if _, ok := score.For(task); !ok {
			a.say("%s is not named after a task: left out", file)
			continue
		}
		t, records, err := a.scoreFile(task, file, o)
		if err != nil {
			return err
		}
		if a.json {
			if err := a.printRecords(task, records, o); err != nil {
				return err
			}
		}
		tasks = append(tasks, t)
	}
	if len(tasks) == 0 {
		return fmt.Errorf("%s has no file named after a task, like hotpotqa.jsonl", dir)
	}
	order := score.Tasks()
	place := func(task string) int {
		if i := slices.Index(order, strings.TrimSuffix(task, "_e")); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(tasks, func(x, y *taskScore) int { return place(x.Task) - place(y.Task) })
	return a.printScores(tasks)
}

// printScores shows the scores of a folder, with LongBench's averages where all their
// tasks are there.
func (a *app) printScores(tasks []*taskScore) error {
	all, paper := average(tasks, score.LongBench), average(tasks, score.LongBench16)
	if a.json {
		return a.print(struct {
			Tasks       []*taskScore `json:"tasks"`
			LongBench   *float64     `json:"longbench,omitempty"`   // the mean of the 21 tasks
			LongBench16 *float64     `json:"longbench16,omitempty"` // of the 16 that the paper reports
		}{tasks, all, paper})
	}
	var rows [][]string
	for _, t := range tasks {
		rows = append(rows, t.rows()...)
	}
	for _, m := range []struct {
		name string
		mean *float64
		of   int
	}{{"LongBench", all, len(score.LongBench)}, {"LongBench, the paper's", paper, len(score.LongBench16)}} {
		if m.mean != nil {
			rows = append(rows, []string{m.name, fmt.Sprintf("mean of %d", m.of), fmt.Sprintf("%.2f", *m.mean), ""})
		}
	}
	a.table.Table(scoreHeader, rows)
	return nil
}

// average is the mean of the scores of tasks, or nil if one of them is missing.
func average(scores []*taskScore, tasks []string) *float64 {
	sum := 0.0
	for _, task := range tasks {
		i := slices.IndexFunc(scores, func(t *taskScore) bool { return t.Task == task })
		if i < 0 {
			return nil
		}
		sum += scores[i].Score
	}
	sum /= float64(len(tasks))
	return &sum
}

// jiebaFlag says where the words of Chinese tasks come from.
func jiebaFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "jieba", "", "`FILE` is jieba-0.42.1.tar.gz, for Chinese tasks (default $LIGHTTRANSFER_JIEBA, or lighttransfer/ in the cache folder)")
}
