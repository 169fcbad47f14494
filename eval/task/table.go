package task

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// all is the table of tasks, in the order in which help texts and reports show them.
var all = slices.Concat(
	longBenchTasks(), longBenchETasks(),
	rulerNIAHTasks(), []Task{rulerVT(), rulerCWE(), rulerFWE()}, rulerQA(),
	niahTasks(),
	mathsTasks(),
	ownGenerators(), heldOut(),
)

// A Group is a name that stands for several tasks.
type Group struct {
	Name    string
	Summary string
}

// groups are all names but longbench16 in Task.Group.
var groups = []Group{
	{"longbench", "LongBench's 21 tasks: reading, summaries, few-shot, code, in English and Chinese."},
	{"longbench16", "The 16 of them that the paper averages: the English ones and code, with dureader and without 2wikimqa."},
	{"longbench-e", "LongBench-E: 13 of the tasks with records spread evenly over three groups of length."},
	{"ruler", "RULER's 13 tasks, made from a seed at any length."},
	{"niah", "Needles in a haystack on a grid of lengths and depths, and pass keys, made from a seed."},
	{"maths", "Problems with long chains of thought."},
	{"own", "This project's retrieval tasks, each also with the question in a later turn, and held-back text to continue; made from a seed."},
}

// All returns the tasks there are, group by group.
func All() []Task { return slices.Clone(all) }

// Groups returns the names that stand for several tasks.
func Groups() []Group { return slices.Clone(groups) }

// Find returns the task of a name, or the tasks of a group.
func Find(name string) ([]Task, error) {
	var found []Task
	for _, t := range all {
		if t.Name == name || t.Group == name || name == "longbench16" && slices.Contains(longBench16, t.Name) {
			t.Optional = t.Name != name
			found = append(found, t)
		}
	}
	if found != nil {
		return found, nil
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return nil, fmt.Errorf("no task is called %q, and no group of tasks (%s); lighttransfer help tasks lists them all", name, strings.Join(names, ", "))
}

// scorer is the metric of a task that has one of its own.
func scorer(task string) score.Scorer {
	s, ok := score.For(task)
	if !ok {
		panic("no metric for the task " + task) // a gap in the tables
	}
	return s
}
