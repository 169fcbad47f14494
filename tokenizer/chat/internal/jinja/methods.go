package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// method is the bound method of v, or nil.
func method(v Value, name string) *function {
	switch v := v.(type) {
	case Str:
		if f, ok := strMethods[name]; ok {
			return &function{name, func(x *exec, a args) (Value, error) { return f(x, v, a) }}
		}
	case *dict:
		if f, ok := dictMethods[name]; ok {
			return &function{name, func(x *exec, a args) (Value, error) { return f(x, v, a) }}
		}
	case *list:
		if f, ok := listMethods[name]; ok && (v.kind == kindList || v.kind == kindTuple && (name == "index" || name == "count")) {
			return &function{name, func(x *exec, a args) (Value, error) { return f(x, v, a) }}
		}
	}
	return nil
}

var strMethods map[string]func(x *exec, s Str, a args) (Value, error)

func init() {
	strMethods = map[string]func(x *exec, s Str, a args) (Value, error){
		"strip": strStrip(true, true), "lstrip": strStrip(true, false), "rstrip": strStrip(false, true),
		"split": strSplit(false), "rsplit": strSplit(true), "splitlines": strLines,
		"partition": strPartition(false), "rpartition": strPartition(true),
		"startswith": strAffix(strings.HasPrefix), "endswith": strAffix(strings.HasSuffix),
		"removeprefix": strRemove(true), "removesuffix": strRemove(false),
		"replace": strReplace, "join": strJoin, "format": strFormat,
		"find": strFind(false, false), "rfind": strFind(true, false),
		"index": strFind(false, true), "rindex": strFind(true, true), "count": strCount,
		"center": strPad(-1), "ljust": strPad(1), "rjust": strPad(0), "zfill": strZfill,
		"upper": strMap(strings.ToUpper), "lower": strMap(strings.ToLower), "casefold": strMap(strings.ToLower),
		"title": strMap(pyTitle), "capitalize": strMap(pyCapitalize), "swapcase": strMap(pySwapcase),
		"isspace": strIs(isSpace), "isalpha": strIs(unicode.IsLetter), "isdigit": strIs(unicode.IsDigit),
		"isdecimal": strIs(unicode.IsDigit), "isnumeric": strIs(unicode.IsNumber),
		"isalnum": strIs(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isascii": func(x *exec, s Str, a args) (Value, error) {
			return strings.IndexFunc(s.s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0, x.work(len(s.s))
		},
		"isupper": func(x *exec, s Str, a args) (Value, error) {
			return isCased(s.s, unicode.IsUpper, unicode.IsLower), x.work(len(s.s))
		},
		"islower": func(x *exec, s Str, a args) (Value, error) {
			return isCased(s.s, unicode.IsLower, unicode.IsUpper), x.work(len(s.s))
		},
	}
}

func strStrip(left, right bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("strip", "chars")
		if err != nil {
			return nil, err
		}
		set, useSet := p[0].(Str)
		if !useSet && p[0] != nil && !missing(p[0]) {
			return nil, fmt.Errorf("strip arg must be None or str, not %s", typeName(p[0]))
		}
		out := s.strip(set.s, useSet, left, right)
		return out, x.alloc(valueBytes + 16*len(out.data) + len(s.s)/workUnit)
	}
}

// strList is a list of the given strings.
func strList(x *exec, parts []Str) (Value, error) {
	out := make([]Value, len(parts))
	n := 0
	for i, p := range parts {
		out[i] = p
		n += p.size() - len(p.s) // the parts share the bytes
	}
	if err := x.alloc(n); err != nil {
		return nil, err
	}
	return x.newList(kindList, out)
}

func strSplit(right bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("split", "sep", "maxsplit")
		if err != nil {
			return nil, err
		}
		n, err := intArg(p[1], -1)
		if err != nil {
			return nil, err
		}
		// Each part costs a header and looks at the marks of the whole.
		if err := x.work(len(s.s)); err != nil {
			return nil, err
		}
		sep, ok := p[0].(Str)
		switch {
		case !ok && p[0] != nil && !missing(p[0]):
			return nil, fmt.Errorf("must be str or None, not %s", typeName(p[0]))
		case ok && sep.s == "":
			return nil, errors.New("empty separator")
		}
		parts := len(s.s)
		if ok {
			parts = strings.Count(s.s, sep.s)
		}
		if n >= 0 {
			parts = min(parts, n)
		}
		if err := x.work(parts * 8 * len(s.data)); err != nil {
			return nil, err
		}
		if err := x.alloc(2 * valueBytes * parts); err != nil {
			return nil, err
		}
		switch {
		case ok && right:
			return strList(x, s.rsplit(sep.s, n))
		case ok:
			return strList(x, s.split(sep.s, n))
		case right:
			return strList(x, s.rfields(n))
		}
		return strList(x, s.fields(n))
	}
}

