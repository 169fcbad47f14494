package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into ids and ids into text. It does not change after
// it was made, but for a cache of bounded size; any number of goroutines may
// use it at once.
type Tokenizer struct {
	tokens  []string         // [id] spelling in the file
	pieces  []string         // [id] bytes it stands for
	special []bool           // [id]
	isByte  []bool           // [id] byte-fallback token; nil for byte-level vocabularies
	ids     map[string]int32 // spelling -> id

	// Before merging, in this order.
	addedRaw        *matcher // added tokens looked for in the text as it is
	normalizer      normalizer
	addedNormalized *matcher // and in the normalized text
	metaspace       metaspace
	pattern         pattern

	// Merging.
	merges       *mergeTable
	byteLevel    bool
	ignoreMerges bool
	whole        map[string]int32 // spelling -> id, with ignoreMerges
	bytes        [256]int32       // symbol of a byte; -1: none
	runes        map[rune]int32   // symbol of a character, unless byteLevel
	cutBlocks    bool             // no merge has a block after anything but a block: text may be cut there
	unk          int32
	fuseUnk      bool
	cache        *wordCache

	stripSpace     bool
	prefix, suffix []int32
	bos            int32
	eos            []int32
}

// EncodeOptions says how to read a text.
type EncodeOptions struct {
	// Special reads special tokens written in the text, such as <|im_end|>, as
	// these tokens. Leave it off for text from a user, who could otherwise
	// forge turns; then they are spelled out like any text.
	Special bool
	// Plain are parts of the text, as byte ranges [from, to), in which special
	// tokens are not read even with Special: what users wrote in a prompt that
	// is otherwise trusted. The ids are those of one text, also across ranges.
	Plain [][2]int
	// AddBOS puts around the text what the tokenizer says belongs there:
	// usually the beginning-of-text token, for some nothing (see AddsBOS), for
	// a few an end-of-text token too.
	AddBOS bool
}

// reads says whether a special token written in text[from:to] is one.
func (o *EncodeOptions) reads(from, to int) bool {
	if !o.Special {
		return false
	}
	for _, r := range o.Plain {
		if from < r[1] && r[0] < to {
			return false
		}
	}
	return true
}

// Kind is the family of the tokenizer, in words.
func (t *Tokenizer) Kind() string {
	if t.byteLevel {
		return "byte-level BPE"
	}
	return "SentencePiece BPE"
}

// Encode returns the ids of text. Every text has ids: invalid UTF-8 too, whose
// bytes are taken one by one.
func (t *Tokenizer) Encode(text string, o EncodeOptions) []int32 {
	out := make([]int32, 0, len(text)/3+len(t.prefix)+len(t.suffix)+1)
	if o.AddBOS {
		out = append(out, t.prefix...)
	}
	s := scratchPool.Get().(*scratch)
	token := func(id int32) { out = append(out, id) }
	t.addedRaw.split(text, o.reads, func(at int, raw string) {
		all := func(int, int) bool { return o.reads(at, at+len(raw)) }
		t.addedNormalized.split(t.normalizer.apply(raw), all, func(start int, part string) {
			t.pattern.words(t.metaspace.apply(part, at == 0 && start == 0), func(word string) {
				out = t.encodeWord(out, word, s)
			})
		}, token)
	}, token)
	if cap(s.links) <= maxScratch {
		scratchPool.Put(s)
	}
	if o.AddBOS {
		out = append(out, t.suffix...)
	}
	return out
}

// maxScratch is the number of symbols of working memory that is kept.
const maxScratch = 1 << 16

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

// encodeWord appends the ids of a word, which merges do not leave. A
// SentencePiece text is one word; it may be cut before its blocks where no
// merge has a block in the middle, so that its parts can be cached.
func (t *Tokenizer) encodeWord(out []int32, word string, s *scratch) []int32 {
	if t.byteLevel || !t.cutBlocks {
		return t.encodePart(out, word, s)
	}
	for word != "" {
		n := 0
		for strings.HasPrefix(word[n:], block) {
			n += len(block)
		}
		if k := strings.Index(word[n:], block); k >= 0 {
			n += k
		} else {
			n = len(word)
		}
		out = t.encodePart(out, word[:n], s)
		word = word[n:]
	}
	return out
}

