package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text is what {{ v }} prints: Python's str(v).
func (x *exec) text(v Value) (Str, error) {
	switch v := v.(type) {
	case Str:
		return v, nil
	case undefined:
		return Str{}, nil
	}
	return x.repr(v)
}

// repr is Python's repr(v).
func (x *exec) repr(v Value) (Str, error) {
	var o builder
	err := x.writeRepr(&o, v, 0)
	return o.str(), err
}

func (x *exec) writeRepr(o *builder, v Value, depth int) error {
	if depth > maxDepth {
		return errDepth()
	}
	if err := x.alloc(16); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		o.lit("None")
	case bool:
		if v {
			o.lit("True")
		} else {
			o.lit("False")
		}
	case int64:
		o.lit(strconv.FormatInt(v, 10))
	case float64:
		o.lit(floatText(v))
	case Str:
		if err := x.alloc(4*len(v.s) + 2); err != nil {
			return err
		}
		o.put(like(quote(v.s), v))
	case undefined:
		o.lit("Undefined")
	case *list:
		open, end := "[", "]"
		switch v.kind {
		case kindTuple:
			open, end = "(", ")"
			if len(v.items) == 1 {
				end = ",)"
			}
		case kindRange:
			open, end = "range(", ")"
			if n := len(v.items); n > 0 {
				first, last := v.items[0].(int64), v.items[n-1].(int64)
				step := int64(1)
				if n > 1 {
					step = v.items[1].(int64) - first
				}
				o.lit(fmt.Sprintf("range(%d, %d", first, last+step))
				if step != 1 {
					o.lit(fmt.Sprintf(", %d", step))
				}
			} else {
				o.lit("range(0, 0")
			}
			o.lit(")")
			return nil
		case kindView:
			open, end = "dict_view([", "])"
		case kindGenerator:
			o.lit("<generator object>")
			return nil
		}
		o.lit(open)
		for i, it := range v.items {
			if i > 0 {
				o.lit(", ")
			}
			if err := x.writeRepr(o, it, depth+1); err != nil {
				return err
			}
		}
		o.lit(end)
	case *dict:
		o.lit("{")
		for i, k := range v.keys {
			if i > 0 {
				o.lit(", ")
			}
			if err := x.writeRepr(o, k, depth+1); err != nil {
				return err
			}
			o.lit(": ")
			if err := x.writeRepr(o, v.vals[i], depth+1); err != nil {
				return err
			}
		}
		o.lit("}")
	case *namespace:
		o.lit("<Namespace ")
		if err := x.writeRepr(o, v.vars, depth+1); err != nil {
			return err
		}
		o.lit(">")
	case *function:
		o.lit("<function " + v.name + ">")
	case *loopVar:
		o.lit(fmt.Sprintf("<LoopContext %d/%d>", v.i+1, len(v.items)))
	}
	return nil
}

// floatText is Python's repr of a float: the shortest digits that read back the
// same, with a point, in scientific notation below 1e-4 and from 1e16.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64) // two digits of exponent at least, as in Python
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote is Python's repr of a string.
func quote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b := []byte{q}
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == rune(q) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == utf8.RuneError && w == 1:
			b = append(b, s[i])
		case unicode.IsPrint(r):
			b = append(b, s[i:i+w]...)
		case r < 0x100:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
		i += w
	}
	return string(append(b, q))
}