func strLines(x *exec, s Str, a args) (Value, error) {
	p, err := a.bind("splitlines", "keepends")
	if err != nil {
		return nil, err
	}
	if err := x.work(len(s.s)); err != nil {
		return nil, err
	}
	return strList(x, s.lines(truthy(p[0])))
}

func strPartition(right bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("partition", "sep")
		if err != nil {
			return nil, err
		}
		sep, ok := p[0].(Str)
		if !ok || sep.s == "" {
			return nil, errors.New("partition: the separator must be a string that is not empty")
		}
		if err := x.alloc(4 * s.size() / 1); err != nil {
			return nil, err
		}
		i := strings.Index(s.s, sep.s)
		if right {
			i = strings.LastIndex(s.s, sep.s)
		}
		if i < 0 {
			if right {
				return tuple(Str{}, Str{}, s), nil
			}
			return tuple(s, Str{}, Str{}), nil
		}
		return tuple(s.slice(0, i), s.slice(i, i+len(sep.s)), s.slice(i+len(sep.s), len(s.s))), nil
	}
}

func strAffix(has func(s, affix string) bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("startswith or endswith", "affix", "start", "end")
		if err != nil {
			return nil, err
		}
		t, err := window(x, s, p[1], p[2])
		if err != nil {
			return nil, err
		}
		choices := []Value{p[0]}
		if l, ok := p[0].(*list); ok && l.kind == kindTuple {
			choices = l.items
		}
		for _, c := range choices {
			affix, ok := c.(Str)
			if !ok {
				return nil, fmt.Errorf("startswith and endswith need a str or a tuple of str, not %s", typeName(c))
			}
			if has(t.s, affix.s) {
				return true, nil
			}
		}
		return false, x.work(0)
	}
}

// window is s[start:end] for the methods that take such bounds.
func window(x *exec, s Str, start, end Value) (Str, error) {
	bound := func(v Value) expr {
		if missing(v) {
			return nil
		}
		return constExpr{v}
	}
	if missing(start) && missing(end) {
		return s, nil
	}
	v, err := x.sliceOf(&sliceExpr{x: constExpr{s}, from: bound(start), to: bound(end)})
	if err != nil {
		return Str{}, err
	}
	return v.(Str), nil
}

func strRemove(prefix bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("removeprefix or removesuffix", "affix")
		if err != nil {
			return nil, err
		}
		affix, ok := p[0].(Str)
		if !ok {
			return nil, fmt.Errorf("removeprefix and removesuffix need a str, not %s", typeName(p[0]))
		}
		if prefix && strings.HasPrefix(s.s, affix.s) {
			s = s.slice(len(affix.s), len(s.s))
		} else if !prefix && strings.HasSuffix(s.s, affix.s) {
			s = s.slice(0, len(s.s)-len(affix.s))
		}
		return s, x.alloc(valueBytes + 16*len(s.data))
	}
}

func strReplace(x *exec, s Str, a args) (Value, error) {
	p, err := a.bind("replace", "old", "new", "count")
	if err != nil {
		return nil, err
	}
	if missing(p[0]) || missing(p[1]) {
		return nil, errors.New("replace needs the old and the new text")
	}
	old, err := x.text(p[0])
	if err != nil {
		return nil, err
	}
	with, err := x.text(p[1])
	if err != nil {
		return nil, err
	}
	n := -1
	if p[2] != nil {
		if n, err = intArg(p[2], -1); err != nil {
			return nil, err
		}
	}
	if err := x.work(len(s.s)); err != nil {
		return nil, err
	}
	hits := strings.Count(s.s, old.s)
	if n >= 0 {
		hits = min(hits, n)
	}
	if hits > 0 && len(with.s)+16*len(with.data)+16 > x.bytes/hits {
		return nil, x.alloc(-1)
	}
	if err := x.alloc(s.size() + hits*(len(with.s)+16*len(with.data)+16)); err != nil {
		return nil, err
	}
	if err := x.work(hits * 16 * len(s.data)); err != nil {
		return nil, err
	}
	return s.replace(old.s, with, n), nil
}