func (t *Tokenizer) encodePart(out []int32, part string, s *scratch) []int32 {
	if len(part) > maxCachedWord {
		return append(out, t.merge(part, s)...)
	}
	slot := t.cache.slot(part)
	if c := slot.Load(); c != nil && c.word == part {
		return append(out, c.ids...)
	}
	ids := t.merge(part, s)
	t.cache.put(slot, part, ids)
	return append(out, ids...)
}

// merge returns the ids of part, in memory of s.
func (t *Tokenizer) merge(part string, s *scratch) []int32 {
	if t.ignoreMerges {
		s.spelled = s.spelled[:0]
		for i := 0; i < len(part); i++ {
			s.spelled = utf8.AppendRune(s.spelled, byteRunes[part[i]])
		}
		if id, ok := t.whole[string(s.spelled)]; ok && !t.special[id] {
			s.symbols = append(s.symbols[:0], id)
			return s.symbols
		}
	}
	s.symbols = t.appendSymbols(s.symbols[:0], part)
	return t.merges.apply(s.symbols, s)
}

// appendSymbols appends what merging starts from: bytes, or characters with
// the bytes of those that have no token.
func (t *Tokenizer) appendSymbols(out []int32, part string) []int32 {
	unknown := false // the last one was
	for i := 0; i < len(part); {
		id, n := int32(-1), 1
		if t.byteLevel {
			id = t.bytes[part[i]]
		} else {
			var r rune
			r, n = utf8.DecodeRuneInString(part[i:])
			if known, ok := t.runes[r]; ok && (r != utf8.RuneError || n > 1) {
				id = known
			}
		}
		char := part[i : i+n]
		i += n
		switch {
		case id >= 0:
			out = append(out, id)
		case !t.byteLevel && t.hasBytes(char):
			for k := 0; k < len(char); k++ {
				out = append(out, t.bytes[char[k]])
			}
		case t.unk < 0 || unknown && t.fuseUnk:
			unknown = t.unk >= 0
			continue
		default:
			out = append(out, t.unk)
			unknown = true
			continue
		}
		unknown = false
	}
	return out
}

func (t *Tokenizer) hasBytes(char string) bool {
	for i := 0; i < len(char); i++ {
		if t.bytes[char[i]] < 0 {
			return false
		}
	}
	return true
}

// Size returns the number of ids: the highest one and one more.
func (t *Tokenizer) Size() int { return len(t.tokens) }

// ID returns the id of a token as the vocabulary spells it (Token).
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Token returns a token as the vocabulary spells it: "Ġthe" or "▁the" for
// " the". It is empty for an id without a token.
func (t *Tokenizer) Token(id int32) string {
	if !t.valid(id) {
		return ""
	}
	return t.tokens[id]
}

// Piece returns the bytes a token stands for; they need not be whole
// characters. It is empty for an id without a token.
func (t *Tokenizer) Piece(id int32) []byte {
	if !t.valid(id) {
		return nil
	}
	return []byte(t.pieces[id])
}

// IsSpecial says whether a token is a control code and not text.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.valid(id) && t.special[id] }

func (t *Tokenizer) valid(id int32) bool { return id >= 0 && int(id) < len(t.tokens) }

// BOS returns the beginning-of-text token, if there is one.
func (t *Tokenizer) BOS() (int32, bool) { return t.bos, t.bos >= 0 }

// EOS returns the tokens that end a text or a turn, the main one first. It is
// empty when the files name none.
func (t *Tokenizer) EOS() []int32 { return append([]int32(nil), t.eos...) }

// AddsBOS says whether EncodeOptions.AddBOS puts anything before the text.
func (t *Tokenizer) AddsBOS() bool { return len(t.prefix) > 0 }
