package tokenizer

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A pattern cuts text into words, which merges never cross. The byte-level
// tokenizers define theirs as regular expressions with look-ahead, which Go's
// regexp does not have and which would be slow; these are the same rules by
// hand.
type pattern uint8

const (
	// patternNone leaves the text whole.
	patternNone pattern = iota
	// patternGPT2 is
	//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
	patternGPT2
	// patternDigits takes every \p{N} out by itself, then cuts the rest, piece
	// by piece, as GPT-2 does (SmolLM).
	patternDigits
	// patternLlama3 is
	//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
	patternLlama3
	// patternQwen2 is Llama 3's with \p{N} in place of \p{N}{1,3}.
	patternQwen2
)

const (
	tailTiktoken = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	headTiktoken = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`
)

// splitRegexes names the patterns a tokenizer.json spells out in a Split.
var splitRegexes = map[string]pattern{
	headTiktoken + `\p{N}{1,3}` + tailTiktoken: patternLlama3,
	headTiktoken + `\p{N}` + tailTiktoken:      patternQwen2,
}

// words calls yield for each word of s, in order; together they are s.
func (p pattern) words(s string, yield func(word string)) {
	switch p {
	case patternNone:
		yield(s)
	case patternGPT2:
		for s != "" {
			n := nextGPT2(s)
			yield(s[:n])
			s = s[n:]
		}
	case patternDigits:
		for s != "" {
			n := notDigits(s)
			for rest := s[:n]; rest != ""; {
				k := nextGPT2(rest)
				yield(rest[:k])
				rest = rest[k:]
			}
			if s = s[n:]; s != "" {
				_, k := utf8.DecodeRuneInString(s)
				yield(s[:k])
				s = s[k:]
			}
		}
	case patternLlama3, patternQwen2:
		digits := 3
		if p == patternQwen2 {
			digits = 1
		}
		for s != "" {
			n := nextTiktoken(s, digits)
			yield(s[:n])
			s = s[n:]
		}
	}
}

// class is what the patterns know of a character. Invalid UTF-8 counts, byte
// by byte, as a character of class other.
type class uint8

const (
	other  class = iota
	letter       // \p{L}
	number       // \p{N}
	space        // \s: the property White_Space
	end          // end of the text
)

var asciiClass = func() (t [utf8.RuneSelf]class) {
	for r := range t {
		t[r] = lookUpClass(rune(r))
	}
	return t
}()

// planeClass holds the classes of the basic multilingual plane: a search in
// Unicode's range tables per character would be most of the time of Encode.
var planeClass = sync.OnceValue(func() *[0x10000]class {
	t := new([0x10000]class)
	for _, c := range []struct {
		class  class
		ranges *unicode.RangeTable
	}{{letter, unicode.L}, {number, unicode.N}, {space, unicode.White_Space}} {
		for _, r := range c.ranges.R16 {
			for k := int(r.Lo); k <= int(r.Hi); k += int(r.Stride) {
				t[k] = c.class
			}
		}
	}
	return t
})

func lookUpClass(r rune) class {
	switch {
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// classAt returns the class and length of the character at s[i:].
func classAt(s string, i int) (class, int) {
	if i >= len(s) {
		return end, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		return asciiClass[c], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if r < 0x10000 {
		return planeClass()[r], n
	}
	return lookUpClass(r), n
}

// run returns where the characters of class c that start at s[i:] end.
func run(s string, i int, c class) int {
	for {
		got, n := classAt(s, i)
		if got != c {
			return i
		}
		i += n
	}
}

func notDigits(s string) int {
	for i := 0; ; {
		c, n := classAt(s, i)
		if c == number || c == end {
			return i
		}
		i += n
	}
}

// contraction returns the length of an English contraction ('s 't 're 've 'm
// 'll 'd) at the start of s, or 0. With fold case does not matter; the long s
// is then an s, as Unicode's case folding has it.
func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	if fold && strings.HasPrefix(s[1:], "ſ") {
		return 1 + len("ſ")
	}
	lower := func(i int) byte {
		if i >= len(s) {
			return 0
		}
		if c := s[i]; fold && 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return s[i]
	}
	switch a, b := lower(1), lower(2); {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

// nextGPT2 returns the length of the first word of s, which is not empty.
func nextGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	i := 0
	if s[0] == ' ' {
		i = 1
	}
	if c, n := classAt(s, i); c != space && c != end {
		return run(s, i+n, c)
	}
	return spaces(s, run(s, 0, space))
}

// nextTiktoken is nextGPT2 for the patterns of Llama 3 and Qwen 2.
func nextTiktoken(s string, maxDigits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, n := classAt(s, 0)
	switch {
	case c == letter:
		return run(s, n, letter)
	case c == number:
		for k := 1; k < maxDigits; k++ {
			c, m := classAt(s, n)
			if c != number {
				break
			}
			n += m
		}
		return n
	case s[0] != '\r' && s[0] != '\n':
		if c, m := classAt(s, n); c == letter {
			return run(s, n+m, letter)
		}
	}
	i := 0
	if s[0] == ' ' {
		i = 1
	}
	if c, n := classAt(s, i); c == other {
		i = run(s, i+n, other)
		for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
			i++
		}
		return i
	}
	e := run(s, 0, space)
	if k := strings.LastIndexAny(s[:e], "\r\n"); k >= 0 {
		return k + 1
	}
	return spaces(s, e)
}

// spaces is \s+(?!\S)|\s+ where s[:e] is all the white space at the start:
// the last one is left to the word that follows, unless it is the only one.
func spaces(s string, e int) int {
	if e == len(s) {
		return e
	}
	if _, last := utf8.DecodeLastRuneInString(s[:e]); last < e {
		return e - last
	}
	return e
}
