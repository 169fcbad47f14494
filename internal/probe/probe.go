package probe

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

//go:embed text/*.txt
var books embed.FS

// Kind says how a probe makes the model look back.
type Kind string

const (
	Copy     Kind = "copy"
	Random   Kind = "random"
	List     Kind = "list"
	Question Kind = "question"
)

// A Probe is a sequence of tokens whose last Last queries retrieve.
type Probe struct {
	Kind Kind
	IDs  []int32
	Last int
}

// A Coder is what a model's tokenizer and chat template do for the probes.
type Coder interface {
	Encode(text string) []int32
	// Begin is what every sequence of the model begins with: one token, or none.
	Begin() []int32
	// Ordinary reports whether an id stands for a piece of plain text.
	Ordinary(id int32) bool
	Vocab() int
	// Turn returns the ids of a user's message in the chat template up to where
	// the answer begins; not ok when the model has no template.
	Turn(message string) (ids []int32, ok bool)
}

// Maker makes probes of n tokens for one model. Each probe takes the next stretch
// of the bundled text, so that no two share one.
type Maker struct {
	c    Coder
	n    int
	rnd  *rand.Rand
	text []int32 // of the bundled books
	at   int
	used map[string]bool
}

// NewMaker prepares probes of n tokens. The same seed makes the same probes.
func NewMaker(c Coder, n int, seed uint64) *Maker {
	text := c.Encode(bookText())
	rnd := rand.New(rand.NewPCG(seed, 20241014))
	return &Maker{c: c, n: n, rnd: rnd, text: text, at: rnd.IntN(len(text)), used: map[string]bool{}}
}

var bookText = sync.OnceValue(func() string {
	var b strings.Builder
	for _, name := range []string{"moby_dick", "war_and_peace", "middlemarch"} {
		data, err := books.ReadFile("text/" + name + ".txt")
		if err != nil {
			panic(err) // embedded
		}
		b.Write(data)
		b.WriteByte('\n')
	}
	return b.String()
})

// Standard are the ten probes of a calibration: two of each kind, four questions.
// Models without a chat template get no questions, tokenizers with hardly any
// ordinary token no random runs.
func (m *Maker) Standard() []Probe {
	var ps []Probe
	for range 2 {
		ps = append(ps, m.Copy())
		if p, ok := m.Random(); ok {
			ps = append(ps, p)
		}
		ps = append(ps, m.List())
	}
	for i := range 4 {
		if p, ok := m.Question(i); ok {
			ps = append(ps, p)
		}
	}
	return ps
}

// take returns the next n tokens of the books; they begin anew when used up.
func (m *Maker) take(n int) []int32 {
	out := make([]int32, 0, n)
	for len(out) < n {
		if m.at == len(m.text) {
			m.at = 0
		}
		k := min(n-len(out), len(m.text)-m.at)
		out = append(out, m.text[m.at:m.at+k]...)
		m.at += k
	}
	return out
}

const (
	span    = 48 // tokens of a passage that comes again
	queries = 43 // of its last tokens are asked: the first few cannot know yet
)

// start is the beginning of a probe that is to have n tokens with rest others.
func (m *Maker) start(rest int) []int32 {
	ids := m.c.Begin()
	return append(slices.Clip(ids), m.take(max(m.n-len(ids)-rest, minText))...)
}

// minText is the least text in a probe, in tokens, however small it was to be.
const minText = 200

// between is a random position from lo to hi, for sequences of any length.
func (m *Maker) between(lo, hi int) int {
	hi = max(min(hi, m.n/2-span), 1)
	lo = min(lo, hi)
	return lo + m.rnd.IntN(hi-lo+1)
}

// Copy is text whose passage of 48 tokens, at 60 to 330, begins again at the end.
func (m *Maker) Copy() Probe {
	gap := m.c.Encode("\n\n")
	ids := append(m.start(len(gap)+span-1), gap...)
	at := m.between(60, 330)
	return Probe{Copy, append(ids, ids[at:at+span-1]...), queries}
}

// Random is text with 48 random ordinary tokens at 60 to 300, repeated at the end.
// A tokenizer that has hardly any ordinary token gets none.
func (m *Maker) Random() (Probe, bool) {
	run := make([]int32, 0, span)
	for tries := 0; len(run) < span; tries++ {
		if tries == 100*span {
			return Probe{}, false
		}
		if id := int32(m.rnd.IntN(m.c.Vocab())); m.c.Ordinary(id) {
			run = append(run, id)
		}
	}
	text := m.start(2*span - 1)
	ids := slices.Insert(text, m.between(60, 300), run...)
	return Probe{Random, append(ids, run[:span-1]...), queries}, true
}

