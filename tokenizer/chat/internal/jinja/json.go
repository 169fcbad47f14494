package jinja

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonStyle is how Python's json.dumps is asked to write.
type jsonStyle struct {
	ascii, sort bool
	indent      string // of one level
	multiline   bool
	comma       string
	colon       string
}

// toJSON is the filter tojson as transformers defines it:
// json.dumps(v, ensure_ascii=False, indent=None, separators=None, sort_keys=False).
func toJSON(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return nil, err
	}
	st := jsonStyle{ascii: truthy(p[0]), sort: truthy(p[3]), comma: ", ", colon: ": "}
	switch in := p[1].(type) {
	case nil, undefined:
	case Str:
		st.multiline, st.indent = true, in.s
	default:
		n, ok := asInt(in)
		if !ok || n > 1000 {
			return nil, fmt.Errorf("tojson: indent must be a small integer or a string")
		}
		st.multiline, st.indent = true, strings.Repeat(" ", int(max(n, 0)))
	}
	if st.multiline {
		st.comma = ","
	}
	switch sep := p[2].(type) {
	case nil, undefined:
	case *list:
		if len(sep.items) == 2 {
			comma, ok1 := sep.items[0].(Str)
			colon, ok2 := sep.items[1].(Str)
			if ok1 && ok2 {
				st.comma, st.colon = comma.s, colon.s
				break
			}
		}
		return nil, fmt.Errorf("tojson: separators must be two strings")
	default:
		return nil, fmt.Errorf("tojson: separators must be two strings, not a %s", typeName(sep))
	}
	var o builder
	if err := x.writeJSON(&o, v, st, 0); err != nil {
		return nil, err
	}
	return o.str(), nil
}

func (x *exec) writeJSON(o *builder, v Value, st jsonStyle, depth int) error {
	if depth > maxDepth {
		return errDepth()
	}
	if err := x.alloc(16 + len(st.comma) + len(st.colon)); err != nil {
		return err
	}
	newline := func(d int) error {
		if !st.multiline {
			return nil
		}
		if err := x.alloc(1 + d*len(st.indent)); err != nil {
			return err
		}
		o.lit("\n")
		o.lit(strings.Repeat(st.indent, d))
		return nil
	}
	switch v := v.(type) {
	case nil:
		o.lit("null")
	case bool:
		o.lit(strconv.FormatBool(v))
	case int64:
		o.lit(strconv.FormatInt(v, 10))
	case float64:
		o.lit(jsonFloat(v))
	case Str:
		if err := x.alloc(6*len(v.s) + 2); err != nil {
			return err
		}
		o.put(like(jsonQuote(v.s, st.ascii), v))
	case *list:
		if v.kind > kindTuple {
			return fmt.Errorf("Object of type %s is not JSON serializable", typeName(v))
		}
		if len(v.items) == 0 {
			o.lit("[]")
			return nil
		}
		o.lit("[")
		for i, it := range v.items {
			if i > 0 {
				o.lit(st.comma)
			}
			if err := newline(depth + 1); err != nil {
				return err
			}
			if err := x.writeJSON(o, it, st, depth+1); err != nil {
				return err
			}
		}
		if err := newline(depth); err != nil {
			return err
		}
		o.lit("]")
	case *dict:
		if len(v.keys) == 0 {
			o.lit("{}")
			return nil
		}
		o.lit("{")
		order, err := jsonKeys(v, st.sort)
		if err != nil {
			return err
		}
		for n, i := range order {
			if n > 0 {
				o.lit(st.comma)
			}
			if err := newline(depth + 1); err != nil {
				return err
			}
			k, err := jsonKey(v.keys[i])
			if err != nil {
				return err
			}
			if err := x.writeJSON(o, k, st, depth+1); err != nil {
				return err
			}
			o.lit(st.colon)
			if err := x.writeJSON(o, v.vals[i], st, depth+1); err != nil {
				return err
			}
		}
		if err := newline(depth); err != nil {
			return err
		}
		o.lit("}")
	default:
		return fmt.Errorf("Object of type %s is not JSON serializable", typeName(v))
	}
	return nil
}

// jsonKeys is the order in which the entries of d are written.
func jsonKeys(d *dict, sorted bool) ([]int, error) {
	order := make([]int, len(d.keys))
	for i := range order {
		order[i] = i
	}
	if !sorted {
		return order, nil
	}
	names := make([]string, len(d.keys))
	for i, k := range d.keys {
		s, ok := k.(Str)
		if !ok {
			return nil, fmt.Errorf("tojson: sort_keys needs keys that are strings, not %s", typeName(k))
		}
		names[i] = s.s
	}
	sort.SliceStable(order, func(i, j int) bool { return names[order[i]] < names[order[j]] })
	return order, nil
}

func jsonKey(k Value) (Str, error) {
	switch k := k.(type) {
	case Str:
		return k, nil
	case nil:
		return lit("null"), nil
	case bool:
		return lit(strconv.FormatBool(k)), nil
	case int64:
		return lit(strconv.FormatInt(k, 10)), nil
	case float64:
		return lit(jsonFloat(k)), nil
	}
	return Str{}, fmt.Errorf("keys must be str, int, float, bool or None, not %s", typeName(k))
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return floatText(f)
}

func jsonQuote(s string, ascii bool) string {
	b := []byte{'"'}
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r < 0x20 || ascii && r >= 0x7f && r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		case ascii && r >= 0x10000:
			r -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b = append(b, s[i:i+w]...)
		}
		i += w
	}
	return string(append(b, '"'))
}
