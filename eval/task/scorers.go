package task

import (
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// scorer is the metric of a task.
func scorer(task string) score.Scorer {
	if task == "ruler_qa_1" {
		return matchAny
	}
	return matchAll
}

// RULER's two ways to compare: which share of the answers stands in the
// prediction, or whether any does.
var (
	matchAll = score.Scorer{Metric: "string_match_all", Score: func(pred string, ref score.Reference) float64 {
		return float64(found(pred, ref)) / float64(max(len(ref.Answers), 1))
	}}
	matchAny = score.Scorer{Metric: "string_match_part", Score: func(pred string, ref score.Reference) float64 {
		return float64(min(found(pred, ref), 1))
	}}
)

func found(pred string, ref score.Reference) (n int) {
	for _, a := range ref.Answers {
		if strings.Contains(strings.ToLower(pred), strings.ToLower(a)) {
			n++
		}
	}
	return n
}
