package jinja

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// spec is a conversion: what stands between % and its letter, or after the colon
// in {:}.
type spec struct {
	fill       string
	align      byte // < > ^ =, or 0
	plus       bool // a sign before positive numbers
	width      int
	prec       int // -1: not given
	comma      bool
	conversion byte // d, f, s, x, ...; 0: by type
}

const maxWidth = 10_000 // of a formatted field

var percentRE = regexp.MustCompile(`^%(?:\(([^)]*)\))?([-#0 +]*)(\d*)(?:\.(\d*))?([a-zA-Z%])`)

// percent is Python's "format % v".
func (x *exec) percent(format Str, v Value) (Value, error) {
	var o builder
	vals := []Value{v}
	if t, ok := v.(*list); ok && t.kind == kindTuple {
		vals = t.items
	}
	next := 0
	at := 0
	for {
		i := strings.IndexByte(format.s[at:], '%')
		if i < 0 {
			break
		}
		o.put(format.slice(at, at+i))
		at += i
		m := percentRE.FindStringSubmatch(format.s[at:])
		if m == nil {
			return nil, fmt.Errorf("incomplete or unsupported format %q", format.s[at:min(at+10, len(format.s))])
		}
		at += len(m[0])
		if m[5] == "%" {
			o.lit("%")
			continue
		}
		var arg Value
		if d, ok := v.(*dict); ok && m[1] != "" {
			if arg, ok = d.gets(m[1]); !ok {
				return nil, fmt.Errorf("format: there is no key %q", m[1])
			}
		} else {
			if next >= len(vals) {
				return nil, errors.New("not enough arguments for format string")
			}
			arg = vals[next]
			next++
		}
		sp := spec{fill: " ", align: '>', prec: -1, plus: strings.Contains(m[2], "+"), conversion: m[5][0]}
		if strings.Contains(m[2], "0") {
			sp.fill, sp.align = "0", '='
		}
		if strings.Contains(m[2], "-") {
			sp.fill, sp.align = " ", '<'
		}
		sp.width, _ = strconv.Atoi(m[3])
		if m[4] != "" {
			sp.prec, _ = strconv.Atoi(m[4])
		}
		t, err := x.formatOne(arg, sp, true)
		if err != nil {
			return nil, err
		}
		if err := x.alloc(len(t.s)); err != nil {
			return nil, err
		}
		o.put(t)
	}
	o.put(format.slice(at, len(format.s)))
	if _, isDict := v.(*dict); !isDict && next < len(vals) {
		return nil, errors.New("not all arguments converted during string formatting")
	}
	return o.str(), x.alloc(len(format.s))
}

var specRE = regexp.MustCompile(`^(?:(.)?([<>^=]))?([+ -]?)(0?)(\d*)(,?)(?:\.(\d+))?([a-zA-Z%]?)$`)

// formatOne formats one value; old is the % style, which converts strings with %d's strictness.
func (x *exec) formatOne(v Value, sp spec, old bool) (Str, error) {
	if sp.width > maxWidth || sp.prec > maxWidth {
		return Str{}, fmt.Errorf("%w: a formatted field is wider than %d", ErrLimit, maxWidth)
	}
	if err := x.alloc(sp.width + max(sp.prec, 0) + 32); err != nil {
		return Str{}, err
	}
	var out Str
	number := true
	c := sp.conversion
	if c == 0 {
		switch v.(type) {
		case int64:
			c = 'd'
		case float64:
			c = 'r'
			if sp.prec >= 0 {
				c = 'g'
			}
		default:
			c = 's'
		}
	}
	switch c {
	case 's', 'r', 'a':
		number = false
		var err error
		if c == 's' {
			out, err = x.text(v)
		} else {
			out, err = x.repr(v)
			_, number = asFloat(v)
		}
		if err != nil {
			return Str{}, err
		}
		if sp.prec >= 0 && c == 's' {
			out = out.slice(0, byteOffset(out.s, sp.prec))
		}
	case 'd', 'i', 'u', 'x', 'X', 'o', 'b', 'c':
		n, ok := asInt(v)
		if f, isFloat := v.(float64); isFloat && old && (c == 'd' || c == 'i' || c == 'u') {
			n, ok = int64(f), true
		}
		if !ok {
			return Str{}, fmt.Errorf("%%%c format: an integer is required, not %s", c, typeName(v))
		}
		switch c {
		case 'x', 'o', 'b':
			out = lit(strconv.FormatInt(n, map[byte]int{'x': 16, 'o': 8, 'b': 2}[c]))
		case 'X':
			out = lit(strings.ToUpper(strconv.FormatInt(n, 16)))
		case 'c':
			out, number = lit(string(rune(n))), false
		default:
			out = lit(strconv.FormatInt(n, 10))
		}
	case 'f', 'F', 'e', 'E', 'g', 'G', '%':
		f, ok := asFloat(v)
		if !ok {
			return Str{}, fmt.Errorf("%%%c format: a number is required, not %s", c, typeName(v))
		}
		prec := sp.prec
		if prec < 0 {
			prec = 6
		}
		switch c {
		case '%':
			out = lit(strconv.FormatFloat(100*f, 'f', prec, 64) + "%")
		case 'g', 'G':
			out = lit(formatG(f, max(prec, 1), c))
		case 'F':
			out = lit(strconv.FormatFloat(f, 'f', prec, 64))
		default:
			out = lit(strconv.FormatFloat(f, c, prec, 64))
		}
	default:
		return Str{}, fmt.Errorf("unsupported format character %q", c)
	}
	if number {
		if sp.comma {
			out = lit(thousands(out.s))
		}
		if sp.plus && !strings.HasPrefix(out.s, "-") {
			out = concat(lit("+"), out)
		}
	}
	n := sp.width - utf8.RuneCountInString(out.s)
	if n <= 0 {
		return out, nil
	}
	fill := func(k int) Str { return lit(strings.Repeat(sp.fill, k)) }
	align := sp.align
	if align == 0 {
		align = '<'
		if number {
			align = '>'
		}
	}
	switch align {
	case '<':
		return concat(out, fill(n)), nil
	case '^':
		return concat(fill(n/2), out, fill(n-n/2)), nil
	case '=':
		if number && out.s != "" && (out.s[0] == '-' || out.s[0] == '+') {
			return concat(out.slice(0, 1), fill(n), out.slice(1, len(out.s))), nil
		}
		if !number {
			return concat(lit(strings.Repeat(" ", n)), out), nil
		}
	}
	return concat(fill(n), out), nil
}

