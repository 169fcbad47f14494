package jieba

import (
	"math"
	"strings"
	"unicode/utf8"
)

// A Segmenter finds words. It can be used by several goroutines at once.
type Segmenter struct {
	// words holds every word of the dictionary and every beginning of one, with the
	// logarithm of its share of all words; beginnings that are no words have -Inf.
	words map[string]float64
	rare  float64 // that of a word counted once
	hmm   markov
}

// Cut returns the words of a text, in order. Joined they are the text.
func (s *Segmenter) Cut(text string) (words []string) {
	for len(text) > 0 {
		if n := span(text, inWord); n > 0 {
			words = s.stretch(words, text[:n])
			text = text[n:]
			continue
		}
		_, n := utf8.DecodeRuneInString(text)
		if strings.HasPrefix(text, "\r\n") {
			n = 2
		}
		words = append(words, text[:n])
		text = text[n:]
	}
	return words
}

// span is the length in bytes of the characters of one kind that a text begins with.
func span(text string, is func(rune) bool) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return !is(r) }); n >= 0 {
		return n
	}
	return len(text)
}

func isHan(r rune) bool   { return r >= 0x4e00 && r <= 0x9fd5 }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }
func isAlnum(r rune) bool { return isDigit(r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func inWord(r rune) bool  { return isHan(r) || isAlnum(r) || strings.ContainsRune("+#&._%-", r) }

// stretch appends the words of a text without spaces and punctuation.
func (s *Segmenter) stretch(words []string, text string) []string {
	at, alone := 0, 0 // where the word begins; how many bytes before it are characters on their own
	for _, n := range s.path(text) {
		if _, size := utf8.DecodeRuneInString(text[at:]); n == size {
			alone += n
		} else {
			words = s.singles(words, text[at-alone:at])
			words = append(words, text[at:at+n])
			alone = 0
		}
		at += n
	}
	return s.singles(words, text[at-alone:])
}

// singles appends the words of characters that the dictionary leaves on their own.
func (s *Segmenter) singles(words []string, text string) []string {
	switch p, ok := s.words[text]; {
	case text == "":
		return words
	case utf8.RuneCountInString(text) == 1:
		return append(words, text)
	case ok && !math.IsInf(p, -1): // a word, yet its characters are likelier
		for _, r := range text {
			words = append(words, string(r))
		}
		return words
	}
	return s.unknown(words, text)
}

// path is the most probable sequence of words: their lengths in bytes. Of equal
// ones the one with the longest first word is taken.
func (s *Segmenter) path(text string) (lengths []int) {
	var starts []int // [character], in bytes
	for i := range text {
		starts = append(starts, i)
	}
	n := len(starts)
	starts = append(starts, len(text))
	best := make([]float64, n+1) // [character] of the text from here on
	next := make([]int, n)       // [character] where the word that begins here ends
	for i := n - 1; i >= 0; i-- {
		found := false
		for k := i + 1; k <= n; k++ {
			p, ok := s.words[text[starts[i]:starts[k]]]
			if !ok {
				break
			}
			if math.IsInf(p, -1) {
				continue
			}
			if p += best[k]; !found || p >= best[i] {
				best[i], next[i], found = p, k, true
			}
		}
		if !found {
			best[i], next[i] = s.rare+best[i+1], i+1
		}
	}
	for i := 0; i < n; i = next[i] {
		lengths = append(lengths, starts[next[i]]-starts[i])
	}
	return lengths
}
