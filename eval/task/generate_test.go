package task

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write testdata/records.json anew")

// generatedTasks are those that need no data.
func generatedTasks() []Task {
	return slices.DeleteFunc(All(), func(t Task) bool {
		return !slices.Contains([]string{"ruler", "niah", "own"}, t.Group) || strings.HasPrefix(t.Name, "ruler_qa") || t.Name == "text_encyclopedia"
	})
}

func records(t *testing.T, k Task, o Options) []Record {
	t.Helper()
	rs, err := k.Records(o)
	if err != nil {
		t.Fatalf("%s: %v", k.Name, err)
	}
	return rs
}

// Scores are compared over time and machines: the records of a seed must never change.
func TestRecordsNeverChange(t *testing.T) {
	const file = "testdata/records.json"
	got := map[string]string{}
	for _, k := range generatedTasks() {
		data, err := json.Marshal(records(t, k, Options{Lengths: []int{1536, 4096}, Count: 2, Seed: 7}))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		got[k.Name] = hex.EncodeToString(sum[:8])
	}
	if *update {
		data, _ := json.MarshalIndent(got, "", "  ")
		if err := os.WriteFile(file, append(data, '\n'), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for name, sum := range got {
		if want[name] != sum {
			t.Errorf("%s: records of this seed are no longer what they were", name)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%s has %d tasks, there are %d", file, len(want), len(got))
	}
}

func TestRecordsDependOnSeedAndNothingElse(t *testing.T) {
	for _, k := range generatedTasks() {
		few := records(t, k, Options{Lengths: []int{2048}, Count: 2, Seed: 1})
		more := records(t, k, Options{Lengths: []int{1600, 2048}, Count: 3, Seed: 1})
		for i, r := range few {
			if r.Prompt != more[3+i].Prompt || r.Target != more[3+i].Target {
				t.Errorf("%s: record %s changes with how many are asked for", k.Name, r.ID)
			}
		}
		other := records(t, k, Options{Lengths: []int{2048}, Count: 2, Seed: 2})
		if few[0].Prompt == other[0].Prompt {
			t.Errorf("%s: another seed gives the same record", k.Name)
		}
		if few[0].Prompt == few[1].Prompt || few[0].ID == few[1].ID {
			t.Errorf("%s: two records are the same", k.Name)
		}
	}
}

func TestRecordsFillTheLength(t *testing.T) {
	pieces := func(s string) int { // an unruly tokenizer: every letter change counts
		n, last := 0, rune(0)
		for _, r := range s {
			if unicode.IsLetter(r) != unicode.IsLetter(last) || n%3 == 0 {
				n++
			}
			last = r
		}
		return n
	}
	for _, tokens := range []func(string) int{nil, pieces} {
		for _, k := range generatedTasks() {
			for _, r := range records(t, k, Options{Lengths: []int{2500, 3000, 4096, 9000}, Count: 3, Seed: 3, Tokens: tokens}) {
				count := tokens
				if count == nil {
					count = func(s string) int { return (len(s) + 3) / 4 }
				}
				length := int(r.Facts["length"])
				if n := r.size(count); n > length || n < length*8/10 {
					t.Errorf("%s %s: %d tokens", k.Name, r.ID, n)
				}
				if r.Target != "" && r.MaxTokens == 0 && count(r.Target) > heldOutTokens {
					t.Errorf("%s %s: %d tokens to continue", k.Name, r.ID, count(r.Target))
				}
			}
		}
	}
}

func TestTooShort(t *testing.T) {
	for _, k := range generatedTasks() {
		_, err := k.Records(Options{Lengths: []int{60}})
		if err == nil || !strings.Contains(err.Error(), "greater length") || !strings.Contains(err.Error(), k.Name) {
			t.Errorf("%s: %v", k.Name, err)
		}
		if _, err := k.Records(Options{Count: -1}); err == nil {
			t.Errorf("%s: a negative number of records is taken", k.Name)
		}
	}
}

// Where one thing is asked for, it must stand in the prompt once, at the depth that
// the record says, and neither in the question nor in the answer's beginning.
func TestAnswersStandWhereTheyShould(t *testing.T) {
	for _, k := range generatedTasks() {
		for _, r := range records(t, k, Options{Lengths: []int{1536, 3072}, Count: 12, Seed: 5}) {
			times := 1
			switch {
			case k.Name == "passkey":
				times = 2
			case strings.HasPrefix(k.Name, "text_"), k.Name == "ruler_cwe", k.Name == "ruler_fwe", k.Name == "ruler_vt", strings.HasPrefix(k.Name, "fact"):
				continue // below
			}
			answers := r.Reference.Answers
			if r.Target != "" && len(answers) > 1 && !strings.HasPrefix(k.Name, "several") {
				answers = []string{r.Target} // whose pieces may come again
			}
			for _, a := range answers {
				if n := strings.Count(r.Prompt, a); n != times {
					t.Errorf("%s %s: %q is in the prompt %d times", k.Name, r.ID, a, n)
				}
				if strings.Contains(r.Later+r.Prefix, a) {
					t.Errorf("%s %s: the question has the answer %q", k.Name, r.ID, a)
				}
			}
			if len(r.Reference.Answers) != 1 {
				continue
			}
			depth, ok := r.Facts["depth"]
			at := float64(strings.Index(r.Prompt, r.Reference.Answers[0])) / float64(len(r.Prompt))
			if !ok || depth < at-0.2 || depth > at+0.2 { // the prompt is more than the document
				t.Errorf("%s %s: depth %.2f, but it stands at %.2f", k.Name, r.ID, depth, at)
			}
		}
	}
}

// Rightness must not come from the score: each record's own target, or its answers,
// are given as the prediction.
func TestTheRightAnswerScores1(t *testing.T) {
	for _, k := range generatedTasks() {
		for _, r := range records(t, k, Options{Lengths: []int{1536}, Count: 3, Seed: 5}) {
			if r.MaxTokens == 0 {
				continue
			}
			right := strings.Join(r.Reference.Answers, ", ")
			if r.Target != "" {
				right = r.Target
			}
			if s := k.Scorer.Score(right, r.Reference); s != 1 {
				t.Errorf("%s %s: %q scores %g", k.Name, r.ID, right, s)
			}
			if s := k.Scorer.Score("I do not know.", r.Reference); s != 0 {
				t.Errorf("%s %s: no answer scores %g", k.Name, r.ID, s)
			}
		}
	}
}

func TestLaterIsTheSameQuestion(t *testing.T) {
	for _, k := range generatedTasks() {
		if !strings.HasSuffix(k.Name, later) {
			continue
		}
		now, err := Find(strings.TrimSuffix(k.Name, later))
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Lengths: []int{3072}, Count: 4, Seed: 9}
		same := records(t, now[0], o)
		for i, r := range records(t, k, o) {
			if r.Later == "" || r.Reply == "" || strings.Contains(r.Prompt, r.Later) {
				t.Errorf("%s %s: the question does not come later", k.Name, r.ID)
			}
			if k.Name != "copy_later" && k.Name != "kv_lines_later" && (!strings.HasSuffix(same[i].Prompt, r.Later) || r.Target != same[i].Target) { // those two take from where their length is
				t.Errorf("%s %s: another question than without _later", k.Name, r.ID)
			}
		}
	}
}

func TestFacts(t *testing.T) {
	gap := regexp.MustCompile(`[A-Z]{3}`)
	seen := map[string]bool{}
	for _, r := range records(t, must(t, "fact"), Options{Lengths: []int{2048}, Count: 80, Seed: 1}) {
		question := r.Prompt[strings.LastIndex(r.Prompt, "\n\n")+2:]
		document := strings.TrimSuffix(r.Prompt, question)
		if gap.MatchString(question + r.Prefix + r.Target) {
			t.Errorf("%s: a gap is not filled: %s %s %s", r.ID, question, r.Prefix, r.Target)
		}
		if !strings.Contains(document, r.Reference.Answers[0]) || strings.Contains(question+r.Prefix, " "+r.Reference.Answers[0]) {
			t.Errorf("%s: %q is not in the text, or in the question %q", r.ID, r.Reference.Answers[0], question)
		}
		seen[r.Prefix[:8]] = true
	}
	if len(seen) < len(facts)/2 {
		t.Errorf("only %d kinds of facts came up", len(seen))
	}
}

// What is continued must follow the prompt in the text, and calibration must not
// have seen it.
func TestHeldOutTextGoesOn(t *testing.T) {
	for _, name := range []string{"text_novel", "text_code"} {
		text := bundledText("text/" + strings.TrimPrefix(name, "text_") + ".txt")
		for _, r := range records(t, must(t, name), Options{Lengths: []int{1536, 8192}, Count: 5, Seed: 2}) {
			if !r.Raw || !strings.Contains(text, r.Prompt+r.Target) || len(r.Target) < 400 {
				t.Errorf("%s %s: the target does not go on from the prompt", name, r.ID)
			}
		}
		// The more tokens a word has the fewer words fit; at one each, most are tried.
		words := func(s string) int { return len(strings.Fields(s)) }
		records(t, must(t, name), Options{Lengths: []int{1536, 3072}, Count: 20, Seed: 3, Tokens: words})
	}
	books, err := filepath.Glob("../../internal/probe/text/*.txt")
	if err != nil || len(books) == 0 {
		t.Fatalf("no texts of calibration: %v", err)
	}
	calibration, err := readTexts("../../internal/probe/text/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(bundledText("text/novel.txt")) {
		if s := strings.TrimSpace(line); strings.Contains(calibration, s[:min(len(s), 100)]) {
			t.Errorf("calibration has %.100q", s)
		}
	}
}

func must(t *testing.T, name string) Task {
	t.Helper()
	found, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}
