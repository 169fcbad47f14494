package jinja

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type filterFunc func(x *exec, v Value, a args) (Value, error)

// filter is "v | name(a)".
func (x *exec) filter(name string, v Value, a args) (Value, error) {
	f, ok := filters[name]
	if !ok {
		return nil, fmt.Errorf("no filter named '%s'", name)
	}
	return f(x, v, a)
}

func isFilter(_ *exec, v Value) (bool, error) {
	s, ok := v.(Str)
	if !ok {
		return false, nil
	}
	_, ok = filters[s.s]
	return ok, nil
}

// filters are read only after init, which breaks the cycle with map().
var filters map[string]filterFunc

func init() {
	filters = map[string]filterFunc{
		"tojson": toJSON, "string": textFilter, "safe": textFilter, "upper": viaMethod("upper"),
		"lower": viaMethod("lower"), "capitalize": viaMethod("capitalize"), "title": titleFilter,
		"trim": trimFilter, "replace": replaceFilter, "indent": indentFilter, "center": centerFilter,
		"truncate": truncateFilter, "wordwrap": wordwrapFilter, "wordcount": wordcountFilter,
		"escape": escapeFilter, "e": escapeFilter, "forceescape": escapeFilter, "urlencode": urlencodeFilter,
		"format": formatFilter, "default": defaultFilter, "d": defaultFilter, "length": lengthFilter,
		"count": lengthFilter, "int": intFilter, "float": floatFilter, "abs": absFilter, "round": roundFilter,
		"attr":  attrFilter,
		"first": firstFilter, "last": lastFilter, "join": joinFilter, "list": listFilter, "reverse": reverseFilter,
		"sort": sortFilter, "dictsort": dictsortFilter, "unique": uniqueFilter, "groupby": groupbyFilter,
		"min": extremeFilter("min", -1), "max": extremeFilter("max", 1), "sum": sumFilter,
		"batch": batchFilter, "slice": sliceFilter, "items": itemsFilter, "map": mapFilter,
		"select": pickFilter(false, true), "reject": pickFilter(false, false),
		"selectattr": pickFilter(true, true), "rejectattr": pickFilter(true, false),
	}
}

func textFilter(x *exec, v Value, _ args) (Value, error) { return x.text(v) }

// viaMethod is the filter that applies a method of strings to the text of v.
func viaMethod(name string) filterFunc {
	return func(x *exec, v Value, a args) (Value, error) {
		t, err := x.text(v)
		if err != nil {
			return nil, err
		}
		return strMethods[name](x, t, a)
	}
}

func titleFilter(x *exec, v Value, _ args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	start := true
	s := strings.Map(func(r rune) rune {
		first := start
		start = isSpace(r) || strings.ContainsRune("-({[<", r)
		if first && !start {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, t.s)
	return like(s, t), x.alloc(len(s))
}

func trimFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("trim", "chars")
	if err != nil {
		return nil, err
	}
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	chars, useSet := p[0].(Str)
	return t.strip(chars.s, useSet, true, true), x.work(len(t.s))
}

func replaceFilter(x *exec, v Value, a args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	return strReplace(x, t, a)
}

func indentFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("indent", "width", "first", "blank")
	if err != nil {
		return nil, err
	}
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	pad, ok := p[0].(Str)
	if !ok {
		n, err := intArg(p[0], 4)
		if err != nil {
			return nil, err
		}
		if err := x.alloc(max(n, 0)); err != nil {
			return nil, err
		}
		pad = lit(strings.Repeat(" ", max(n, 0)))
	}
	lines := concat(t, lit("\n")).lines(false)
	if err := x.alloc(len(t.s) + len(pad.s)); err != nil {
		return nil, err
	}
	var o builder
	for i, line := range lines {
		if i > 0 {
			o.lit("\n")
		}
		if i == 0 && truthy(p[1]) || i > 0 && (line.s != "" || truthy(p[2])) {
			if err := x.alloc(len(pad.s)); err != nil {
				return nil, err
			}
			o.put(pad)
		}
		o.put(line)
	}
	return o.str(), nil
}

func centerFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("center", "width")
	if err != nil {
		return nil, err
	}
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	if missing(p[0]) {
		p[0] = int64(80)
	}
	return strMethods["center"](x, t, args{pos: p})
}

func truncateFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("truncate", "length", "killwords", "end", "leeway")
	if err != nil {
		return nil, err
	}
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	n, err := intArg(p[0], 255)
	if err != nil {
		return nil, err
	}
	leeway, err := intArg(p[3], 5)
	if err != nil {
		return nil, err
	}
	end, ok := p[2].(Str)
	if !ok {
		end = lit("...")
	}
	if err := x.work(len(t.s)); err != nil {
		return nil, err
	}
	if t.runes() <= n+leeway {
		return t, nil
	}
	keep := n - end.runes()
	if keep < 0 {
		return nil, fmt.Errorf("truncate: length %d is shorter than the end %q", n, end.s)
	}
	cut := t.slice(0, byteOffset(t.s, keep))
	if !truthy(p[1]) {
		if i := strings.LastIndexByte(cut.s, ' '); i >= 0 {
			cut = cut.slice(0, i)
		}
	}
	return concat(cut, end), x.alloc(len(cut.s) + len(end.s))
}

func wordwrapFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("wordwrap", "width", "break_long_words", "wrapstring")
	if err != nil {
		return nil, err
	}
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	width, err := intArg(p[0], 79)
	if err != nil || width <= 0 {
		return nil, errors.New("wordwrap: the width must be a positive integer")
	}
	if err := x.alloc(2*len(t.s) + valueBytes); err != nil {
		return nil, err
	}
	sep, ok := p[2].(Str)
	if !ok {
		sep = lit("\n")
	}
	breakLong := missing(p[1]) || truthy(p[1])
	var o builder
	for i, line := range t.lines(false) {
		if i > 0 {
			o.put(sep)
		}
		used := 0
		for j, w := range line.fields(-1) {
			if err := x.alloc(len(w.s) + len(sep.s) + 1); err != nil {
				return nil, err
			}
			n := w.runes()
			if j > 0 && used+1+n > width {
				o.put(sep)
				used = 0
			} else if j > 0 {
				o.lit(" ")
				used++
			}
			for breakLong && n > width-used {
				k := byteOffset(w.s, width-used)
				o.put(w.slice(0, k))
				o.put(sep)
				if err := x.alloc(len(sep.s)); err != nil {
					return nil, err
				}
				w = w.slice(k, len(w.s))
				n -= width - used
				used = 0
			}
			o.put(w)
			used += n
		}
	}
	return o.str(), nil
}

func wordcountFilter(x *exec, v Value, _ args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	inWord := false
	n := int64(0)
	for _, r := range t.s {
		w := r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
		if w && !inWord {
			n++
		}
		inWord = w
	}
	return n, x.work(len(t.s))
}

func escapeFilter(x *exec, v Value, _ args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	if err := x.alloc(6 * len(t.s)); err != nil {
		return nil, err
	}
	for _, r := range [][2]string{{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {`"`, "&#34;"}} {
		t = t.replace(r[0], like(r[1], t), -1)
	}
	return t, nil
}

func urlencodeFilter(x *exec, v Value, _ args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	if err := x.alloc(3 * len(t.s)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i := 0; i < len(t.s); i++ {
		c := t.s[i]
		if c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))) || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return like(b.String(), t), nil
}

func formatFilter(x *exec, v Value, a args) (Value, error) {
	t, err := x.text(v)
	if err != nil {
		return nil, err
	}
	if a.kw != nil {
		if len(a.pos) > 0 {
			return nil, errors.New("format takes positional or named arguments, not both")
		}
		return x.percent(t, a.kw)
	}
	return x.percent(t, tuple(a.pos...))
}

func defaultFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("default", "default_value", "boolean")
	if err != nil {
		return nil, err
	}
	if missing(v) || truthy(p[1]) && !truthy(v) {
		if len(a.pos) == 0 && missing(p[0]) {
			return Str{}, nil
		}
		return p[0], nil
	}
	return v, nil
}