// List is text with twelve lines "adjective-noun: 5 digits" at 40 to 150; six of
// them come again at the end, in another order. The first line of those, 12 tokens
// or so, is not asked.
func (m *Maker) List() Probe {
	lines := make([]string, 12)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s-%s: %05d\n", m.pick("a", adjectives), m.pick("n", nouns), m.rnd.IntN(100000))
	}
	first := m.c.Encode("\n\n" + strings.Join(lines, "") + "\n")
	m.rnd.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	again := m.c.Encode("\n\n" + strings.Join(lines[:6], ""))
	text := m.start(len(first) + len(again))
	ids := slices.Insert(text, m.between(40, 150), first...)
	return Probe{List, append(ids, again...), max(len(again)-12, 1)}
}

// pick takes a word that this maker has not used yet, as long as there is one.
func (m *Maker) pick(set string, words []string) string {
	for range 50 {
		if w := words[m.rnd.IntN(len(words))]; !m.used[set+w] {
			m.used[set+w] = true
			return w
		}
	}
	return words[m.rnd.IntN(len(words))]
}

// Question i is text with an invented fact in its first fifth, a question about
// it, and the answer, in the chat template: at most n tokens. Not ok when the model
// has no template.
func (m *Maker) Question(i int) (Probe, bool) {
	fact, question, answer := m.fact(i)
	reply := m.c.Encode(answer)
	text := m.sentences(m.n)
	at := 1 + m.rnd.IntN(max(len(text)/5-1, 1)) // sentences before the fact
	for {
		at = min(at, len(text))
		body := strings.Join(text[:at], "") + fact + " " + strings.Join(text[at:], "")
		whole, ok := m.c.Turn(body + "\n\n" + question)
		if !ok || len(whole) == 0 {
			return Probe{}, false
		}
		if over := len(whole) + len(reply) - m.n; over > 0 && len(text) > 5 {
			text = text[:len(text)-max(1, len(text)*over/(2*len(whole)))] // sentences differ: little by little
			continue
		}
		return Probe{Question, append(whole, reply...), m.afterText(whole, body) + len(reply)}, true
	}
}

// afterText counts the tokens of a turn that follow the text in it.
func (m *Maker) afterText(whole []int32, body string) int {
	only, _ := m.c.Turn(body)
	same := 0
	for same < len(only) && same < len(whole) && only[same] == whole[same] {
		same++
	}
	return max(len(whole)-same, 1)
}

// sentences is text of about n tokens, cut after full stops.
func (m *Maker) sentences(n int) []string {
	book := bookText()
	per := float64(len(book)) / float64(max(len(m.text), 1)) // bytes per token
	from := int(float64(m.at) * per)
	m.at = (m.at + n) % len(m.text)
	size := min(int(float64(max(n, minText))*per), len(book)/2)
	if from+size > len(book) {
		from = 0
	}
	from += strings.Index(book[from:], ". ") + 2 // begin with a sentence
	s := strings.SplitAfter(book[from:min(from+size, len(book))], ". ")
	return s[:len(s)-1] // the last is torn
}

// fact invents something that no book says.
func (m *Maker) fact(i int) (fact, question, answer string) {
	name := m.pick("p", people)
	switch i % 4 {
	case 0:
		thing, code := m.pick("n", nouns), fmt.Sprintf("%s-%d", strings.ToUpper(m.pick("a", adjectives)), 1000+m.rnd.IntN(9000))
		return fmt.Sprintf("The code of the %s cabinet is %s.", thing, code), fmt.Sprintf("What is the code of the %s cabinet?", thing),
			fmt.Sprintf("The code of the %s cabinet is %s.", thing, code)
	case 1:
		word := fmt.Sprintf("%s %s %d", m.pick("a", adjectives), m.pick("n", nouns), 100+m.rnd.IntN(900))
		return fmt.Sprintf("The password that %s chose for the archive is \"%s\".", name, word), fmt.Sprintf("Which password did %s choose for the archive?", name),
			fmt.Sprintf("The password that %s chose for the archive is \"%s\".", name, word)
	case 2:
		town, job := m.pick("t", towns), m.pick("j", jobs)
		return fmt.Sprintf("%s lives in %s and works there as a %s.", name, town, job), fmt.Sprintf("Where does %s live, and what is the work of %s?", name, name),
			fmt.Sprintf("%s lives in %s and works there as a %s.", name, town, job)
	}
	room, hour := fmt.Sprintf("%d%c", 100+m.rnd.IntN(800), 'A'+rune(m.rnd.IntN(6))), 8+m.rnd.IntN(11)
	return fmt.Sprintf("The meeting with %s takes place in room %s at %d o'clock.", name, room, hour), fmt.Sprintf("In which room and at what time is the meeting with %s?", name),
		fmt.Sprintf("The meeting with %s takes place in room %s at %d o'clock.", name, room, hour)
}
