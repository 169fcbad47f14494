package task

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	hotpotLine = `{"input": "Who {context}?", "context": "Ann {input} came.", "answers": ["Ann"], "length": 5000, "dataset": "hotpotqa", "language": "en", "all_classes": null, "_id": "a1"}` + "\n"
	trecLine   = `{"input": "Question: Why?\nType:", "context": "Question: Who?\nType: Person", "answers": ["Reason"], "length": 10, "dataset": "trec", "language": "en", "all_classes": ["Person", "Reason"], "_id": "b1"}` + "\n"
)

// The official files, in each of the layouts they come in.
func TestLongBenchLayouts(t *testing.T) {
	second := strings.Replace(hotpotLine, "a1", "a2", 1)
	zipped := filepath.Join(t.TempDir(), "data.zip")
	f, err := os.Create(zipped)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, _ := z.Create("data/hotpotqa.jsonl")
	w.Write([]byte(hotpotLine + second))
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(zipped), "gsm8k.jsonl"), []byte(`{"question": "How many?", "answer": "#### 1"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if rs := records(t, must(t, "gsm8k"), Options{Data: filepath.Dir(zipped)}); len(rs) != 1 { // beside the zip
		t.Errorf("%+v", rs)
	}
	for _, dir := range []string{
		write(t, map[string]string{"hotpotqa.jsonl": hotpotLine + "\n" + second}),
		write(t, map[string]string{"data/hotpotqa.jsonl": hotpotLine + strings.TrimSpace(second)}),
		filepath.Dir(zipped), zipped,
	} {
		rs := records(t, must(t, "hotpotqa"), Options{Data: dir})
		if len(rs) != 2 || rs[0].ID != "a1" || rs[1].ID != "a2" {
			t.Fatalf("%s: %d records", dir, len(rs))
		}
		r := rs[0]
		// The template's gaps are filled at once: what fills one is not looked at again.
		want := "Answer the question based on the given passages. Only give me the answer and do not output any other words.\n\nThe following are given passages.\n" +
			"Ann {input} came.\n\nAnswer the question based on the given passages. Only give me the answer and do not output any other words.\n\nQuestion: Who {context}?\nAnswer:"
		if r.Prompt != want || r.MaxTokens != 32 || r.Raw || r.Reference.Length != 5000 || !slices.Equal(r.Reference.Answers, []string{"Ann"}) || r.Facts != nil {
			t.Errorf("%+v", r)
		}
	}

	dir := write(t, map[string]string{"trec.jsonl": trecLine, "hotpotqa_e.jsonl": strings.ReplaceAll(hotpotLine, `"hotpotqa"`, `"hotpotqa_e"`),
		"samsum.jsonl": strings.ReplaceAll(hotpotLine, `"hotpotqa"`, `"samsum"`)})
	r := records(t, must(t, "trec"), Options{Data: dir})[0]
	if !r.Raw || !strings.HasSuffix(r.Prompt, "Type: Person\nQuestion: Why?\nType:") || !slices.Equal(r.Reference.Classes, []string{"Person", "Reason"}) || r.Stop != nil {
		t.Errorf("%+v", r)
	}
	if r := records(t, must(t, "hotpotqa_e"), Options{Data: dir})[0]; r.Facts["group"] != 4000 || r.Task != "hotpotqa_e" {
		t.Errorf("%+v", r)
	}
	if r := records(t, must(t, "samsum"), Options{Data: dir})[0]; !r.Raw || !slices.Equal(r.Stop, []string{"\n"}) || r.MaxTokens != 128 {
		t.Errorf("%+v", r)
	}
}

// Published prompts are the oracle of ours.
func TestLongBenchPrompts(t *testing.T) {
	const dir = "../../../shared/data/measure-only/longbench/records"
	files, _ := filepath.Glob(dir + "/*.jsonl")
	if len(files) == 0 {
		t.Skip("no published records here")
	}
	same := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		rs := records(t, must(t, name), Options{Data: dir})
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range slices.Collect(strings.Lines(string(data))) {
			var official struct{ Prompt, Input string }
			if err := json.Unmarshal([]byte(line), &official); err != nil {
				t.Fatal(err)
			}
			switch {
			case rs[i].Prompt == official.Prompt,
				name == "multi_news" && rs[i].Prompt+"\n" == official.Prompt: // MiniLongBench ends this one with a new line
				same++
			case strings.ReplaceAll(rs[i].Prompt, "asconcisely", "as concisely") != official.Prompt && // MiniLongBench spells one prompt right
				name != "qasper": // and gives some the prompt of hotpotqa
				t.Errorf("%s record %d: ours %.100q ... %.100q\npublished %.100q ... %.100q", name, i, rs[i].Prompt, tail(rs[i].Prompt, 100), official.Prompt, tail(official.Prompt, 100))
			}
		}
	}
	if same < 90 {
		t.Errorf("%d prompts are as published", same)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func TestLongBenchTables(t *testing.T) {
	prompts, most := longBenchTable[string]("dataset2prompt.json"), longBenchTable[int]("dataset2maxlen.json")
	for _, k := range longBench {
		if !strings.Contains(prompts[k.name], "{context}") || most[k.name] == 0 {
			t.Errorf("%s has no prompt or no length", k.name)
		}
	}
	for group, n := range map[string]int{"longbench": 21, "longbench16": 16, "longbench-e": 13, "ruler": 13, "maths": 4} {
		if found, err := Find(group); err != nil || len(found) != n {
			t.Errorf("%s: %d tasks, %v", group, len(found), err)
		}
	}
	paper, err := Find("longbench16")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range paper {
		if k.Name == "2wikimqa" || strings.HasSuffix(k.Name, "_e") {
			t.Errorf("longbench16 has %s", k.Name)
		}
	}
}

func TestMathsLayouts(t *testing.T) {
	dir := write(t, map[string]string{
		"gsm8k/test.jsonl":   `{"question": "How many?", "answer": "2*600=1200\n#### 1,200"}` + "\n",
		"math_oai.jsonl":     `{"problem": "What is $x$?", "solution": "...", "answer": "\\frac{1}{2}", "subject": "Algebra", "level": 3, "unique_id": "test/algebra/1.json"}` + "\n",
		"aime/aime24.jsonl":  `{"id": "aime24-00", "problem": "Find $n$.", "answer": "204"}` + "\n",
		"aime25/a.jsonl":     `{"question": "Find $m$.", "answer": 70}` + "\n",
		"aime25/b.jsonl":     `{"question": "Find $k$.", "answer": "588"}` + "\n",
		"main/unrelated.txt": "",
	})
	for name, want := range map[string]Record{
		"gsm8k":    {ID: "0", Prompt: "How many?"},
		"math_oai": {ID: "test/algebra/1.json", Prompt: "What is $x$?", Facts: map[string]float64{"level": 3}},
		"aime24":   {ID: "aime24-00", Prompt: "Find $n$."},
		"aime25":   {ID: "0", Prompt: "Find $m$."},
	} {
		answer := map[string]string{"gsm8k": "1200", "math_oai": `\frac{1}{2}`, "aime24": "204", "aime25": "70"}[name]
		r := records(t, must(t, name), Options{Data: dir})[0]
		if r.ID != want.ID || r.Prompt != want.Prompt+"\n\nPlease reason step by step, and put your final answer within \\boxed{}." ||
			!slices.Equal(r.Reference.Answers, []string{answer}) || r.MaxTokens != 32768 || r.Facts["level"] != want.Facts["level"] {
			t.Errorf("%s: %+v", name, r)
		}
		if k := must(t, name); k.Scorer.Score("So it is \\boxed{"+answer+"}.", r.Reference) != 1 || k.Scorer.Score("So it is \\boxed{-1}.", r.Reference) != 0 {
			t.Errorf("%s: the right answer is not told from a wrong one", name)
		}
	}
	if rs := records(t, must(t, "aime25"), Options{Data: dir}); len(rs) != 2 || rs[1].ID != "1" || rs[1].Reference.Answers[0] != "588" {
		t.Errorf("aime25 of two files: %+v", rs)
	}
	rs := records(t, must(t, "gsm8k"), Options{Data: "testdata"}) // a parquet file
	if len(rs) != 2 || rs[0].Reference.Answers[0] != "42" || rs[1].Reference.Answers[0] != "1001" || !strings.HasPrefix(rs[1].Prompt, "How many are 1,000 and 1?\n\n") {
		t.Errorf("%+v", rs)
	}
}

// Every published problem must be there, with an answer.
func TestPublishedMaths(t *testing.T) {
	const dir = "../../../shared/data"
	if !exists(dir) {
		t.Skip("no published problems here")
	}
	for _, c := range []struct {
		name, dir string
		n         int
	}{{"gsm8k", "open", 1319}, {"math_oai", "open", 500}, {"aime24", "measure-only", 30}, {"aime25", "measure-only", 30}} {
		if rs := records(t, must(t, c.name), Options{Data: filepath.Join(dir, c.dir)}); len(rs) != c.n {
			t.Errorf("%s: %d records", c.name, len(rs))
		}
	}
}

// Bad input names the file and the line, and what is wrong.
func TestBadData(t *testing.T) {
	without := func(field string) string {
		var line map[string]any
		if err := json.Unmarshal([]byte(trecLine), &line); err != nil {
			t.Fatal(err)
		}
		delete(line, field)
		data, _ := json.Marshal(line)
		return string(data)
	}
	for _, c := range []struct{ task, file, text, want string }{
		{"trec", "trec.jsonl", trecLine + without("context"), `line 2: the field "context" is missing`},
		{"trec", "trec.jsonl", without("input"), `line 1: the field "input" is missing`},
		{"trec", "trec.jsonl", without("answers"), `"answers" is missing`},
		{"trec", "trec.jsonl", without("all_classes"), `"all_classes" is missing`},
		{"trec", "trec.jsonl", without("length"), `"length" is missing`},
		{"trec", "trec.jsonl", without("_id"), `"_id" is missing`},
		{"trec", "trec.jsonl", trecLine + trecLine[:40], "line 2: the last line is torn"},
		{"trec", "trec.jsonl", trecLine[:40] + "\n" + trecLine, "line 1: unexpected end of JSON input"},
		{"trec", "trec.jsonl", strings.TrimSpace(trecLine) + trecLine, "line 1: invalid character '{' after top-level value"},
		{"trec", "trec.jsonl", strings.Replace(trecLine, "Who", "Wh\xff", 1), "line 1: not UTF-8"},
		{"trec", "trec.jsonl", trecLine + trecLine, `two records are called "b1"`},
		{"trec", "trec.jsonl", hotpotLine, `line 1: a record of "hotpotqa"`},
		{"trec", "trec.jsonl", strings.Replace(trecLine, `"length": 10`, `"length": "ten"`, 1), "line 1: json: cannot unmarshal string"},
		{"trec", "trec.jsonl", strings.Replace(trecLine, `Question: Who?\nType: Person`, ` \n`, 1), "line 1: the context is empty"},
		{"trec", "trec.jsonl", "", "there is no record in it"},
		{"gsm8k", "gsm8k.jsonl", `{"question": "How many?", "answer": "none"}`, `line 1: the answer has no line "#### ..."`},
		{"gsm8k", "gsm8k.jsonl", `{"question": "How many?"}`, `line 1: the field "answer" is missing`},
		{"aime24", "aime24.jsonl", `{"answer": "3"}`, `line 1: the field "problem" is missing`},
		{"gsm8k", "main/test-0.parquet", "PAR1 not really", "not a parquet file"},
		{"ruler_qa_1", "squad.json", `{"data": [{"paragraphs": [{"context": "A.", "qas": [{"question": "", "answers": [{"text": "A"}]}]}]}]}`, "question 0 is empty"},
		{"ruler_qa_1", "dev-v2.0.json", `{"data": []}`, "no questions in it"},
		{"ruler_qa_2", "hotpotqa.json", `[{"question": "Who?", "answer": "A", "context": [["title"]]}]`, "the official file is meant"},
		{"ruler_qa_2", "hotpotqa.json", `[{"question": "Who?", "answer": "A"}]`, "question 0 has no documents"},
		{"ruler_niah_single_2", "PaulGrahamEssays.json", `{`, "unexpected end"},
		{"text_encyclopedia", "encyclopedia/a.txt", "Too short.", "too short"},
	} {
		dir := write(t, map[string]string{c.file: c.text})
		_, err := must(t, c.task).Records(Options{Data: dir, Lengths: []int{1000}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %.60q: %v; want %q", c.task, c.text, err, c.want)
			continue
		}
		if !strings.Contains(err.Error(), c.task) || c.task != "text_encyclopedia" && !strings.Contains(filepath.ToSlash(err.Error()), filepath.Base(c.file)) {
			t.Errorf("%s: %v does not say where", c.task, err)
		}
	}
}

func TestNoData(t *testing.T) {
	for _, name := range []string{"hotpotqa", "gsm8k", "ruler_qa_1", "text_encyclopedia"} {
		for _, dir := range []string{"", t.TempDir()} {
			_, err := must(t, name).Records(Options{Data: dir})
			if !errors.Is(err, ErrNoData) || !strings.Contains(err.Error(), "--data DIR") {
				t.Errorf("%s in %q: %v", name, dir, err)
			}
		}
	}
	if _, err := must(t, "number").Records(Options{Lengths: []int{1 << 30}}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a length that no memory holds: %v", err)
	}
	if _, err := must(t, "hotpotqa").Records(Options{Data: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a folder that is not there is taken")
	}
	if _, err := must(t, "hotpotqa").Records(Options{Data: filepath.Join(write(t, map[string]string{"x": "no zip"}), "x")}); err == nil || !strings.Contains(err.Error(), "data.zip") {
		t.Errorf("a file that is no zip: %v", err)
	}
}

func TestFind(t *testing.T) {
	_, err := Find("hotpot")
	if err == nil || !strings.Contains(err.Error(), "longbench16") || !strings.Contains(err.Error(), "help tasks") {
		t.Errorf("%v", err)
	}
	for name, optional := range map[string]bool{"gsm8k": false, "maths": true, "longbench16": true} {
		found, err := Find(name)
		if err != nil || slices.ContainsFunc(found, func(k Task) bool { return k.Optional != optional }) {
			t.Errorf("%s: %v, %+v", name, err, found)
		}
	}
	seen := map[string]bool{}
	for _, k := range All() {
		if seen[k.Name] || k.Summary == "" || !strings.HasSuffix(k.Summary, ".") || k.Records == nil {
			t.Errorf("%+v", k)
		}
		seen[k.Name] = true
		if found, err := Find(k.Name); err != nil || len(found) != 1 {
			t.Errorf("%s: %d found, %v", k.Name, len(found), err)
		}
		if found, err := Find(k.Group); err != nil || len(found) < 2 {
			t.Errorf("%s: %v", k.Group, err)
		}
	}
	for _, g := range Groups() {
		if seen[g.Name] {
			t.Errorf("%s is a group and a task", g.Name)
		}
	}
}

// Essays of the folder of data are read instead of the bundled novels.
func TestEssays(t *testing.T) {
	var essay strings.Builder
	for i := range 400 {
		fmt.Fprintf(&essay, "Sentence %d of an essay stands here.\n", i)
	}
	quoted, _ := json.Marshal(map[string]string{"text": essay.String()})
	for _, dir := range []string{
		write(t, map[string]string{"PaulGrahamEssays/a.txt": essay.String()}),
		write(t, map[string]string{"PaulGrahamEssays.json": string(quoted)}),
	} {
		r := records(t, must(t, "ruler_niah_single_2"), Options{Data: dir, Count: 1})[0]
		if !strings.Contains(r.Prompt, "Sentence 7 of an essay stands here. ") || strings.Contains(r.Prompt, "Ahab") {
			t.Errorf("%.300q", r.Prompt)
		}
	}
}
