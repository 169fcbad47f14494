package score

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ready is the scorer of a task; Chinese text is cut with the small tables.
func ready(t *testing.T, task string) Scorer {
	t.Helper()
	s, ok := For(task)
	if !ok {
		t.Fatalf("no scorer for %s", task)
	}
	s, err := s.Ready("jieba/testdata/small.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the packages of the published numbers make of it (tools/golden/score.py).
func TestLongBench(t *testing.T) {
	data, err := os.ReadFile("testdata/longbench.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Task, Pred string
		Answers    []string
		Classes    []string `json:"all_classes"`
		Score      float64
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	metrics, between := map[string]int{}, 0
	for _, r := range rows {
		s := ready(t, r.Task)
		ref := Reference{Answers: r.Answers, Classes: r.Classes}
		if got := s.Score(r.Pred, ref); math.Abs(got-r.Score) > 1e-15 {
			t.Errorf("%s: %q for %q: %v, want %v", r.Task, r.Pred, r.Answers, got, r.Score)
		}
		metrics[s.Metric]++
		if r.Score > 0 && r.Score < 1 {
			between++
		}
	}
	if len(metrics) != 9 || between < 100 {
		t.Errorf("%d metrics, %d scores between 0 and 1", len(metrics), between)
	}
}

// The sets of predictions that LongBench published lie beside the repository, with
// their official scores.
func TestSharedLongBench(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "measure-only", "longbench", "predictions")
	results, err := filepath.Glob(filepath.Join(dir, "*", "result.json"))
	if err != nil || len(results) == 0 {
		t.Skipf("extra data %s is absent", dir)
	}
	for _, result := range results {
		data, err := os.ReadFile(result)
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]float64
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for task, want := range want {
			s, ok := For(task)
			if !ok {
				t.Errorf("no scorer for %s", task)
				continue
			}
			if s, err = s.Ready(""); err != nil {
				t.Logf("%s: %v", task, err)
				continue
			}
			data, err := os.ReadFile(filepath.Join(filepath.Dir(result), task+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			sum, n := 0.0, 0
			for line := range strings.Lines(string(data)) {
				var r struct {
					Pred    string
					Answers []string
					Classes []string `json:"all_classes"`
				}
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				sum += s.Score(r.Pred, Reference{Answers: r.Answers, Classes: r.Classes})
				n++
			}
			if got, want := fmt.Sprintf("%.2f", 100*sum/float64(n)), fmt.Sprintf("%.2f", want); got != want {
				t.Errorf("%s: %s: %s, official %s", result, task, got, want)
			}
		}
	}
}

func TestRetrieval(t *testing.T) {
	for _, c := range []struct {
		task, pred string
		answers    []string
		want       float64
	}{
		{"ruler_vt", "They are ABC, DEF", []string{"abc", "def", "ghi", "jkl"}, 0.5},
		{"ruler_vt", "", []string{"abc"}, 0},
		{"ruler_niah_single_1", "it is 12345.", []string{"1234"}, 1}, // as the official script has it
		{"ruler_niah_multikey_3", "a\x01b", []string{"a\nb"}, 1},
		{"ruler_qa_1", "In Paris, France", []string{"paris", "Lyon"}, 1},
		{"ruler_qa_2", "In Rome", []string{"paris", "Lyon"}, 0},
		{"niah", "The numbers are 12345 and 99.", []string{"1234", "99"}, 0.5},
		{"niah", "12345, 1234", []string{"1234"}, 1},
		{"passkey", "The pass key is 70981. Remember it", []string{"70981"}, 1},
		{"passkey", "709811", []string{"70981"}, 0},
		{"passkey", "070981", []string{"70981"}, 0},
		{"passkey", "", []string{""}, 0},
		{"gsm8k", "so \\boxed{18}", []string{"9 * 2 = 18\n#### 18"}, 1},
		{"aime24", "\\boxed{204}", []string{"203", "204"}, 1},
		{"math_oai", "\\boxed{\\frac12}", []string{"\\frac{1}{3}"}, 0},
	} {
		if got := ready(t, c.task).Score(c.pred, Reference{Answers: c.answers}); got != c.want {
			t.Errorf("%s: %q for %q: %v, want %v", c.task, c.pred, c.answers, got, c.want)
		}
	}
}

func TestTasks(t *testing.T) {
	for _, task := range Tasks() {
		if s := ready(t, task); s.Score == nil || s.Metric == "" {
			t.Errorf("%s has no score", task)
		}
	}
	if len(LongBench) != 21 || len(longBench) != 21 || len(LongBench16) != 16 || len(longBenchE) != 13 || len(ruler) != 13 {
		t.Error("a table of tasks has gained or lost one")
	}
	for _, task := range append(LongBench16, longBenchE...) {
		if _, ok := longBench[task]; !ok {
			t.Errorf("%s is none of LongBench's tasks", task)
		}
	}
	for _, task := range []string{"", "vt", "ruler_hotpotqa", "narrativeqa_e", "gsm8k_e"} {
		if _, ok := For(task); ok {
			t.Errorf("%q has a scorer", task)
		}
	}
	if !Grouped("lcc_e") || Grouped("lcc") {
		t.Error("LongBench-E's tasks end in _e")
	}
}

func TestGroup(t *testing.T) {
	for words, want := range map[int]string{0: "0-4k", 3999: "0-4k", 4000: "4-8k", 7999: "4-8k", 8000: "8k+"} {
		if got := Group(words); got != want {
			t.Errorf("%d words: %s, want %s", words, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		task string
		ref  Reference
		want string
	}{
		{"hotpotqa", Reference{}, "no answers"},
		{"trec", Reference{Answers: []string{"Food"}}, "no all_classes"},
		{"trec_e", Reference{Answers: []string{"Food"}, Classes: []string{"Food"}}, "no length"},
		{"passage_retrieval_en", Reference{Answers: []string{"12"}}, "names no paragraph"},
		{"passage_retrieval_en_e", Reference{Answers: []string{"Paragraph 12"}, Length: 1}, ""},
	} {
		err := ready(t, c.task).Check(c.ref)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.task, err, c.want)
		}
	}
}

func TestReadyWithoutTables(t *testing.T) {
	s, _ := For("dureader")
	if _, err := s.Ready(filepath.Join(t.TempDir(), "no.tar.gz")); err == nil || !strings.Contains(err.Error(), "fetch-jieba.sh") {
		t.Error(err)
	}
	if s.Score != nil {
		t.Error("a Chinese scorer scores without words")
	}
	if s, _ := For("hotpotqa"); s.Score == nil {
		t.Error("an English scorer needs nothing")
	}
}

// Scores stay within 0 and 1, whatever the texts.
func FuzzRatio(f *testing.F) {
	f.Add("return x", "return y")
	f.Add(strings.Repeat("ab ", 100), strings.Repeat("a b", 90))
	f.Fuzz(func(t *testing.T, a, b string) {
		got := ratio(a, b)
		if got < 0 || got > 1 || ratio(a, a) != 1 || got != ratio(a, b) {
			t.Errorf("%q and %q: %v", a, b, got)
		}
		if r := rouge(a, b); r < 0 || r > 1 || math.IsNaN(r) {
			t.Errorf("rouge of %q and %q: %v", a, b, r)
		}
	})
}