func strJoin(x *exec, s Str, a args) (Value, error) {
	p, err := a.bind("join", "iterable")
	if err != nil {
		return nil, err
	}
	return joinFilter(x, p[0], args{pos: []Value{s}})
}

func strFind(right, mustFind bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("find", "sub", "start", "end")
		if err != nil {
			return nil, err
		}
		sub, ok := p[0].(Str)
		if !ok {
			return nil, fmt.Errorf("find: must be str, not %s", typeName(p[0]))
		}
		t, err := window(x, s, p[1], p[2])
		if err != nil {
			return nil, err
		}
		if err := x.work(len(s.s)); err != nil {
			return nil, err
		}
		i := strings.Index(t.s, sub.s)
		if right {
			i = strings.LastIndex(t.s, sub.s)
		}
		if i < 0 {
			if mustFind {
				return nil, errors.New("substring not found")
			}
			return int64(-1), nil
		}
		n := utf8.RuneCountInString(t.s[:i])
		if start, ok := asInt(p[1]); ok {
			size := int64(s.runes())
			if start < 0 {
				start = max(0, start+size)
			}
			n += int(min(start, size))
		}
		return int64(n), nil
	}
}

func strCount(x *exec, s Str, a args) (Value, error) {
	p, err := a.bind("count", "sub", "start", "end")
	if err != nil {
		return nil, err
	}
	sub, ok := p[0].(Str)
	if !ok {
		return nil, fmt.Errorf("count: must be str, not %s", typeName(p[0]))
	}
	t, err := window(x, s, p[1], p[2])
	if err != nil {
		return nil, err
	}
	return int64(strings.Count(t.s, sub.s)), x.work(len(t.s))
}

// strPad pads to a width: left says where the text goes, 1 left, 0 right, -1 middle.
func strPad(left int) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		p, err := a.bind("center, ljust or rjust", "width", "fillchar")
		if err != nil {
			return nil, err
		}
		width, err := intArg(p[0], 0)
		if err != nil {
			return nil, err
		}
		fill, ok := p[1].(Str)
		if !ok {
			fill = lit(" ")
		}
		if fill.runes() != 1 {
			return nil, errors.New("the fill character must be exactly one character long")
		}
		return x.pad(s, fill.s, width, left)
	}
}

func (x *exec) pad(s Str, fill string, width, left int) (Str, error) {
	n := width - s.runes()
	if n <= 0 {
		return s, nil
	}
	if n > maxBytes {
		return s, x.alloc(-1)
	}
	if err := x.alloc(n*len(fill) + s.size()); err != nil {
		return s, err
	}
	before := 0
	switch left {
	case 0:
		before = n
	case -1:
		before = n/2 + n&width&1 // Python's choice for an odd rest
	}
	return concat(lit(strings.Repeat(fill, before)), s, lit(strings.Repeat(fill, n-before))), nil
}

func strZfill(x *exec, s Str, a args) (Value, error) {
	p, err := a.bind("zfill", "width")
	if err != nil {
		return nil, err
	}
	width, err := intArg(p[0], 0)
	if err != nil {
		return nil, err
	}
	sign := Str{}
	if s.s != "" && (s.s[0] == '-' || s.s[0] == '+') {
		sign, s = s.slice(0, 1), s.slice(1, len(s.s))
	}
	out, err := x.pad(s, "0", width-len(sign.s), 0)
	return concat(sign, out), err
}

// strMap applies a change of case.
func strMap(f func(string) string) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		return like(f(s.s), s), x.alloc(s.size())
	}
}

func pyTitle(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		cased := unicode.IsLetter(r)
		first := cased && !inWord
		inWord = cased
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func pyCapitalize(s string) string {
	_, w := utf8.DecodeRuneInString(s)
	return strings.ToTitle(s[:w]) + strings.ToLower(s[w:])
}

func pySwapcase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// strIs tells whether all characters of a string satisfy f, and there are some.
func strIs(f func(rune) bool) func(x *exec, s Str, a args) (Value, error) {
	return func(x *exec, s Str, a args) (Value, error) {
		return s.s != "" && strings.IndexFunc(s.s, func(r rune) bool { return !f(r) }) < 0, x.work(len(s.s))
	}
}
