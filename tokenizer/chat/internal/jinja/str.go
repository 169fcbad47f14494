package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a half-open range of bytes.
type Span struct{ Lo, Hi int }

// Str is a string that remembers which of its bytes came from data. Bytes
// outside of data were written by the template.
type Str struct {
	s    string
	data []Span // sorted, disjoint, not touching, within s
}

func lit(s string) Str { return Str{s: s} }

// fromData is s, all of it from data.
func fromData(s string) Str {
	if s == "" {
		return Str{}
	}
	return Str{s, []Span{{0, len(s)}}}
}

// like is s with one origin: data when any byte of src came from data. It is
// used where single bytes cannot be followed (changes of case, of format).
func like(s string, src ...Str) Str {
	for _, t := range src {
		if len(t.data) > 0 {
			return fromData(s)
		}
	}
	return lit(s)
}

// slice is t.s[lo:hi], in bytes.
func (t Str) slice(lo, hi int) Str {
	out := Str{s: t.s[lo:hi]}
	for _, d := range t.data {
		d.Lo, d.Hi = max(d.Lo, lo), min(d.Hi, hi)
		if d.Lo < d.Hi {
			out.data = append(out.data, Span{d.Lo - lo, d.Hi - lo})
		}
	}
	return out
}

// size is what the string is charged for.
func (t Str) size() int { return len(t.s) + 16*len(t.data) + valueBytes }

// builder concatenates strings and their marks.
type builder struct {
	b    []byte
	data []Span
}

func (o *builder) lit(s string) { o.b = append(o.b, s...) }

func (o *builder) put(t Str) {
	base := len(o.b)
	o.b = append(o.b, t.s...)
	for _, d := range t.data {
		o.mark(base+d.Lo, base+d.Hi)
	}
}

func (o *builder) mark(lo, hi int) {
	if lo == hi {
		return
	}
	if n := len(o.data); n > 0 && o.data[n-1].Hi == lo {
		o.data[n-1].Hi = hi
		return
	}
	o.data = append(o.data, Span{lo, hi})
}

func (o *builder) str() Str { return Str{string(o.b), o.data} }

func concat(parts ...Str) Str {
	var o builder
	for _, p := range parts {
		o.put(p)
	}
	return o.str()
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// strip removes white space, or the characters of set, from the chosen ends.
func (t Str) strip(set string, useSet, left, right bool) Str {
	f := isSpace
	if useSet {
		f = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	lo, hi := 0, len(t.s)
	if left {
		lo = hi - len(strings.TrimLeftFunc(t.s, f))
	}
	if right {
		hi = lo + len(strings.TrimRightFunc(t.s[lo:], f))
	}
	return t.slice(lo, hi)
}

// split cuts at every sep, at most n times (n < 0: no limit).
func (t Str) split(sep string, n int) []Str {
	var out []Str
	at := 0
	for n != 0 {
		i := strings.Index(t.s[at:], sep)
		if i < 0 {
			break
		}
		out = append(out, t.slice(at, at+i))
		at += i + len(sep)
		n--
	}
	return append(out, t.slice(at, len(t.s)))
}

// rsplit is split from the right.
func (t Str) rsplit(sep string, n int) []Str {
	var rev []Str
	end := len(t.s)
	for n != 0 {
		i := strings.LastIndex(t.s[:end], sep)
		if i < 0 {
			break
		}
		rev = append(rev, t.slice(i+len(sep), end))
		end = i
		n--
	}
	rev = append(rev, t.slice(0, end))
	for i, j := 0, len(rev)-1; i < j; i, j = i+1, j-1 {
		rev[i], rev[j] = rev[j], rev[i]
	}
	return rev
}

// fields splits at runs of white space, at most n times (n < 0: no limit).
func (t Str) fields(n int) []Str {
	var out []Str
	rest := t.strip("", false, true, false)
	for rest.s != "" {
		i := strings.IndexFunc(rest.s, isSpace)
		if i < 0 || n == 0 {
			return append(out, rest)
		}
		out = append(out, rest.slice(0, i))
		rest = rest.slice(i, len(rest.s)).strip("", false, true, false)
		n--
	}
	return out
}

// rfields is fields from the right.
func (t Str) rfields(n int) []Str {
	var rev []Str
	rest := t.strip("", false, false, true)
	for rest.s != "" {
		i := strings.LastIndexFunc(rest.s, isSpace)
		if i < 0 || n == 0 {
			rev = append(rev, rest)
			break
		}
		_, w := utf8.DecodeRuneInString(rest.s[i:])
		rev = append(rev, rest.slice(i+w, len(rest.s)))
		rest = rest.slice(0, i).strip("", false, false, true)
		n--
	}
	for i, j := 0, len(rev)-1; i < j; i, j = i+1, j-1 {
		rev[i], rev[j] = rev[j], rev[i]
	}
	return rev
}

// lines is Python's str.splitlines.
func (t Str) lines(keepEnds bool) []Str {
	var out []Str
	at := 0
	for i := 0; i < len(t.s); {
		r, w := utf8.DecodeRuneInString(t.s[i:])
		switch r {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			end := i
			if r == '\r' && i+1 < len(t.s) && t.s[i+1] == '\n' {
				w = 2
			}
			i += w
			if keepEnds {
				end = i
			}
			out = append(out, t.slice(at, end))
			at = i
		default:
			i += w
		}
	}
	if at < len(t.s) {
		out = append(out, t.slice(at, len(t.s)))
	}
	return out
}

// replace puts with in the place of the first n occurrences of old (n < 0: of
// all). An empty old matches between all characters, as in Python.
func (t Str) replace(old string, with Str, n int) Str {
	var o builder
	at := 0
	for i := 0; n != 0 && i <= len(t.s); n-- {
		if old == "" {
			o.put(with)
			if i == len(t.s) {
				return o.str()
			}
			_, w := utf8.DecodeRuneInString(t.s[i:])
			o.put(t.slice(i, i+w))
			i += w
			at = i
			continue
		}
		j := strings.Index(t.s[i:], old)
		if j < 0 {
			break
		}
		o.put(t.slice(at, i+j))
		o.put(with)
		i += j + len(old)
		at = i
	}
	o.put(t.slice(at, len(t.s)))
	return o.str()
}

// runes is the length in characters.
func (t Str) runes() int { return utf8.RuneCountInString(t.s) }

// offsets lists the byte offset of every character and the length at the end;
// nil means that the string is ASCII and offsets are indices.
func (t Str) offsets() []int {
	if t.runes() == len(t.s) {
		return nil
	}
	out := make([]int, 0, len(t.s)+1)
	for i := range t.s {
		out = append(out, i)
	}
	return append(out, len(t.s))
}
