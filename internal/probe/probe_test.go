package probe

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// words is a tokenizer of words, punctuation and blanks, with a chat template if so
// asked. Token 0 begins every sequence, 1 and 2 are the template's.
type words struct {
	ids   map[string]int32
	names []string
	chat  bool
}

func newWords(chat bool) *words {
	return &words{ids: map[string]int32{}, names: []string{"<begin>", "<user>", "<answer>"}, chat: chat}
}

func (w *words) Encode(text string) (ids []int32) {
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
		if n <= 0 {
			if n < 0 {
				n = len(text)
			} else {
				for n = 1; n < len(text) && text[n]&0xc0 == 0x80; n++ {
				}
			}
		}
		name := text[:n]
		text = text[n:]
		id, ok := w.ids[name]
		if !ok {
			id = int32(len(w.names))
			w.ids[name] = id
			w.names = append(w.names, name)
		}
		ids = append(ids, id)
	}
	return ids
}

func (w *words) decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(w.names[id])
	}
	return b.String()
}

func (w *words) Begin() []int32         { return []int32{0} }
func (w *words) Vocab() int             { return len(w.names) }
func (w *words) Ordinary(id int32) bool { return id > 2 && unicode.IsLetter(rune(w.names[id][0])) }

func (w *words) Turn(message string) ([]int32, bool) {
	if !w.chat {
		return nil, false
	}
	return append(append([]int32{0, 1}, w.Encode(message)...), 2), true
}

func TestStandard(t *testing.T) {
	for _, n := range []int{900, 1500, 4600} {
		probes := NewMaker(newWords(true), n, 1).Standard()
		var got []Kind
		for _, p := range probes {
			got = append(got, p.Kind)
			if p.Kind == Question {
				if len(p.IDs) > n || len(p.IDs) < n*9/10 {
					t.Errorf("%s: %d tokens, want nearly %d", p.Kind, len(p.IDs), n)
				}
			} else if len(p.IDs) != n {
				t.Errorf("%s: %d tokens, want %d", p.Kind, len(p.IDs), n)
			}
			if p.IDs[0] != 0 || slices.Contains(p.IDs[1:], 0) {
				t.Errorf("%s does not begin, once, with what sequences begin with", p.Kind)
			}
			if p.Last < 10 || p.Last > 150 {
				t.Errorf("%s: %d queries", p.Kind, p.Last)
			}
		}
		want := []Kind{Copy, Random, List, Copy, Random, List, Question, Question, Question, Question}
		if !slices.Equal(got, want) {
			t.Errorf("probes %v, want %v", got, want)
		}
	}
	if got := NewMaker(newWords(false), 900, 1).Standard(); len(got) != 6 {
		t.Errorf("%d probes without a chat template, want 6", len(got))
	}
}

func TestSeed(t *testing.T) {
	standard := func(seed uint64) []Probe { return NewMaker(newWords(true), 1500, seed).Standard() }
	if !reflect.DeepEqual(standard(1), standard(1)) {
		t.Error("one seed makes different probes")
	}
	a, b := standard(1), standard(2)
	for i := range a {
		if slices.Equal(a[i].IDs, b[i].IDs) {
			t.Errorf("probe %d is the same with another seed", i)
		}
	}
	for i := range a {
		for j := range i {
			if slices.Equal(a[i].IDs[:100], a[j].IDs[:100]) {
				t.Errorf("probes %d and %d begin with the same text", i, j)
			}
		}
	}
}

