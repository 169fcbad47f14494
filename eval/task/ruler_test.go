package task

import (
	"bufio"
	"encoding/json"
	"fmt"
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

// What RULER's scripts make, and ours of as many units, must be the same text once
// chance is taken out of both.
func TestRULERForm(t *testing.T) {
	data, err := os.ReadFile("testdata/ruler.json")
	if err != nil {
		t.Fatal(err)
	}
	var official []struct {
		Task             string
		N, Length, Index int
		Input            string
		Outputs          []string
	}
	if err := json.Unmarshal(data, &official); err != nil {
		t.Fatal(err)
	}
	for _, o := range official {
		g := newGen(o.Length)
		g.index, g.sources.data = o.Index, "testdata"
		var r Record
		switch o.Task {
		case "vt":
			r, err = buildVT(g, o.N)
		case "cwe":
			r, err = buildCWE(g, o.N)
		case "fwe":
			r, err = buildFWE(g, o.N)
		case "qa_1", "qa_2":
			r = records(t, must(t, "ruler_"+o.Task), Options{Data: "testdata", Count: o.Index + 1, Lengths: []int{1000}})[o.Index]
		default:
			for _, s := range rulerNIAH {
				if s.name == o.Task {
					if s.haystack == "essay" { // asked in noise, for want of essays
						s.haystack = "noise"
					}
					r, err = s.record(g, o.N, -1)
				}
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", o.Task, err)
		}
		ours, theirs := r.Prompt+r.Prefix, o.Input
		if strings.HasPrefix(o.Task, "niah") {
			ours = r.Prompt // theirs has no beginning of an answer
		}
		if a, b := formOf(o.Task, ours), formOf(o.Task, theirs); a != b {
			i := 0
			for i < min(len(a), len(b)) && a[i] == b[i] {
				i++
			}
			t.Errorf("%s: ours %q, RULER's %q, after %q", o.Task, a[i:min(i+300, len(a))], b[i:min(i+300, len(b))], a[max(0, i-80):i])
		}
		if len(r.Reference.Answers) != len(o.Outputs) || strings.HasPrefix(o.Task, "qa") && !slices.Equal(r.Reference.Answers, o.Outputs) {
			t.Errorf("%s: answers %q, RULER's %q", o.Task, r.Reference.Answers, o.Outputs)
		}
	}
}

var (
	anUUID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	aKey       = regexp.MustCompile(`(for|and|,) [a-z-]+( [a-z]+)?-[a-z]+( [a-z]+)?( is:| mentioned|,)`)
	aNumber    = regexp.MustCompile(`\b\d{5,7}\b`)
	assignment = regexp.MustCompile(`VAR [A-Z]+ = (?:\d+|VAR [A-Z]+ ) `)
	variable   = regexp.MustCompile(`\b[A-Z]{3}\b|\b[A-Z]{5}\b`)
	entries    = regexp.MustCompile(`(\d+\. [^\d\n]+)+`)
	document   = regexp.MustCompile(`(?s)Document \d+:\n.*?\n\n`)
)

// formOf replaces what chance decides in a record.
func formOf(task, text string) string {
	switch {
	case task == "vt": // names, values, places
		var all []string
		for _, a := range assignment.FindAllString(text, -1) {
			all = append(all, aNumber.ReplaceAllString(variable.ReplaceAllString(a, "V"), "N"))
		}
		text = strings.ReplaceAll(assignment.ReplaceAllString(text, ""), ". \n", ".\n")
		return aNumber.ReplaceAllString(variable.ReplaceAllString(text, "V"), "N") + strings.Join(all, "|")
	case task == "cwe": // words: how often each comes
		return entries.ReplaceAllStringFunc(text, func(list string) string {
			var words []string
			for _, w := range regexp.MustCompile(`\d+\. `).Split(strings.TrimSuffix(list, " "), -1)[1:] {
				words = append(words, strings.TrimSpace(w))
			}
			return frequencies(words)
		})
	case task == "fwe":
		begin, rest, _ := strings.Cut(text, "coded words. ")
		words, rest, _ := strings.Cut(rest, "\nQuestion")
		return begin + frequencies(strings.Split(words, " ")) + rest
	case strings.HasPrefix(task, "qa"): // the order of documents
		docs := document.FindAllString(text, -1)
		for i := range docs {
			_, docs[i], _ = strings.Cut(docs[i], "\n")
		}
		slices.Sort(docs)
		return document.ReplaceAllString(text, "D") + strings.Join(docs, "|")
	}
	text = aNumber.ReplaceAllString(anUUID.ReplaceAllString(text, "U"), "N")
	lines := strings.Split(text, "\n")
	for i := range lines {
		for range 4 { // keys that share a comma
			lines[i] = aKey.ReplaceAllString(lines[i], "$1 K$4")
		}
	}
	slices.Sort(lines[1 : len(lines)-1])
	return strings.Join(lines, "\n")
}

// frequencies is how often the words of a list come, without which they are.
func frequencies(words []string) string {
	count := map[string]int{}
	for _, w := range words {
		count[w]++
	}
	var n []int
	for _, c := range count {
		n = append(n, c)
	}
	slices.Sort(n)
	return fmt.Sprint(n)
}

// The same, against records that were published.
func TestPublishedRULERForm(t *testing.T) {
	f, err := os.Open("../../../shared/data/open/ruler/niah_multikey_3_4096_20.jsonl")
	if err != nil {
		t.Skip("no published records here: ", err)
	}
	defer f.Close()
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
		ours, theirs := anUUID.ReplaceAllString(r.Prompt+r.Prefix, "U"), anUUID.ReplaceAllString(official.Input, "U")
		if ours != theirs {
			t.Fatalf("record %d: ours\n%s\nRULER's\n%s", n, ours, theirs)
		}
		if len(official.Outputs) != len(r.Reference.Answers) || !anUUID.MatchString(r.Reference.Answers[0]) {
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