// formatG is C's %g.
func formatG(f float64, prec int, c byte) string {
	e := strconv.FormatFloat(f, 'e', prec-1, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil {
		return floatText(f) // inf or nan
	}
	s, tail := "", ""
	if exp < -4 || exp >= prec {
		i := strings.IndexByte(e, 'e')
		s, tail = e[:i], e[i:]
	} else {
		s = strconv.FormatFloat(f, 'f', prec-1-exp, 64)
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if c == 'G' {
		tail = strings.ToUpper(tail)
	}
	return s + tail
}

// thousands puts a comma before every third digit.
func thousands(s string) string {
	start := 0
	if strings.HasPrefix(s, "-") {
		start = 1
	}
	end := strings.IndexAny(s, ".e")
	if end < 0 {
		end = len(s)
	}
	for i := end - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// strFormat is Python's str.format.
func strFormat(x *exec, s Str, a args) (Value, error) {
	var o builder
	next := 0
	for i := 0; i < len(s.s); {
		j := strings.IndexAny(s.s[i:], "{}")
		if j < 0 {
			o.put(s.slice(i, len(s.s)))
			break
		}
		o.put(s.slice(i, i+j))
		i += j
		if i+1 < len(s.s) && s.s[i+1] == s.s[i] {
			o.put(s.slice(i, i+1))
			i += 2
			continue
		}
		end := strings.IndexByte(s.s[i:], '}')
		if s.s[i] == '}' || end < 0 {
			return nil, errors.New("single brace in format string")
		}
		t, err := x.formatField(s.s[i+1:i+end], a, &next)
		if err != nil {
			return nil, err
		}
		if err := x.alloc(len(t.s)); err != nil {
			return nil, err
		}
		o.put(t)
		i += end + 1
	}
	return o.str(), x.alloc(len(s.s))
}

var fieldRE = regexp.MustCompile(`^(\w*)((?:\.\w+|\[[^\]]*\])*)(?:!([rsa]))?(?::(.*))?$`)

// formatField formats what stands in one pair of braces.
func (x *exec) formatField(field string, a args, next *int) (Str, error) {
	m := fieldRE.FindStringSubmatch(field)
	if m == nil {
		return Str{}, fmt.Errorf("unsupported format field {%s}", field)
	}
	name := m[1]
	if name == "" {
		name = strconv.Itoa(*next)
		*next++
	}
	var v Value
	if n, err := strconv.Atoi(name); err == nil {
		if n < 0 || n >= len(a.pos) {
			return Str{}, fmt.Errorf("format: there is no argument %s", name)
		}
		v = a.pos[n]
	} else {
		var ok bool
		if v, ok = a.kw.gets(name); !ok {
			return Str{}, fmt.Errorf("format: there is no argument %q", name)
		}
	}
	for path := m[2]; path != ""; {
		end := strings.IndexAny(path[1:], ".[") + 1
		if end == 0 {
			end = len(path)
		}
		part := path[1:end]
		path = path[end:]
		var key Value = lit(strings.TrimSuffix(part, "]"))
		if n, err := strconv.ParseInt(strings.TrimSuffix(part, "]"), 10, 64); err == nil {
			key = n
		}
		var err error
		if v, err = x.index(v, key); err != nil {
			return Str{}, err
		}
	}
	sp := spec{fill: " ", prec: -1}
	if m[3] != "" {
		r, err := x.text(v)
		if m[3] != "s" {
			r, err = x.repr(v)
		}
		if err != nil {
			return Str{}, err
		}
		v = r
	}
	f := specRE.FindStringSubmatch(m[4])
	if f == nil {
		return Str{}, fmt.Errorf("unsupported format %q", m[4])
	}
	if f[4] == "0" {
		sp.fill, sp.align = "0", '='
	}
	if f[2] != "" {
		sp.align = f[2][0]
	}
	if f[1] != "" {
		sp.fill = f[1]
	}
	sp.plus = f[3] == "+"
	sp.width, _ = strconv.Atoi(f[5])
	sp.comma = f[6] != ""
	if f[7] != "" {
		sp.prec, _ = strconv.Atoi(f[7])
	}
	if f[8] != "" {
		sp.conversion = f[8][0]
	}
	return x.formatOne(v, sp, false)
}
