package task

import (
	"slices"
	"strings"
)

// The grid of lengths and depths that heat maps are drawn of, in RULER's words, and
// the passkey test.

var gridLengths = []int{1024, 2048, 4096, 8192}

// gridDepths are 0, 10, ... 100 %.
const gridDepths = 11

func niahTasks() []Task {
	grid := func(name, summary string, n needles) Task {
		return generator{
			name: name, group: "niah", summary: summary, scorer: scorer(name), lengths: gridLengths, count: gridDepths, least: n.k,
			build: func(g *gen, k int) (Record, error) {
				depth := float64(g.index%gridDepths) / (gridDepths - 1)
				r, err := n.record(g, k, depth)
				if err == nil {
					r.Facts["depth"] = depth
				}
				return r, err
			},
		}.task()
	}
	return []Task{
		grid("niah_single", "One number in essays, at every tenth of the depth.", needles{"essay", "words", "numbers", 1, 1, 1}),
		grid("niah_multikey", "One of four numbers in essays, at every tenth of the depth.", needles{"essay", "words", "numbers", 4, 1, 1}),
		generator{
			name: "passkey", group: "niah", summary: "A pass key in repeated noise, anywhere.", scorer: scorer("passkey"),
			lengths: gridLengths, count: 20, least: 1, build: buildPasskey,
		}.task(),
	}
}

// buildPasskey is the test of Landmark Attention (Mohtashami & Jaggi), with the
// passkey on a line of its own.
func buildPasskey(g *gen, n int) (Record, error) {
	depth := g.Float64()
	key := g.number(5)
	line := "The pass key is " + key + ". Remember it. " + key + " is the pass key."
	text := insert(slices.Repeat([]string{rulerNoise}, n), []string{line}, []int{int(depth * float64(n+1))})
	context := strings.Join(text, "\n")
	r := Record{
		Prompt: "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. I will quiz you about the important information there.\n" +
			context + "\nWhat is the pass key?",
		Prefix:    " The pass key is",
		MaxTokens: 16,
		Facts:     map[string]float64{"depth": share(context, line)},
	}
	r.Reference.Answers = []string{key}
	return r, nil
}
