package report

import (
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/task"
)

// titles are those of the groups of tasks.
var titles = map[string]string{
	"longbench":   "LongBench",
	"longbench-e": "LongBench-E",
	"ruler":       "RULER",
	"niah":        "Needle in a haystack",
	"maths":       "Mathematics",
	"own":         "Retrieval",
	later:         "Retrieval, asked in a later turn",
	held:          "Held-back text",
	other:         "Other tasks",
}

// Groups of the report only: this project's own tasks are not averaged over what
// asks for different things.
const (
	later = "own-later"
	held  = "own-text"
	other = "other" // records of the user's own
)

func groupTitle(name string) string {
	if t, ok := titles[name]; ok {
		return t
	}
	return name
}

var groupOfTask = func() map[string]string {
	m := map[string]string{}
	for _, t := range task.All() {
		m[t.Name] = t.Group
	}
	return m
}()

// groupOf is what a task is averaged with.
func groupOf(name string) string {
	g, ok := groupOfTask[name]
	switch {
	case !ok:
		return other
	case g == "own" && strings.HasSuffix(name, "_later"):
		return later
	case g == "own" && strings.HasPrefix(name, "text_"):
		return held
	}
	return g
}

// groups are those of the collection's tasks, in the order of the help texts.
func (c *collection) groups() (list []string) {
	at := map[string]int{later: 1000, held: 1001, other: 1002}
	for i, g := range task.Groups() {
		at[g.Name] = i
	}
	for _, name := range c.tasks {
		if g := groupOf(name); !slices.Contains(list, g) {
			list = append(list, g)
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return at[a] - at[b] })
	return list
}