// find is where part begins in ids, before end; -1 when it does not.
func find(ids, part []int32, end int) int {
	for i := range end - len(part) + 1 {
		if slices.Equal(ids[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// Every query of a copy stands on a token of the passage; what comes next is in the
// prompt, once, far back.
func TestCopyAndRandom(t *testing.T) {
	w := newWords(true)
	m := NewMaker(w, 1500, 3)
	for range 5 {
		p := m.Copy()
		random, ok := m.Random()
		if !ok {
			t.Fatal("no random probe")
		}
		for _, p := range []Probe{p, random} {
			end := len(p.IDs) - (span - 1)
			again := p.IDs[end:]
			at := find(p.IDs, again, end)
			if at < 40 || at > 330 {
				t.Errorf("%s: the passage lies at %d", p.Kind, at)
			}
			if p.Last != span-1-4 {
				t.Errorf("%s: %d queries of a passage of %d: the first four cannot know yet", p.Kind, p.Last, span-1)
			}
			if find(p.IDs[at+1:], again, end-at-1) >= 0 {
				t.Errorf("%s: the passage is there more than once", p.Kind)
			}
		}
		if at := len(p.IDs) - (span - 1); !strings.HasSuffix(w.decode(p.IDs[:at]), "\n\n") {
			t.Errorf("copy: before the passage stands %q", w.decode(p.IDs[at-3:at]))
		}
		for _, id := range random.IDs[len(random.IDs)-(span-1):] {
			if !w.Ordinary(id) {
				t.Errorf("random: token %d (%q) is not ordinary", id, w.names[id])
			}
		}
	}
}

func TestList(t *testing.T) {
	w := newWords(true)
	m := NewMaker(w, 1500, 4)
	for range 5 {
		p := m.List()
		text := w.decode(p.IDs)
		cut := strings.LastIndex(text, "\n\n")
		head, lines := text[:cut], strings.Split(strings.TrimSpace(text[cut:]), "\n")
		if len(lines) != 6 {
			t.Fatalf("%d lines come again, want 6: %q", len(lines), lines)
		}
		var at []int
		for _, l := range lines {
			i := strings.Index(head, "\n"+l+"\n")
			if i < 0 {
				t.Fatalf("line %q was not there before", l)
			}
			at = append(at, i)
		}
		if slices.IsSorted(at) {
			t.Errorf("the lines come again in the same order: %q", lines)
		}
		asked := w.decode(p.IDs[len(p.IDs)-p.Last:])
		if !strings.HasSuffix(asked, strings.Join(lines[2:], "\n")+"\n") || strings.Contains(asked, lines[0]) {
			t.Errorf("asked: %q; want all but the first line of %q", asked, lines)
		}
	}
}

// The fact is in the first fifth of the text; what is asked is the question in the
// template and the answer, no more.
func TestQuestion(t *testing.T) {
	w := newWords(true)
	m := NewMaker(w, 1500, 5)
	for i := range 8 {
		p, ok := m.Question(i)
		if !ok {
			t.Fatal("no question for a model with a template")
		}
		text, asked := w.decode(p.IDs), w.decode(p.IDs[len(p.IDs)-p.Last:])
		question, answer, ok := strings.Cut(asked, "<answer>")
		question = strings.TrimSpace(question)
		if !ok || !strings.HasSuffix(question, "?") || strings.Count(asked, "?") != 1 {
			t.Fatalf("asked: %q", asked)
		}
		// The answer repeats the fact.
		at := strings.Index(text, answer)
		if at < 0 || at > len(text)/4 || strings.Count(text, answer) != 2 {
			t.Errorf("%q is at %d of %d, %d times", answer, at, len(text), strings.Count(text, answer))
		}
		if back := len(p.IDs) - len(w.Encode(text[:at])); back < 1000 {
			t.Errorf("the fact lies only %d tokens back", back)
		}
	}
}

// A tokenizer without ordinary tokens gets no random runs, a short context shorter probes.
func TestOddModels(t *testing.T) {
	for _, p := range NewMaker(&strange{newWords(false)}, 300, 1).Standard() {
		if p.Kind == Random {
			t.Error("a random probe of no ordinary tokens")
		}
		if p.Last >= len(p.IDs) {
			t.Errorf("%s: %d queries of %d tokens", p.Kind, p.Last, len(p.IDs))
		}
	}
}

type strange struct{ *words }

func (strange) Ordinary(int32) bool { return false }
