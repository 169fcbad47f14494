package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ruler_qa_1 and ruler_qa_2: questions of SQuAD 2.0 and HotpotQA among documents of
// other questions, the official files read as RULER does.
func rulerQA() []Task {
	qa := func(name, summary string, read func([]byte) (*corpus, error), files ...string) Task {
		return generator{
			name: name, group: "ruler", summary: summary, scorer: scorer(name), lengths: []int{4096}, count: 50, least: 1,
			build: func(g *gen, n int) (Record, error) {
				c, err := g.sources.corpus(read, files)
				if err != nil {
					return Record{}, err
				}
				return c.ask(g, n)
			},
		}.task()
	}
	return []Task{
		qa("ruler_qa_1", "Questions of SQuAD 2.0 among other documents (DIR/dev-v2.0.json or squad.json).", readSQuAD, "squad.json", "dev-v2.0.json"),
		qa("ruler_qa_2", "Questions of HotpotQA among other documents (DIR/hotpot_dev_distractor_v1.json or hotpotqa.json).", readHotpotQA, "hotpotqa.json", "hotpot_dev_distractor_v1.json"),
	}
}

// A corpus is documents and questions about them.
type corpus struct {
	documents []string // each once, sorted
	questions []aboutDocuments
}

type aboutDocuments struct {
	question  string
	answers   []string
	documents []int // that are needed
	near      []int // of the same article, taken before others
}

// corpus reads the first of the files that is there, once.
func (s *sources) corpus(read func([]byte) (*corpus, error), files []string) (*corpus, error) {
	if c := s.qa[files[0]]; c != nil {
		return c, nil
	}
	for _, name := range files {
		file := filepath.Join(s.data, name)
		if s.data == "" || !exists(file) {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		c, err := read(data)
		if err == nil && len(c.questions) == 0 {
			err = fmt.Errorf("no questions in it")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; the official file is meant", file, err)
		}
		s.qa = map[string]*corpus{files[0]: c}
		return c, nil
	}
	return nil, needsData(s.data, files...)
}

// ask makes the record of question g.index: the documents it needs and others, n in
// all if there are so many.
func (c *corpus) ask(g *gen, n int) (Record, error) {
	if g.index >= len(c.questions) {
		return Record{}, fmt.Errorf("there are %d questions; ask for no more records per length", len(c.questions))
	}
	q := c.questions[g.index]
	order := slices.Clone(q.documents)
	taken := map[int]bool{}
	for _, d := range order {
		taken[d] = true
	}
	near := slices.Clone(q.near)
	g.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	for _, d := range near {
		if len(order) < n && !taken[d] {
			order, taken[d] = append(order, d), true
		}
	}
	for len(order) < min(n, len(c.documents)) {
		if d := g.IntN(len(c.documents)); !taken[d] {
			order, taken[d] = append(order, d), true
		}
	}
	g.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var b strings.Builder
	for i, d := range order {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString("Document " + strconv.Itoa(i+1) + ":\n" + c.documents[d])
	}
	const instruction = "Answer the question based on the given documents. Only give me the answer and do not output any other words."
	r := Record{
		Prompt: instruction + "\n\nThe following are given documents.\n\n" + b.String() + "\n\n" + instruction + "\n\nQuestion: " + q.question,
		Prefix: " Answer:", MaxTokens: 32,
	}
	r.Reference.Answers = q.answers
	return r, nil
}

func readSQuAD(data []byte) (*corpus, error) {
	var file struct {
		Data []struct {
			Paragraphs []struct {
				Context string
				QAs     []struct {
					Question   string
					Impossible bool `json:"is_impossible"`
					Answers    []struct{ Text string }
				}
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	var texts []string
	for _, d := range file.Data {
		for _, p := range d.Paragraphs {
			texts = append(texts, p.Context)
		}
	}
	c, index := newCorpus(texts)
	for _, d := range file.Data {
		var article []int
		for _, p := range d.Paragraphs {
			article = append(article, index[p.Context])
		}
		for _, p := range d.Paragraphs {
			for _, q := range p.QAs {
				if q.Impossible {
					continue
				}
				a := aboutDocuments{question: q.Question, documents: []int{index[p.Context]}, near: article}
				for _, t := range q.Answers {
					a.answers = append(a.answers, t.Text)
				}
				if err := a.check(len(c.questions)); err != nil {
					return nil, err
				}
				c.questions = append(c.questions, a)
			}
		}
	}
	return c, nil
}

func readHotpotQA(data []byte) (*corpus, error) {
	var file []struct {
		Question, Answer string
		Context          []hotpotDocument
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	var texts []string
	for _, d := range file {
		for _, t := range d.Context {
			texts = append(texts, string(t))
		}
	}
	c, index := newCorpus(texts)
	for i, d := range file {
		a := aboutDocuments{question: d.Question, answers: []string{d.Answer}}
		for _, t := range d.Context {
			a.documents = append(a.documents, index[string(t)])
		}
		if err := a.check(i); err != nil {
			return nil, err
		}
		c.questions = append(c.questions, a)
	}
	return c, nil
}

// hotpotDocument is [title, [sentence, ...]].
type hotpotDocument string

func (d *hotpotDocument) UnmarshalJSON(data []byte) error {
	var title string
	var body []string
	pair := []any{&title, &body}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a document is no [title, sentences]")
	}
	*d = hotpotDocument(title + "\n" + strings.Join(body, ""))
	return nil
}

func newCorpus(texts []string) (*corpus, map[string]int) {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	index := map[string]int{}
	for i, t := range texts {
		index[t] = i
	}
	return &corpus{documents: texts}, index
}

func (a aboutDocuments) check(i int) error {
	switch {
	case strings.TrimSpace(a.question) == "":
		return fmt.Errorf("question %d is empty", i)
	case len(a.answers) == 0 || a.answers[0] == "":
		return fmt.Errorf("question %d has no answer", i)
	case len(a.documents) == 0:
		return fmt.Errorf("question %d has no documents", i)
	}
	return nil
}
