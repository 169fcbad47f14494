package tiny

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// haystackText is from the last twentieth of Middlemarch (George Eliot; public
// domain), which the model was not trained on.
//
//go:embed haystack.txt
var haystackText string

var needleWords = strings.Fields(`lantern harbor meadow saddle compass orchard pebble thicket anvil basket candle kettle ladder mirror pillow
	ribbon shovel tunnel velvet barrel cottage drawer goblet magnet sandal teapot walnut bridge canyon glacier`)

// Haystack is a prompt of n tokens for the model: book text, with one sentence in
// it that names the magic number of a word, at the sentence end nearest to depth
// (0 begin, 1 end), and at the end the question for that number. encode turns text
// into ids; bos is the model's first token. needle is the position of the sentence,
// answer the number, 7 digits.
func Haystack(encode func(string) []int32, bos int32, rnd *rand.Rand, n int, depth float64) (ids []int32, needle int, answer string) {
	word := needleWords[rnd.IntN(len(needleWords))]
	answer = fmt.Sprint(1000000 + rnd.IntN(9000000))
	fact := encode(fmt.Sprintf(" The magic number of %s is %s.", word, answer))
	question := encode(fmt.Sprintf("\nWhat is the magic number of %s? The magic number of %s is", word, word))
	k := n - 1 - len(fact) - len(question)
	text := encode(haystackText)
	from := rnd.IntN(max(len(text)-k, 1))
	text = text[from:min(from+k, len(text))]
	at := sentenceEnd(text, encode(".")[0], int(depth*float64(len(text))))
	return slices.Concat([]int32{bos}, text[:at], fact, text[at:], question), 1 + at, answer
}

// sentenceEnd is the position after the full stop nearest to at.
func sentenceEnd(text []int32, stop int32, at int) int {
	for d := range len(text) {
		for _, i := range []int{at - d, at + d} {
			if i > 0 && i <= len(text) && text[i-1] == stop {
				return i
			}
		}
	}
	return min(at, len(text))
}
