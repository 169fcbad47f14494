package probe

import (
	"embed"
	"fmt"
	"math/rand/v2"
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
	return &Maker{c: c, n: n, rnd: rand.New(rand.NewPCG(seed, 20241014)), text: c.Encode(bookText()), used: map[string]bool{}}
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
		ps = append(ps, m.Copy(), m.Random(), m.List())
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

// between is a random position from lo to hi, for sequences of any length.
func (m *Maker) between(lo, hi int) int {
	hi = max(min(hi, m.n/2-span), 1)
	lo = min(lo, hi)
	return lo + m.rnd.IntN(hi-lo+1)
}

// Copy is text whose passage of 48 tokens, at 60 to 330, begins again at the end.
func (m *Maker) Copy() Probe {
	ids := m.take(m.n - span - 2)
	at := m.between(60, 330)
	ids = append(ids, m.c.Encode("\n\n")...)
	return Probe{Copy, append(ids, ids[at:at+span-1]...), queries}
}

// Random is text with 48 random ordinary tokens at 60 to 300, repeated at the end.
func (m *Maker) Random() Probe {
	run := make([]int32, 0, span)
	for tries := 0; len(run) < span && tries < 100*span; tries++ {
		if id := int32(m.rnd.IntN(m.c.Vocab())); m.c.Ordinary(id) {
			run = append(run, id)
		}
	}
	text := m.take(m.n - 2*len(run) + 1)
	at := m.between(60, 300)
	ids := append(append(append([]int32{}, text[:at]...), run...), text[at:]...)
	return Probe{Random, append(ids, run[:max(len(run)-1, 0)]...), queries}
}

// List is text with twelve lines "adjective-noun: 5 digits" at 40 to 150; six of
// them come again at the end. The first line of those is not asked.
func (m *Maker) List() Probe {
	lines := make([]string, 12)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s-%s: %05d\n", m.pick("a", adjectives), m.pick("n", nouns), m.rnd.IntN(100000))
	}
	first := m.c.Encode("\n\n" + strings.Join(lines, "") + "\n")
	m.rnd.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	again := m.c.Encode("\n\n" + strings.Join(lines[:6], ""))
	text := m.take(max(m.n-len(first)-len(again), 200))
	at := m.between(40, 150)
	ids := append(append(append([]int32{}, text[:at]...), first...), text[at:]...)
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
// it, and the answer, in the chat template.
func (m *Maker) Question(i int) (Probe, bool) {
	fact, question, answer := m.fact(i)
	head, ok := m.c.Turn("\x00")
	if !ok || len(head) == 0 {
		return Probe{}, false
	}
	text := m.words(m.n - len(m.c.Encode(fact+question+answer)) - len(head))
	paragraphs := strings.SplitAfter(text, ". ")
	at := 1 + m.rnd.IntN(max(len(paragraphs)/5, 1))
	body := strings.Join(paragraphs[:min(at, len(paragraphs))], "") + fact + " " + strings.Join(paragraphs[min(at, len(paragraphs)):], "")
	whole, _ := m.c.Turn(body + "\n\n" + question)
	reply := m.c.Encode(answer)
	return Probe{Question, append(whole, reply...), m.afterText(whole, body) + len(reply)}, true
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

// words is text of about n tokens, as text.
func (m *Maker) words(n int) string {
	book := bookText()
	per := float64(len(book)) / float64(len(m.text)) // bytes per token
	from := int(float64(m.at) * per)
	m.at = (m.at + n) % len(m.text)
	size := min(int(float64(max(n, 50))*per), len(book)/2)
	if from+size > len(book) {
		from = 0
	}
	from += strings.Index(book[from:], ". ") + 2 // begin with a sentence
	end := min(from+size, len(book))
	if i := strings.LastIndex(book[from:end], ". "); i > 0 {
		end = from + i + 2
	}
	return book[from:end]
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
