package task

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// This project's own tasks: something in a long document is asked for. Each comes
// twice: with the question after the document in the same turn, and as _later, with
// the document read and answered before the question is known.

// A question is about a document.
type question struct {
	document string
	ask      string
	prefix   string   // of the answer; names what was asked, not the answer
	target   string   // the right answer after the prefix
	answers  []string // what must stand in the answer
	where    string   // the part of the document that answers; its place is the depth
	tokens   int      // most of the answer
}

var ownTasks = []struct {
	name, summary string
	least         int
	make          func(g *gen, n int) question
}{
	{"kv_json", "The value of one of ten keys in a JSON object in a novel.", 1, kvJSON},
	{"kv_lines", "One line of a long list of registers.", 20, kvLines},
	{"fact", "An invented fact in a novel, beside three of its kind, asked in other words.", 1, askFact},
	{"number", "One number in a novel, in RULER's words.", 1, askNumber},
	{"copy", "How a passage of a novel goes on, word for word.", 20, copyPassage},
	{"several", "Four numbers in a novel, all asked for.", 1, askSeveral},
}

// later ends the names of tasks whose question comes in a later turn.
const later = "_later"

var ownLengths = []int{1536, 3072, 6144}

func ownGenerators() []Task {
	var all []Task
	for _, t := range ownTasks {
		now := generator{
			name: t.name, group: "own", summary: t.summary, scorer: score.MatchAll, lengths: ownLengths, count: 24, least: t.least,
			build: func(g *gen, n int) (Record, error) {
				q := t.make(g, n)
				r := q.record()
				r.Prompt = "Here is a text, and a question about it at the end.\n\n" + q.document + "\n\n" + q.ask
				return r, nil
			},
		}
		after := now
		after.name += later
		after.summary = strings.TrimSuffix(t.summary, ".") + "; the question comes in a later turn."
		after.build = func(g *gen, n int) (Record, error) {
			q := t.make(g, n)
			r := q.record()
			r.Prompt = "Here is a text. I will ask you about it afterwards.\n\n" + q.document
			r.Reply, r.Later = "I have read it.", q.ask
			return r, nil
		}
		all = append(all, now.task(), after.task())
	}
	return all
}

func (q question) record() Record {
	r := Record{Prefix: q.prefix, Target: q.target, MaxTokens: q.tokens, Facts: map[string]float64{"depth": share(q.document, q.where)}}
	r.Reference.Answers = q.answers
	return r
}

// hide puts texts into n sentences of the novels, each at a random place.
func (g *gen) hide(n int, texts ...string) (document string) {
	from := g.IntN(len(novel()))
	at := make([]int, len(texts))
	for i := range at {
		at[i] = int(g.Float64() * float64(n+1))
	}
	texts, at = byPlace(texts, at)
	return strings.Join(insert(take(novel(), from, n), texts, at), " ")
}

func kvJSON(g *gen, n int) question {
	var lines []string
	for range 10 {
		lines = append(lines, fmt.Sprintf("  %q: %q", g.wordPair(), g.number(5)))
	}
	line := lines[g.IntN(len(lines))]
	key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
	value = strings.Trim(value, `"`)
	return question{
		document: g.hide(n, "\n\n{\n"+strings.Join(lines, ",\n")+"\n}\n\n"),
		ask:      "What is the value of the key " + key + " in the JSON object in the text?",
		prefix:   key + `: "`, target: value,
		answers: []string{value}, where: line, tokens: 32,
	}
}

// kvLines is a list in the form of LongEval's lines (Li et al., LongChat).
func kvLines(g *gen, n int) question {
	depth := g.Float64()
	lines := make([]string, n)
	for i := range lines {
		lines[i] = "line " + g.wordPair() + ": REGISTER_CONTENT is <" + g.number(5) + ">"
	}
	line := lines[int(depth*float64(n))]
	begin, value, _ := strings.Cut(strings.TrimSuffix(line, ">"), "<")
	key, _, _ := strings.Cut(begin, ":")
	return question{
		document: strings.Join(lines, "\n"),
		ask:      "What is the REGISTER_CONTENT in " + key + "?",
		prefix:   begin + "<", target: value,
		answers: []string{value}, where: line, tokens: 32,
	}
}

func askNumber(g *gen, n int) question {
	key, value := g.wordPair(), g.number(7)
	needle := needles{value: "numbers"}.needle(key, value)
	return question{
		document: g.hide(n, needle),
		ask:      "What is the special magic number for " + key + " mentioned in the provided text?",
		prefix:   "The special magic number for " + key + " mentioned in the provided text is", target: " " + value,
		answers: []string{value}, where: needle, tokens: 32,
	}
}

// copyPassage names a passage of the document by its first words; the 24 after the
// first twelve are asked for, in pieces of four.
func copyPassage(g *gen, n int) question {
	const named, cue, rest, piece = 6, 12, 24, 4
	depth := g.Float64()
	words := strings.Fields(g.hide(n))
	at := int(depth * float64(max(len(words)-cue-rest, 0)))
	shown, next := words[at:at+cue], words[at+cue:at+cue+rest]
	var pieces []string
	for p := range slices.Chunk(next, piece) {
		pieces = append(pieces, strings.Join(p, " "))
	}
	quote := strings.Join(shown, " ")
	return question{
		document: strings.Join(words, " "),
		ask:      "Repeat, word for word, the passage of the text that begins with these words: " + strings.Join(shown[:named], " ") + " ...",
		prefix:   quote, target: " " + strings.Join(next, " "),
		answers: pieces, where: quote + " " + strings.Join(next, " "), tokens: 64,
	}
}

func askSeveral(g *gen, n int) question {
	var who, what, hidden []string
	for range 4 {
		who, what = append(who, g.pick(people)), append(what, g.number(5))
		hidden = append(hidden, fmt.Sprintf("The locker of %s opens with %s.", who[len(who)-1], what[len(what)-1]))
	}
	document := g.hide(n, hidden...)
	first := slices.MinFunc(hidden, func(a, b string) int { return strings.Index(document, a) - strings.Index(document, b) })
	return question{
		document: document,
		ask:      "Which numbers open the lockers of " + list(who) + "? Answer in this order.",
		prefix:   "The lockers of " + list(who) + " open with", target: " " + list(what),
		answers: what, where: first, tokens: 64,
	}
}

func list(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
