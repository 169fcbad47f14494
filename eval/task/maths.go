package task

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Maths with long chains of thought, without examples in the prompt. An answer may
// take as many tokens as the paper's.

const (
	boxed       = "Please reason step by step, and put your final answer within \\boxed{}."
	mathsTokens = 32768
)

func mathsTasks() []Task {
	task := func(name, summary string, files ...string) Task {
		return Task{Name: name, Group: "maths", Summary: summary, Scorer: scorer(name), Records: func(o Options) ([]Record, error) {
			all, err := readLines(o.Data, func(line mathsLine) (Record, error) { return line.record(name) }, files...)
			if err != nil {
				return nil, fmt.Errorf("task %s: %w", name, err)
			}
			return all, nil
		}}
	}
	return []Task{
		task("gsm8k", "Word problems of primary school: the 1,319 of the test set (gsm8k/test.jsonl or main/test-*.parquet).",
			"gsm8k/test.jsonl", "gsm8k.jsonl", "main/test-*.parquet", "gsm8k/main/test-*.parquet"),
		task("math_oai", "The 500 problems of MATH that OpenAI tested on (math_oai.jsonl, math/math_oai.jsonl, MATH-500/test.jsonl).",
			"math_oai.jsonl", "math/math_oai.jsonl", "math_splits/test.jsonl", "MATH-500/test.jsonl", "math_oai/*.parquet"),
		task("aime24", "The 30 problems of AIME 2024 (aime24.jsonl, aime/aime24.jsonl, aime_2024/data/*.parquet).",
			"aime24.jsonl", "aime/aime24.jsonl", "aime24/*.jsonl", "aime_2024/data/*.parquet", "aime24/*.parquet"),
		task("aime25", "The 30 problems of AIME 2025 (aime25.jsonl, aime/aime25.jsonl, aime25/test.jsonl).",
			"aime25.jsonl", "aime/aime25.jsonl", "aime25/*.jsonl", "AIME2025/*.jsonl", "aime25/*.parquet"),
	}
}

// A mathsLine is a problem as any of the published files has it: GSM8K's with a
// question and a worked answer whose last line is "#### 18", the others' with a
// problem and an answer.
type mathsLine struct {
	Question string  `json:"question" parquet:"question,optional"`
	Problem  string  `json:"problem" parquet:"problem,optional"`
	Answer   text    `json:"answer" parquet:"answer,optional"`
	UniqueID string  `json:"unique_id" parquet:"unique_id,optional"`
	ID       text    `json:"id" parquet:"-"`
	Level    float64 `json:"level" parquet:"-"`
}

// text is a text, or a number that is meant as one.
type text string

func (s *text) UnmarshalJSON(data []byte) error {
	var n json.Number
	if json.Unmarshal(data, &n) == nil && len(data) > 0 && data[0] != '"' {
		*s = text(n)
		return nil
	}
	return json.Unmarshal(data, (*string)(s))
}

func (l mathsLine) record(name string) (Record, error) {
	problem, answer := cmp.Or(l.Problem, l.Question), string(l.Answer)
	if name == "gsm8k" {
		_, final, ok := strings.Cut(answer, "####")
		if answer != "" && !ok {
			return Record{}, errors.New(`the answer has no line "#### ..." with the result`)
		}
		answer = strings.ReplaceAll(final, ",", "")
	}
	answer = strings.TrimSpace(answer)
	switch {
	case strings.TrimSpace(problem) == "":
		return Record{}, missing("problem")
	case answer == "":
		return Record{}, missing("answer")
	}
	r := Record{Task: name, ID: cmp.Or(l.UniqueID, string(l.ID)), Prompt: problem + "\n\n" + boxed, MaxTokens: mathsTokens}
	r.Reference.Answers = []string{answer}
	if l.Level > 0 {
		r.Facts = map[string]float64{"level": l.Level}
	}
	return r, nil
}
