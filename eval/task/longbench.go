package task

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LongBench (Bai et al., arXiv 2308.14508) and LongBench-E. Prompts that are longer
// than the model's context are cut in the middle where they are answered, which
// takes a tokenizer. What only a generation loop could do is left out: the official
// script keeps samsum's answers from beginning with the newline that ends them.

var longBench = []struct{ name, summary string }{
	{"narrativeqa", "Questions about novels and film scripts."},
	{"qasper", "Questions about scientific papers."},
	{"multifieldqa_en", "Questions about long articles of many fields."},
	{"multifieldqa_zh", "Questions about long articles of many fields, in Chinese."},
	{"hotpotqa", "Questions over two of several Wikipedia passages."},
	{"2wikimqa", "Questions over several Wikipedia passages that compare or chain facts."},
	{"musique", "Questions that chain up to four facts over Wikipedia passages."},
	{"dureader", "Questions over several web pages, in Chinese."},
	{"gov_report", "Summaries of government reports."},
	{"qmsum", "Questions about transcripts of meetings, answered in sentences."},
	{"multi_news", "Summaries of several news articles on one event."},
	{"vcsum", "Summaries of transcripts of meetings, in Chinese."},
	{"trec", "The type of a question, after many examples."},
	{"triviaqa", "A trivia question about a passage, after examples."},
	{"samsum", "The summary of a dialogue, after examples."},
	{"lsht", "The class of a news article, after examples, in Chinese."},
	{"passage_count", "How many of the paragraphs are not repeated."},
	{"passage_retrieval_en", "Which of 30 paragraphs a summary is of."},
	{"passage_retrieval_zh", "Which of several paragraphs a summary is of, in Chinese."},
	{"lcc", "The next line of a file of code."},
	{"repobench-p", "The next line of code, with other files of the repository."},
}

// longBench16 are those of the paper's tables.
var longBench16 = strings.Fields(`narrativeqa qasper multifieldqa_en hotpotqa musique dureader gov_report qmsum multi_news trec triviaqa samsum
	passage_count passage_retrieval_en lcc repobench-p`)

var longBenchE = strings.Fields(`qasper multifieldqa_en hotpotqa 2wikimqa gov_report multi_news trec triviaqa samsum
	passage_count passage_retrieval_en lcc repobench-p`)

// plainTasks are given to chat models without their template, as the official
// script does: examples and code are to be continued.
var plainTasks = strings.Fields(`trec triviaqa samsum lsht lcc repobench-p`)

//go:embed longbench/*.json
var longBenchFiles embed.FS

func longBenchTable[V any](name string) map[string]V {
	data, err := longBenchFiles.ReadFile("longbench/" + name)
	if err != nil {
		panic(err) // embedded
	}
	var table map[string]V
	if err := json.Unmarshal(data, &table); err != nil {
		panic(err)
	}
	return table
}

func longBenchTasks() []Task {
	var all []Task
	for _, t := range longBench {
		all = append(all, longBenchTask(t.name, "longbench", t.summary, t.name))
	}
	return all
}

func longBenchETasks() []Task {
	var all []Task
	for _, t := range longBench {
		if slices.Contains(longBenchE, t.name) {
			all = append(all, longBenchTask(t.name+"_e", "longbench-e", t.summary, t.name))
		}
	}
	return all
}

func longBenchTask(name, group, summary, kind string) Task {
	return Task{Name: name, Group: group, Summary: summary, Scorer: scorer(name), Records: func(o Options) ([]Record, error) {
		template, ok := longBenchTable[string]("dataset2prompt.json")[kind]
		most := longBenchTable[int]("dataset2maxlen.json")[kind]
		if !ok || most == 0 {
			return nil, fmt.Errorf("task %s: no prompt", name)
		}
		all, err := readLines(o.Data, func(line longBenchLine) (Record, error) {
			if err := line.check(kind); err != nil {
				return Record{}, err
			}
			r := Record{Task: name, ID: line.ID, Prompt: line.Prompt, Raw: slices.Contains(plainTasks, kind), MaxTokens: most}
			if line.Context != nil {
				r.Prompt = strings.NewReplacer("{context}", *line.Context, "{input}", *line.Input).Replace(template)
			}
			if kind == "samsum" {
				r.Stop = []string{"\n"}
			}
			r.Reference.Answers, r.Reference.Classes, r.Reference.Length = line.Answers, line.Classes, *line.Length
			if group == "longbench-e" {
				r.Facts = map[string]float64{"group": float64(min(*line.Length/4000, 2) * 4000)} // words
			}
			return r, nil
		}, "data/"+name+".jsonl", name+".jsonl")
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", name, err)
		}
		return all, nil
	}}
}

// A longBenchLine is a line of the official files. MiniLongBench's have the whole
// prompt as well, and some have nothing else.
type longBenchLine struct {
	ID      string   `json:"_id"`
	Dataset string   `json:"dataset"`
	Input   *string  `json:"input"`
	Context *string  `json:"context"`
	Prompt  string   `json:"prompt"`
	Answers []string `json:"answers"`
	Classes []string `json:"all_classes"`
	Length  *int     `json:"length"`
}

func (l longBenchLine) check(kind string) error {
	switch {
	case l.ID == "":
		return missing("_id")
	case l.Dataset != "" && strings.TrimSuffix(l.Dataset, "_e") != kind:
		return fmt.Errorf("a record of %q", l.Dataset)
	case l.Context == nil && l.Prompt == "":
		return missing("context")
	case l.Context != nil && l.Input == nil:
		return missing("input")
	case l.Context != nil && strings.TrimSpace(*l.Context) == "":
		return errors.New("the context is empty")
	case len(l.Answers) == 0:
		return missing("answers")
	case (kind == "trec" || kind == "lsht") && len(l.Classes) == 0:
		return missing("all_classes")
	case l.Length == nil || *l.Length < 0:
		return missing("length")
	}
	return nil
}

func missing(field string) error { return fmt.Errorf("the field %q is missing", field) }
