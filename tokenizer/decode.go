package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids, without the special tokens if skipSpecial.
// Ids without a token are left out. What is not UTF-8 becomes U+FFFD: one for
// each longest run of bytes that starts a character and does not end it, or,
// with SentencePiece's byte tokens, one for each byte of a row of them that is
// not UTF-8 as a whole.
//
// SentencePiece vocabularies that put a space before every text drop one space
// from the start of it.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	d := t.NewDecoder(skipSpecial)
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(d.Add(id))
	}
	b.WriteString(d.Flush())
	return b.String()
}

// Decoder turns ids into text as they come. What Add and Flush return makes up
// exactly what Decode makes of all ids, and each is whole characters.
type Decoder struct {
	t           *Tokenizer
	skipSpecial bool
	started     bool   // some text is out
	pending     []byte // byte level: the start of a character; else the byte tokens since the last other token
}

// NewDecoder returns a Decoder for a new text.
func (t *Tokenizer) NewDecoder(skipSpecial bool) *Decoder {
	return &Decoder{t: t, skipSpecial: skipSpecial}
}

// Add takes the next id and returns the text that is certain now: empty while
// a character is incomplete, and, as one bad byte would change what becomes of
// its neighbours, within a row of byte tokens.
func (d *Decoder) Add(id int32) string {
	t := d.t
	if !t.valid(id) || d.skipSpecial && t.special[id] {
		return ""
	}
	piece := t.pieces[id]
	if t.byteLevel {
		if len(d.pending) == 0 && utf8.ValidString(piece) {
			return piece
		}
		d.pending = append(d.pending, piece...)
		return d.complete(false)
	}
	if t.isByte != nil && t.isByte[id] {
		d.pending = append(d.pending, piece...)
		return ""
	}
	return d.strip(d.row() + piece)
}

// Flush returns what is left at the end of the text; the Decoder is then ready
// for a new one.
func (d *Decoder) Flush() string {
	var s string
	if d.t.byteLevel {
		s = d.complete(true)
	} else {
		s = d.strip(d.row())
	}
	d.started = false
	return s
}

// strip drops a space at the start of the text.
func (d *Decoder) strip(s string) string {
	if s == "" || d.started {
		return s
	}
	d.started = true
	if d.t.stripSpace {
		return strings.TrimPrefix(s, " ")
	}
	return s
}

// row ends a row of byte tokens.
func (d *Decoder) row() string {
	if len(d.pending) == 0 {
		return ""
	}
	s := string(d.pending)
	if !utf8.ValidString(s) {
		s = strings.Repeat("\uFFFD", len(s))
	}
	d.pending = d.pending[:0]
	return s
}

// complete takes the whole characters out of pending, at the end of the text
// also an incomplete one.
func (d *Decoder) complete(last bool) string {
	var out []byte
	b := d.pending
	for len(b) > 0 {
		n, state := scanRune(b)
		if state == runeCut && !last {
			break
		}
		if state == runeWhole {
			out = append(out, b[:n]...)
		} else {
			out = append(out, "\uFFFD"...)
		}
		b = b[n:]
	}
	d.pending = append(d.pending[:0], b...)
	return string(out)
}

type runeState uint8

const (
	runeWhole runeState = iota
	runeCut             // b ends within it
	runeBad
)

// scanRune looks at the character at the start of b: its length, or that of
// the longest start of a character there is (Unicode 15, section 3.9, table
// 3-7 and "maximal subparts").
func scanRune(b []byte) (n int, state runeState) {
	lo, hi := byte(0x80), byte(0xBF) // of the second byte
	var size int
	switch c := b[0]; {
	case c < 0x80:
		return 1, runeWhole
	case 0xC2 <= c && c <= 0xDF:
		size = 2
	case 0xE0 <= c && c <= 0xEF:
		size = 3
		if c == 0xE0 {
			lo = 0xA0
		}
		if c == 0xED {
			hi = 0x9F
		}
	case 0xF0 <= c && c <= 0xF4:
		size = 4
		if c == 0xF0 {
			lo = 0x90
		}
		if c == 0xF4 {
			hi = 0x8F
		}
	default:
		return 1, runeBad
	}
	for n = 1; n < size; n++ {
		if n == len(b) {
			return n, runeCut
		}
		if b[n] < lo || hi < b[n] {
			return n, runeBad
		}
		lo, hi = 0x80, 0xBF
	}
	return size, runeWhole
}
