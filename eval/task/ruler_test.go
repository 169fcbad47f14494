package task

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func newGen(length int) *gen {
	return &gen{rand.New(rand.NewPCG(1, 2)), length, 0, func(s string) int { return (len(s) + 3) / 4 }, &sources{}, map[string]bool{}}
}

// An official record and ours of as many lines must be the same text once chance is
// taken out of them.
func TestRULERForm(t *testing.T) {
	f, err := os.Open("../../../shared/data/open/ruler/niah_multikey_3_4096_20.jsonl")
	if err != nil {
		t.Skip("no official records here: ", err)
	}
	defer f.Close()
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	n := 0
	for ; s.Scan(); n++ {
		var official struct {
			Input   string
			Outputs []string
		}
		if err := json.Unmarshal(s.Bytes(), &official); err != nil {
			t.Fatal(err)
		}
		r, err := rulerNIAH[5].record(newGen(4096), strings.Count(official.Input, "special magic uuids for")-1, -1)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := uuid.ReplaceAllString(r.Prompt+r.Prefix, "U"), uuid.ReplaceAllString(official.Input, "U")
		if ours != theirs {
			t.Fatalf("record %d: ours\n%s\nRULER's\n%s", n, ours, theirs)
		}
		if len(official.Outputs) != len(r.Reference.Answers) || !uuid.MatchString(r.Reference.Answers[0]) {
			t.Fatalf("answers %q, RULER's %q", r.Reference.Answers, official.Outputs)
		}
	}
	if n != 20 {
		t.Errorf("%d records", n)
	}
}

func TestPasskeyForm(t *testing.T) {
	data, err := os.ReadFile("../../../shared/data/open/passkey/longlm_passkey_5k.jsonl")
	if err != nil {
		t.Skip("no published records here: ", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	var official struct{ Input, Target string }
	if err := json.Unmarshal([]byte(line), &official); err != nil {
		t.Fatal(err)
	}
	r, err := buildPasskey(newGen(4096), strings.Count(official.Input, rulerNoise))
	if err != nil {
		t.Fatal(err)
	}
	lines := func(s, key string) []string {
		l := strings.Split(strings.ReplaceAll(s, key, "K"), "\n")
		slices.Sort(l)
		return l
	}
	ours, _, _ := strings.Cut(r.Prompt, "\nWhat is")
	if !slices.Equal(lines(ours, r.Reference.Answers[0]), lines(official.Input, official.Target)) {
		t.Errorf("ours: %.600s\npublished: %.600s", ours, official.Input)
	}
}

// The wording of the other tasks, as RULER's constants have it.
func TestRULERWording(t *testing.T) {
	for name, want := range map[string]struct {
		begins, prefix string
		tokens         int
	}{
		"ruler_niah_single_1":   {"A special magic number is hidden within the following text. Make sure to memorize it. I will quiz you about the number afterwards.\n", `^ The special magic number for [a-z -]+ mentioned in the provided text is$`, 128},
		"ruler_niah_multivalue": {"Some special magic numbers are hidden within the following text. Make sure to memorize it. I will quiz you about the numbers afterwards.\n", `^ The special magic numbers for [a-z -]+ mentioned in the provided text are$`, 128},
		"ruler_niah_multiquery": {"Some special magic numbers are hidden within", `^ The special magic numbers for ([a-z -]+, ){3}and [a-z -]+ mentioned in the provided text are$`, 128},
		"ruler_vt": {"Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n",
			`^ Answer: According to the chain\(s\) of variable assignment in the text above, 5 variables are assgined the value \d{5}, they are: $`, 30},
		"ruler_cwe": {"Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that appear most often.\n1. ",
			`^ Answer: The top 10 words that appear most often in the list are:$`, 120},
		"ruler_fwe": {"Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared coded words. ",
			`^ Answer: According to the coded text above, the three most frequently appeared words are:$`, 50},
	} {
		for _, r := range records(t, must(t, name), Options{Lengths: []int{4096}, Count: 2}) {
			if !strings.HasPrefix(r.Prompt, want.begins) || !regexp.MustCompile(want.prefix).MatchString(r.Prefix) || r.MaxTokens != want.tokens {
				t.Errorf("%s: %.150q... %q, %d tokens", name, r.Prompt, r.Prefix, r.MaxTokens)
			}
		}
	}
}

// The answers of the counting and tracking tasks follow from the prompt alone.
func TestRULERAnswersFollow(t *testing.T) {
	o := Options{Lengths: []int{1536, 4096, 8192}, Count: 4, Seed: 4}
	for _, r := range records(t, must(t, "ruler_vt"), o) {
		_, text, _ := strings.Cut(r.Prompt, "they are: ") // after the example
		value := regexp.MustCompile(`the value (\d{5})`).FindStringSubmatch(r.Prefix)[1]
		var vars []string
		has := map[string]string{}
		for _, m := range regexp.MustCompile(`VAR ([A-Z]{5}) = (?:VAR )?(\w+)`).FindAllStringSubmatch(text, -1) {
			v := m[2]
			if got, ok := has[v]; ok {
				v = got
			}
			if has[m[1]] = v; v == value {
				vars = append(vars, m[1])
			}
		}
		if !slices.Equal(vars, r.Reference.Answers) {
			t.Errorf("ruler_vt %s: %q have the value, the answer is %q", r.ID, vars, r.Reference.Answers)
		}
	}
	for _, r := range records(t, must(t, "ruler_cwe"), o) {
		text := r.Prompt[strings.LastIndex(r.Prompt, "most often.\n"):]
		words := regexp.MustCompile(`\d+\. ([^\d]*?)(?: \d|\nQuestion)`)
		count := map[string]int{}
		for text = text[len("most often.\n"):]; ; {
			m := words.FindStringSubmatchIndex(text)
			if m == nil {
				break
			}
			count[text[m[2]:m[3]]]++
			text = text[m[3]:]
		}
		mostFrequent(t, r, count, 10)
	}
	for _, r := range records(t, must(t, "ruler_fwe"), o) {
		_, text, _ := strings.Cut(r.Prompt, "coded words. ")
		text, _, _ = strings.Cut(text, "\nQuestion")
		count := map[string]int{}
		for _, w := range strings.Fields(text) {
			if w != "..." {
				count[w]++
			}
		}
		mostFrequent(t, r, count, 3)
	}
}

// mostFrequent requires the answers to come more often than any other word.
func mostFrequent(t *testing.T, r Record, count map[string]int, n int) {
	t.Helper()
	least := 1 << 30
	for _, a := range r.Reference.Answers {
		least = min(least, count[a])
	}
	for w, c := range count {
		if c >= least && !slices.Contains(r.Reference.Answers, w) {
			t.Errorf("%s %s: %q comes %d times, an answer only %d", r.Task, r.ID, w, c, least)
		}
	}
	if len(r.Reference.Answers) != n {
		t.Errorf("%s %s: %d answers", r.Task, r.ID, len(r.Reference.Answers))
	}
}

func TestGridDepths(t *testing.T) {
	for _, name := range []string{"niah_single", "niah_multikey"} {
		rs := records(t, must(t, name), Options{Lengths: []int{2048}, Seed: 8})
		if len(rs) != gridDepths {
			t.Fatalf("%s: %d records", name, len(rs))
		}
		for i, r := range rs {
			at := share(r.Prompt, r.Reference.Answers[0])
			if want := float64(i) / 10; r.Facts["depth"] != want || at < want-0.12 || at > want+0.12 {
				t.Errorf("%s %s: depth %g, at %.2f, want %g", name, r.ID, r.Facts["depth"], at, want)
			}
		}
	}
}
