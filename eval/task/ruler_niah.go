package task

import (
	"slices"
	"strings"
)

// RULER (Hsieh et al., arXiv 2404.06654): thirteen tasks of any length. The wording
// of prompts, the beginnings of answers and the tokens an answer may take are
// RULER's own, misspelling included, since scores depend on them; its lengths, like
// here, count the answer. Records differ from its scripts' in what chance decides,
// and in that a length is filled rather than approached in steps.

// needles says what is hidden where, in the words of RULER's settings.
type needles struct {
	haystack string // "noise", "essay", "needle"
	key      string // "words", "uuids"
	value    string // "numbers", "uuids"
	k, v, q  int    // keys, values of each, keys asked for
}

var rulerNIAH = []struct {
	name, summary string
	needles
}{
	{"niah_single_1", "One number in repeated noise.", needles{"noise", "words", "numbers", 1, 1, 1}},
	{"niah_single_2", "One number in essays.", needles{"essay", "words", "numbers", 1, 1, 1}},
	{"niah_single_3", "One UUID in essays.", needles{"essay", "words", "uuids", 1, 1, 1}},
	{"niah_multikey_1", "One of four numbers in essays.", needles{"essay", "words", "numbers", 4, 1, 1}},
	{"niah_multikey_2", "One number in a haystack of such sentences.", needles{"needle", "words", "numbers", 1, 1, 1}},
	{"niah_multikey_3", "The UUID of a UUID in a haystack of such sentences.", needles{"needle", "uuids", "uuids", 1, 1, 1}},
	{"niah_multivalue", "Four numbers of one key in essays.", needles{"essay", "words", "numbers", 1, 4, 1}},
	{"niah_multiquery", "The numbers of four keys in essays.", needles{"essay", "words", "numbers", 4, 1, 4}},
}

const rulerNoise = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."

func rulerNIAHTasks() []Task {
	var all []Task
	for _, t := range rulerNIAH {
		all = append(all, generator{
			name: "ruler_" + t.name, group: "ruler", summary: t.summary, scorer: scorer("ruler_" + t.name),
			lengths: []int{4096}, count: 50, least: max(t.k*t.v, 1),
			build: func(g *gen, n int) (Record, error) { return t.record(g, n, -1) },
		}.task())
	}
	return all
}

func (t needles) random(g *gen, kind string) string {
	switch kind {
	case "words":
		return g.wordPair()
	case "uuids":
		return g.uuid()
	}
	return g.number(7)
}

func (t needles) needle(key, value string) string {
	return "One of the special magic " + t.value + " for " + key + " is: " + value + "."
}

// record hides the needles in n sentences. The first key is at the given depth
// (0 to 1), or anywhere if that is negative.
func (t needles) record(g *gen, n int, depth float64) (Record, error) {
	var keys, hidden, asked []string
	values := make([][]string, t.k)
	for i := range t.k {
		keys = append(keys, t.random(g, t.key))
		for range t.v {
			v := t.random(g, t.value)
			values[i] = append(values[i], v)
			hidden = append(hidden, t.needle(keys[i], v))
		}
	}
	first := hidden[0]
	g.Shuffle(len(hidden), func(i, j int) { hidden[i], hidden[j] = hidden[j], hidden[i] })
	order := g.sample(t.k, t.q)
	if depth >= 0 {
		order[0] = 0
	}
	var queries, answers []string
	for _, i := range order {
		queries = append(queries, keys[i])
		answers = append(answers, values[i]...)
		for _, v := range values[i] {
			asked = append(asked, t.needle(keys[i], v))
		}
	}

	hay, between, at, err := t.hay(g, n, len(hidden))
	if err != nil {
		return Record{}, err
	}
	if depth >= 0 {
		i := slices.Index(hidden, first)
		hidden[0], hidden[i] = hidden[i], hidden[0]
		at[0] = nearest(hay, depth)
		hidden, at = byPlace(hidden, at)
	}
	context := strings.Join(insert(hay, hidden, at), between)

	// One answer is spoken of in the singular.
	some, are, all, value := "Some", "are", "are all", t.value
	if t.q*t.v == 1 {
		some, are, all, value = "A", "is", "is", strings.TrimSuffix(t.value, "s")
	}
	query := queries[0]
	if last := len(queries) - 1; last > 0 {
		query = strings.Join(queries[:last], ", ") + ", and " + queries[last]
	}
	r := Record{
		Prompt: some + " special magic " + value + " " + are + " hidden within the following text. Make sure to memorize it. I will quiz you about the " + value +
			" afterwards.\n" + context + "\nWhat " + all + " the special magic " + value + " for " + query + " mentioned in the provided text?",
		Prefix:    " The special magic " + value + " for " + query + " mentioned in the provided text " + are,
		MaxTokens: 128,
	}
	r.Reference.Answers = answers
	if len(asked) == 1 {
		r.Facts = map[string]float64{"depth": share(context, asked[0])}
	}
	return r, nil
}

// hay returns n sentences, what stands between them and, ascending, where k
// needles go.
func (t needles) hay(g *gen, n, k int) (hay []string, between string, at []int, err error) {
	between = "\n"
	switch t.haystack {
	case "essay":
		text, err := g.sources.essay()
		if err != nil {
			return nil, "", nil, err
		}
		hay, between = take(text, 0, n), " "
		for _, d := range g.sample(40, k) { // 40 depths, in whole percent
			at = append(at, len(hay)*((200*d+39)/78)/100)
		}
	case "needle":
		at = g.sample(n, k)
		for range n {
			hay = append(hay, t.needle(t.random(g, t.key), t.random(g, t.value)))
		}
	default:
		at = g.sample(n, k)
		hay = slices.Repeat([]string{rulerNoise}, n)
	}
	slices.Sort(at)
	return hay, between, at, nil
}

// nearest is the sentence whose begin is nearest to a depth of the text.
func nearest(sentences []string, depth float64) int {
	total := 0
	for _, s := range sentences {
		total += len(s)
	}
	want := int(depth * float64(total))
	for i, s := range sentences {
		if want <= len(s)/2 {
			return i
		}
		want -= len(s)
	}
	return len(sentences)
}

// byPlace sorts texts and their places by place.
func byPlace(texts []string, at []int) ([]string, []int) {
	order := make([]int, len(at))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return at[i] - at[j] })
	var t []string
	var a []int
	for _, i := range order {
		t, a = append(t, texts[i]), append(a, at[i])
	}
	return t, a
}

// share is where in a text something stands, 0 (begin) to 1 (end).
func share(text, part string) float64 {
	return float64(strings.Index(text, part)) / float64(max(len(text)-len(part), 1))
}