func lengthFilter(x *exec, v Value, _ args) (Value, error) {
	switch v := v.(type) {
	case Str:
		return int64(v.runes()), x.work(len(v.s))
	case *dict:
		return int64(len(v.keys)), nil
	case *list:
		if v.kind != kindGenerator {
			return int64(len(v.items)), nil
		}
	case *loopVar:
		return int64(len(v.items)), nil
	case undefined:
		return int64(0), nil
	}
	return nil, fmt.Errorf("object of type '%s' has no len()", typeName(v))
}

func intFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("int", "default", "base")
	if err != nil {
		return nil, err
	}
	def := p[0]
	if missing(def) {
		def = int64(0)
	}
	base, err := intArg(p[1], 10)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case float64:
		if math.Abs(v) < 1<<62 {
			return int64(v), nil
		}
	case Str:
		s := strings.ReplaceAll(strings.TrimFunc(v.s, isSpace), "_", "")
		if base >= 2 && base <= 36 {
			if n, err := strconv.ParseInt(strings.ToLower(trimBase(s, base)), base, 64); err == nil {
				return n, nil
			}
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<62 {
			return int64(f), nil
		}
	default:
		if n, ok := asInt(v); ok {
			return n, nil
		}
	}
	return def, nil
}

// trimBase removes the 0x, 0o or 0b that Python's int allows.
func trimBase(s string, base int) string {
	prefix := map[int]string{16: "0x", 8: "0o", 2: "0b"}[base]
	if prefix != "" && len(s) > 2 && strings.EqualFold(s[:2], prefix) {
		return s[2:]
	}
	return s
}

func floatFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("float", "default")
	if err != nil {
		return nil, err
	}
	if f, ok := asFloat(v); ok {
		return f, nil
	}
	if s, ok := v.(Str); ok {
		if f, err := strconv.ParseFloat(strings.TrimFunc(s.s, isSpace), 64); err == nil {
			return f, nil
		}
	}
	if missing(p[0]) {
		return 0.0, nil
	}
	return p[0], nil
}

func absFilter(x *exec, v Value, _ args) (Value, error) {
	if f, ok := v.(float64); ok {
		return math.Abs(f), nil
	}
	n, ok := asInt(v)
	if !ok {
		return nil, fmt.Errorf("bad operand type for abs(): '%s'", typeName(v))
	}
	if n == math.MinInt64 {
		return nil, errOverflow
	}
	return max(n, -n), nil
}

func roundFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("round", "precision", "method")
	if err != nil {
		return nil, err
	}
	f, ok := asFloat(v)
	if !ok {
		return nil, fmt.Errorf("round: a number is required, got %s", typeName(v))
	}
	prec, err := intArg(p[0], 0)
	if err != nil {
		return nil, err
	}
	if prec < -300 || prec > 300 {
		return f, nil
	}
	method := "common"
	if m, ok := p[1].(Str); ok {
		method = m.s
	}
	scale := math.Pow(10, float64(prec))
	switch method {
	case "ceil":
		f = math.Ceil(f*scale) / scale
	case "floor":
		f = math.Floor(f*scale) / scale
	case "common":
		if prec < 0 {
			f = math.RoundToEven(f*scale) / scale
		} else {
			// The decimal conversion rounds the exact binary value, as Python does.
			f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', prec, 64), 64)
		}
	default:
		return nil, errors.New("round: the method must be common, ceil or floor")
	}
	if _, isInt := v.(int64); isInt && method == "common" {
		return int64(f), nil
	}
	return f, nil
}

func attrFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("attr", "name")
	if err != nil {
		return nil, err
	}
	s, ok := p[0].(Str)
	if !ok {
		return nil, errors.New("attr: the name must be a string")
	}
	if _, isDict := v.(*dict); isDict { // attributes only, no items
		if m := method(v, s.s); m != nil {
			return m, nil
		}
		return undefined{fmt.Sprintf("'dict object' has no attribute '%s'", s.s)}, nil
	}
	return x.attr(v, s.s)
}
