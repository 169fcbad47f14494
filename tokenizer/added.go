package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is looked for in the text as it stands, before
// any merging. Special ones (beginning of text, end of turn, ...) are control
// codes of the model and not text.
type addedToken struct {
	id         int32
	content    string
	special    bool
	lstrip     bool // takes the white space before it along
	rstrip     bool // takes the white space after it along
	singleWord bool // only where no word character is next to it
	normalized bool // looked for after normalization, not before
}

// matcher finds added tokens: the leftmost, there the longest. It is a trie of
// bytes; a look at one place costs at most the length of the longest token.
type matcher struct {
	tokens []addedToken
	first  [256]bool
	edges  map[uint32]uint32 // node<<8 | byte -> node; the root is 0
	ends   map[uint32]int    // node -> index into tokens
	nodes  uint32
}

// newMatcher returns nil for no tokens. Of equal contents the last counts.
func newMatcher(tokens []addedToken) *matcher {
	if len(tokens) == 0 {
		return nil
	}
	m := &matcher{tokens: tokens, edges: map[uint32]uint32{}, ends: map[uint32]int{}}
	for i, t := range tokens {
		m.first[t.content[0]] = true
		node := uint32(0)
		for k := 0; k < len(t.content); k++ {
			edge := node<<8 | uint32(t.content[k])
			next, ok := m.edges[edge]
			if !ok {
				m.nodes++
				next = m.nodes
				m.edges[edge] = next
			}
			node = next
		}
		m.ends[node] = i
	}
	return m
}

// longest returns the longest token at the start of s, or nil.
func (m *matcher) longest(s string) (found *addedToken) {
	node := uint32(0)
	for k := 0; k < len(s); k++ {
		next, ok := m.edges[node<<8|uint32(s[k])]
		if !ok {
			break
		}
		node = next
		if i, ok := m.ends[node]; ok {
			found = &m.tokens[i]
		}
	}
	return found
}

// split cuts s into texts and added tokens, in order. A special token at
// s[from:to] is text like any other unless reads says so. text gets where it
// starts in s; it is never called with an empty string.
func (m *matcher) split(s string, reads func(from, to int) bool, text func(start int, s string), token func(id int32)) {
	start := 0 // of the text not handed out yet
	for i := 0; m != nil && i < len(s); {
		if !m.first[s[i]] {
			i++
			continue
		}
		t := m.longest(s[i:])
		if t == nil {
			i++
			continue
		}
		from, to := i, i+len(t.content)
		i = to
		if t.special && !reads(from, to) {
			continue
		}
		if t.singleWord && (endsInWord(s[:from]) || startsWithWord(s[to:])) {
			continue
		}
		if from < start { // inside white space the token before has taken
			continue
		}
		if t.lstrip {
			from = max(start, len(strings.TrimRightFunc(s[:from], unicode.IsSpace)))
		}
		if t.rstrip {
			to = len(s) - len(strings.TrimLeftFunc(s[to:], unicode.IsSpace))
		}
		if start < from {
			text(start, s[start:from])
		}
		token(t.id)
		start = to
	}
	if start < len(s) {
		text(start, s[start:])
	}
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

// isWord is \w of Unicode's regular expressions: letters, marks, decimal
// digits, connectors and join controls.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control)
}
