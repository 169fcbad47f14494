package jieba

import (
	"math"
	"strings"
)

// The states of a character: it begins a word, is inside one, ends one, or is one.
const (
	begin = iota
	middle
	end
	single
	states
)

const stateNames = "BMES"

// never is the logarithm of the probability of what was not seen.
const never = -3.14e100

// markov is the hidden Markov model; everything is a logarithm of a probability.
type markov struct {
	start [states]float64
	trans [states][states]float64 // [from][to]
	emit  map[rune][states]float64
}

// before lists the states that can come before each, later letters first: among
// equally probable ones the later letter is taken.
var before = [states][2]int{begin: {single, end}, middle: {middle, begin}, end: {middle, begin}, single: {single, end}}

// unknown appends the words that the model finds in characters which are no words
// of the dictionary.
func (s *Segmenter) unknown(words []string, text string) []string {
	for len(text) > 0 {
		n := span(text, isHan)
		if n > 0 {
			words = s.hmm.cut(words, text[:n])
		} else if n = latin(text); n > 0 {
			words = append(words, text[:n])
		} else {
			n = span(text, func(r rune) bool { return !isHan(r) && !isAlnum(r) })
			words = append(words, text[:n])
		}
		text = text[n:]
	}
	return words
}

// latin is the length of the word of Latin letters and digits that a text begins
// with, or 0: "abc", "3.5", "20%".
func latin(text string) int {
	n := span(text, isAlnum)
	if n == 0 {
		return 0
	}
	if strings.HasPrefix(text[n:], ".") {
		if digits := span(text[n+1:], isDigit); digits > 0 {
			n += 1 + digits
		}
	}
	if strings.HasPrefix(text[n:], "%") {
		n++
	}
	return n
}

// cut appends the words of Chinese characters: the most probable states (Viterbi),
// and a word from each beginning to its end.
func (m *markov) cut(words []string, text string) []string {
	var from [][states]uint8 // [character][state] the best state before
	var p [states]float64    // [state] of the best sequence that ends in it
	for i, r := range text {
		emit, ok := m.emit[r]
		if !ok {
			emit = [states]float64{never, never, never, never}
		}
		var q [states]float64
		var back [states]uint8
		for to := range states {
			if i == 0 {
				q[to] = m.start[to] + emit[to]
				continue
			}
			q[to] = math.Inf(-1)
			for _, y := range before[to] {
				if v := p[y] + m.trans[y][to] + emit[to]; v > q[to] {
					q[to], back[to] = v, uint8(y)
				}
			}
		}
		p, from = q, append(from, back)
	}
	state := end
	if p[single] >= p[end] {
		state = single
	}
	path := make([]int, len(from)) // [character] state
	for i := len(from) - 1; i >= 0; i-- {
		path[i] = state
		state = int(from[i][state])
	}
	at, i := 0, 0 // where the current word begins; the character
	for pos, r := range text {
		size := len(string(r))
		switch path[i] {
		case begin:
			at = pos
		case end:
			words = append(words, text[at:pos+size])
			at = pos + size
		case single:
			words = append(words, text[pos:pos+size])
			at = pos + size
		}
		i++
	}
	if at < len(text) {
		words = append(words, text[at:])
	}
	return words
}
