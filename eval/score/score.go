package score

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lighttransfer/lighttransfer/eval/score/jieba"
	"github.com/lighttransfer/lighttransfer/eval/score/maths"
)

// A Reference is what is right about one record.
type Reference struct {
	Answers []string // acceptable answers, or for tasks that ask for several things: all of them
	Classes []string // the names of all classes (classification), else empty
	Length  int      // words of the record, for LongBench-E's groups; 0 if unknown
}

// A Scorer is a metric as one task uses it.
type Scorer struct {
	Metric string                                   // its name, as in "qa_f1"
	Score  func(pred string, ref Reference) float64 // 0..1

	// Chinese says that the metric counts words of Chinese text. Such a scorer has no
	// Score until Ready has given it one.
	Chinese bool

	// Majority picks the one of several samples that most agree with; nil for metrics
	// of texts that seldom agree.
	Majority func(preds []string) string

	cut   func(cut func(text string) []string) func(pred string, ref Reference) float64
	check func(ref Reference) error
}

// Check says what a reference lacks that the metric needs.
func (s Scorer) Check(ref Reference) error {
	if len(ref.Answers) == 0 {
		return errors.New("no answers")
	}
	if s.check != nil {
		return s.check(ref)
	}
	return nil
}

// Ready returns the scorer with its Score. Only Chinese ones need anything: the
// tables of jieba, from a file ("": jieba.DefaultFile); they are read once.
func (s Scorer) Ready(jiebaFile string) (Scorer, error) {
	if !s.Chinese || s.Score != nil {
		return s, nil
	}
	words, err := segmenter(jiebaFile)
	if err != nil {
		return s, fmt.Errorf("%s: %w", s.Metric, err)
	}
	s.Score = s.cut(words.Cut)
	return s, nil
}

var segmenters = struct {
	sync.Mutex
	of map[string]*jieba.Segmenter // by file
}{of: map[string]*jieba.Segmenter{}}

func segmenter(file string) (*jieba.Segmenter, error) {
	segmenters.Lock()
	defer segmenters.Unlock()
	s := segmenters.of[file]
	if s == nil {
		var err error
		if s, err = jieba.Open(file); err != nil {
			return nil, err
		}
		segmenters.of[file] = s
	}
	return s, nil
}

// For returns the scorer of a task: one of LongBench ("hotpotqa", and "hotpotqa_e"
// of LongBench-E), RULER ("ruler_vt"), needles ("niah"), passkeys and maths.
func For(task string) (Scorer, bool) {
	if s, ok := longBench[task]; ok {
		return s, true
	}
	if name, ok := strings.CutPrefix(task, "ruler_"); ok {
		s, ok := ruler[name]
		return s, ok
	}
	if Grouped(task) {
		return withLength(longBench[strings.TrimSuffix(task, "_e")]), true
	}
	s, ok := others[task]
	return s, ok
}

// Tasks are the names that For knows, but for LongBench-E's.
func Tasks() []string {
	names := slices.Concat(LongBench, slices.Sorted(maps.Keys(others)))
	for _, name := range slices.Sorted(maps.Keys(ruler)) {
		names = append(names, "ruler_"+name)
	}
	return names
}

// others are the tasks that belong to no collection.
var others = map[string]Scorer{
	"niah":          Numbers,
	"niah_single":   Numbers,
	"niah_multikey": Numbers,
	"passkey":       Numbers,

	"gsm8k":    mathAnswer,
	"math_oai": mathAnswer,
	"math500":  mathAnswer,
	"aime24":   mathAnswer,
	"aime25":   mathAnswer,
}

// mathAnswer is 1 for a solution that comes to the right answer.
var mathAnswer = Scorer{
	Metric: "math_answer",
	Score: best(func(pred, answer string) float64 {
		if maths.Right(pred, answer) {
			return 1
		}
		return 0
	}),
	Majority: func(preds []string) string {
		if i := maths.Majority(preds); i >= 0 {
			return preds[i]
		}
		return ""
	},
}

// best scores a prediction against the answer that it fits best.
func best(one func(pred, answer string) float64) func(string, Reference) float64 {
	return func(pred string, ref Reference) float64 {
		most := 0.0
		for _, answer := range ref.Answers {
			most = max(most, one(pred, answer))
		}
		return most
	}
}

// chinese is a metric over words of Chinese text.
func chinese(metric string, one func(pred, answer string, cut func(string) []string) float64) Scorer {
	return Scorer{Metric: metric, Chinese: true, cut: func(cut func(string) []string) func(string, Reference) float64 {
		return best(func(pred, answer string) float64 { return one(pred, answer, cut) })
	}}
}
