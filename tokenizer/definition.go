package tokenizer

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxTokenBytes is far above any real token (the longest known are a few
	// hundred bytes of spaces); it bounds the work a damaged file can cause.
	maxTokenBytes = 4096
	maxTokens     = 1 << 24
)

// definition is what the file formats boil down to: a tokenizer before its
// tables are built.
type definition struct {
	file      string
	tokens    []string         // [id] spelling in the file; "" where an id has no token
	symbols   map[string]int32 // spelling -> id of the tokens that text can become
	merges    []merge
	byteLevel bool   // symbols are bytes, spelled in GPT-2's alphabet; else characters
	bytes     []bool // [id] is a byte token <0xXX>; nil when byteLevel
	added     []addedToken

	normalizer   normalizer
	metaspace    metaspace
	pattern      pattern
	ignoreMerges bool  // a word that is a token as a whole is that token
	unk          int32 // token of characters without symbol; -1: they are dropped
	fuseUnk      bool  // a row of them in a word is one token
	stripSpace   bool  // decoding drops one space at the start

	prefix, suffix []int32 // around a text, when asked for
	bos            int32   // -1: none
	eos            []int32
}

// addMerge appends the merge of two spellings with the next rank.
func (d *definition) addMerge(where, left, right string) error {
	var ids [3]int32
	for i, s := range [...]string{left, right, left + right} {
		id, ok := d.symbols[s]
		if !ok {
			return malformed(d.file, where, "merge of %q and %q: %q is not in the vocabulary", left, right, s)
		}
		ids[i] = id
	}
	d.merges = append(d.merges, merge{ids[0], ids[1], ids[2], int32(len(d.merges))})
	return nil
}

// addToken appends an added token, whose id must be a new one or already
// spelled the same. A token with the same id or content is replaced.
func (d *definition) addToken(where string, t addedToken) error {
	if t.content == "" || len(t.content) > maxTokenBytes {
		return malformed(d.file, where, "an added token of %d bytes (1 to %d make sense)", len(t.content), maxTokenBytes)
	}
	if id, ok := d.symbols[t.content]; ok && id != t.id {
		return malformed(d.file, where, "added token %q has id %d, in the vocabulary it has %d", t.content, t.id, id)
	}
	if int(t.id) >= len(d.tokens) {
		d.tokens = append(d.tokens, make([]string, int(t.id)+1-len(d.tokens))...)
	}
	if have := d.tokens[t.id]; have != "" && have != t.content {
		return malformed(d.file, where, "added token %q has id %d, which is %q", t.content, t.id, have)
	}
	d.tokens[t.id] = t.content
	for i, old := range d.added {
		if old.content == t.content {
			if old.id != t.id {
				return malformed(d.file, where, "added token %q has two ids, %d and %d", t.content, old.id, t.id)
			}
			d.added[i] = t
			return nil
		}
	}
	d.added = append(d.added, t)
	return nil
}

// build makes the tokenizer.
func (d *definition) build() (*Tokenizer, error) {
	t := &Tokenizer{
		tokens:       d.tokens,
		pieces:       make([]string, len(d.tokens)),
		special:      make([]bool, len(d.tokens)),
		isByte:       d.bytes,
		ids:          make(map[string]int32, len(d.tokens)),
		normalizer:   d.normalizer,
		metaspace:    d.metaspace,
		pattern:      d.pattern,
		merges:       newMergeTable(d.merges),
		ignoreMerges: d.ignoreMerges,
		byteLevel:    d.byteLevel,
		unk:          d.unk,
		fuseUnk:      d.fuseUnk,
		stripSpace:   d.stripSpace,
		prefix:       d.prefix,
		suffix:       d.suffix,
		bos:          d.bos,
		cache:        newWordCache(),
	}
	for id, s := range d.tokens {
		if s == "" {
			continue
		}
		if !utf8.ValidString(s) || len(s) > maxTokenBytes {
			return nil, malformed(d.file, "", "token %d of %d bytes is not UTF-8 text of at most %d bytes", id, len(s), maxTokenBytes)
		}
		if _, ok := t.ids[s]; !ok {
			t.ids[s] = int32(id)
		}
		t.pieces[id] = d.piece(int32(id))
	}
	var before, after []addedToken
	for _, a := range d.added {
		t.special[a.id] = a.special
		if a.normalized {
			a.content = d.normalizer.apply(a.content)
			after = append(after, a)
		} else {
			before = append(before, a)
		}
	}
	t.addedRaw, t.addedNormalized = newMatcher(before), newMatcher(after)
	for _, id := range d.eos {
		if !slices.Contains(t.eos, id) {
			t.eos = append(t.eos, id)
		}
	}
	t.buildSymbols(d)
	return t, nil
}

// buildSymbols fills the tables that turn a text into its first symbols.
func (t *Tokenizer) buildSymbols(d *definition) {
	for b := range t.bytes {
		spelled := byteToken(byte(b))
		if d.byteLevel {
			spelled = string(byteRunes[b])
		}
		t.bytes[b] = -1
		if id, ok := d.symbols[spelled]; ok && (d.byteLevel || d.bytes != nil && d.bytes[id]) {
			t.bytes[b] = id
		}
	}
	if d.byteLevel {
		if d.ignoreMerges {
			t.whole = d.symbols
		}
		return
	}
	t.runes = map[rune]int32{}
	for s, id := range d.symbols {
		if r, n := utf8.DecodeRuneInString(s); n == len(s) && !t.special[id] {
			t.runes[r] = id
		}
	}
	t.cutBlocks = true
	for _, m := range d.merges {
		left, right := d.tokens[m.left], d.tokens[m.right]
		if !strings.HasSuffix(left, block) && strings.HasPrefix(right, block) {
			t.cutBlocks = false
			break
		}
	}
	if _, ok := d.symbols[block]; !ok {
		t.cutBlocks = false
	}
}

// piece returns the bytes a token stands for.
func (d *definition) piece(id int32) string {
	s := d.tokens[id]
	if !d.byteLevel {
		if d.bytes != nil && d.bytes[id] {
			b, _ := parseByteToken(s)
			return string([]byte{b})
		}
		return strings.ReplaceAll(s, block, " ")
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := runeBytes[r]
		if !ok { // an added token outside the alphabet is its own text
			return s
		}
		raw = append(raw, b)
	}
	return string(raw)
}

// byteRunes is GPT-2's alphabet: a printable character for each byte. The
// bytes that print in Latin-1 stand for themselves, the others are U+0100 and
// on, in order.
var byteRunes = func() (t [256]rune) {
	next := rune(256)
	for b := range t {
		r := rune(b)
		if '!' <= r && r <= '~' || '¡' <= r && r <= '¬' || '®' <= r {
			t[b] = r
		} else {
			t[b] = next
			next++
		}
	}
	return t
}()

var runeBytes = func() map[rune]byte {
	m := make(map[rune]byte, 256)
	for b, r := range byteRunes {
		m[r] = byte(b)
	}
	return m
}()

// byteToken spells a byte of SentencePiece's byte fallback: <0xE2>.
func byteToken(b byte) string {
	const hex = "0123456789ABCDEF"
	return "<0x" + string(hex[b>>4]) + string(hex[b&15]) + ">"
}

func parseByteToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[3:5], 16, 8)
	return byte(v), err == nil
}
