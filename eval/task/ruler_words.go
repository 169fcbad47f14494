package task

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ruler_cwe: a numbered list in which ten words come often and the others seldom. When
// it has all words there are, at some 100,000 tokens, it grows no more.
// ruler_fwe: invented words whose frequencies fall with the square of their rank.
func rulerCWE() Task {
	return generator{
		name: "ruler_cwe", group: "ruler", summary: "The ten words that come most often in a numbered list.", scorer: scorer("ruler_cwe"),
		lengths: []int{4096}, count: 50, least: 11, most: len(allWords()), build: buildCWE,
	}.task()
}

func rulerFWE() Task {
	return generator{
		name: "ruler_fwe", group: "ruler", summary: "The three most frequent words of a coded text.", scorer: scorer("ruler_fwe"),
		lengths: []int{4096}, count: 50, least: 100, build: buildFWE,
	}.task()
}

func buildCWE(g *gen, n int) (Record, error) {
	example, often, seldom := 40, 30, 3
	exampleOften, exampleSeldom := 10, 3
	if g.length < 4096 {
		example, often, seldom = 20, 6, 1
		exampleOften, exampleSeldom = 3, 1
	}
	ask := func(context string) string {
		return "Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that appear most often.\n" + context +
			"\nQuestion: What are the 10 most common words in the above list?"
	}
	const prefix = " Answer: The top 10 words that appear most often in the list are:"
	list, answers := g.commonWords(example, exampleOften, exampleSeldom)
	shown := ask(list) + prefix + numbered(answers) + "\n"
	list, answers = g.commonWords(n, often, seldom)
	r := Record{Prompt: shown + ask(list), Prefix: prefix, MaxTokens: 120}
	r.Reference.Answers = answers
	return r, nil
}

// commonWords draws n words, of which the first ten come often.
func (g *gen) commonWords(n, often, seldom int) (list string, common []string) {
	var words []string
	for i, w := range g.sample(len(allWords()), n) {
		word, times := allWords()[w], seldom
		if i < 10 {
			common, times = append(common, word), often
		}
		words = append(words, slices.Repeat([]string{word}, times)...)
	}
	g.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	return numbered(words), common
}

func numbered(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d. %s", i+1, w)
	}
	return b.String()
}

func buildFWE(g *gen, n int) (Record, error) {
	vocabulary := make([]string, max(g.length/50, 6))
	for i := range vocabulary {
		vocabulary[i] = g.fresh(func() string {
			word := make([]byte, 6)
			for j := range word {
				word[j] = byte('a' + g.IntN(26))
			}
			return string(word)
		})
	}
	vocabulary[0] = "..." // the most frequent is noise
	var words []string
	for i, w := range vocabulary {
		rank := float64(i + 1)
		words = append(words, slices.Repeat([]string{w}, int(float64(n)/(rank*rank)/(math.Pi*math.Pi/6)))...)
	}
	g.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	r := Record{
		Prompt: "Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared coded words. " +
			strings.Join(words, " ") + "\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most frequently appeared words in the above coded text?",
		Prefix:    " Answer: According to the coded text above, the three most frequently appeared words are:",
		MaxTokens: 50,
	}
	r.Reference.Answers = vocabulary[1:4]
	return r, nil
}
