package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// test is "v is name(a)".
func (x *exec) test(name string, v Value, a args) (bool, error) {
	if f, ok := binaryTests[name]; ok {
		p, err := a.bind(name, "other")
		if err != nil {
			return false, err
		}
		return f(x, v, p[0])
	}
	f, ok := unaryTests[name]
	if !ok {
		return false, fmt.Errorf("no test named '%s'", name)
	}
	if _, err := a.bind(name); err != nil {
		return false, err
	}
	return f(x, v)
}

var unaryTests = map[string]func(x *exec, v Value) (bool, error){
	"defined":   func(x *exec, v Value) (bool, error) { return !missing(v), nil },
	"undefined": func(x *exec, v Value) (bool, error) { return missing(v), nil },
	"none":      func(x *exec, v Value) (bool, error) { return v == nil, nil },
	"boolean":   isType[bool],
	"integer":   isType[int64],
	"float":     isType[float64],
	"string":    isType[Str],
	"mapping":   isType[*dict],
	"callable":  isType[*function],
	"true":      func(x *exec, v Value) (bool, error) { return v == Value(true), nil },
	"false":     func(x *exec, v Value) (bool, error) { return v == Value(false), nil },
	"escaped":   func(x *exec, v Value) (bool, error) { return false, nil },
	"number":    func(x *exec, v Value) (bool, error) { _, ok := asFloat(v); return ok, nil },
	"iterable": func(x *exec, v Value) (bool, error) {
		switch v.(type) {
		case *list, *dict, Str, undefined, *loopVar:
			return true, nil
		}
		return false, nil
	},
	"sequence": func(x *exec, v Value) (bool, error) {
		switch v := v.(type) {
		case *list:
			return v.kind < kindView, nil
		case *dict, Str, undefined:
			return true, nil
		}
		return false, nil
	},
	"odd":  func(x *exec, v Value) (bool, error) { n, err := modTest(v, 2); return err == nil && n != 0, err },
	"even": func(x *exec, v Value) (bool, error) { n, err := modTest(v, 2); return err == nil && n == 0, err },
	"upper": func(x *exec, v Value) (bool, error) {
		t, err := x.text(v)
		return isCased(t.s, unicode.IsUpper, unicode.IsLower), err
	},
	"lower": func(x *exec, v Value) (bool, error) {
		t, err := x.text(v)
		return isCased(t.s, unicode.IsLower, unicode.IsUpper), err
	},
	"filter": isFilter,
}

var binaryTests = map[string]func(x *exec, v, w Value) (bool, error){}

func init() {
	// Filled here because select and map refer back to the tests and filters.
	for _, names := range [][]string{
		{"==", "eq", "equalto"}, {"!=", "ne"}, {"<", "lt", "lessthan"}, {"<=", "le"},
		{">", "gt", "greaterthan"}, {">=", "ge"},
	} {
		op := names[0]
		for _, n := range names {
			binaryTests[n] = func(x *exec, v, w Value) (bool, error) {
				switch op {
				case "==", "!=":
					eq, err := x.equal(v, w, 0)
					return eq == (op == "=="), err
				}
				return x.ordered(op, v, w)
			}
		}
	}
	unaryTests["test"] = func(x *exec, v Value) (bool, error) {
		s, ok := v.(Str)
		return ok && isTest(s.s), nil
	}
	binaryTests["in"] = func(x *exec, v, w Value) (bool, error) { return x.contains(w, v) }
	binaryTests["sameas"] = sameAs
	binaryTests["divisibleby"] = func(x *exec, v, w Value) (bool, error) {
		d, ok := asInt(w)
		if !ok || d == 0 {
			return false, errors.New("divisibleby needs an integer other than 0")
		}
		n, err := modTest(v, d)
		return n == 0, err
	}
}

func isTest(name string) bool {
	_, one := unaryTests[name]
	_, two := binaryTests[name]
	return one || two
}

func isType[T any](_ *exec, v Value) (bool, error) {
	_, ok := v.(T)
	return ok, nil
}

// sameAs is Python's "is": identity for objects, equality of type and value for the rest.
func sameAs(x *exec, v, w Value) (bool, error) {
	switch a := v.(type) {
	case *list, *dict, *namespace, *function, *loopVar:
		return v == w, nil
	case Str:
		b, ok := w.(Str)
		return ok && a.s == b.s, nil
	case undefined:
		return missing(w), nil
	}
	if _, ok := w.(Str); ok {
		return false, nil
	}
	if missing(w) {
		return false, nil
	}
	return v == w, nil
}

func modTest(v Value, d int64) (int64, error) {
	n, ok := asInt(v)
	if !ok {
		return 0, fmt.Errorf("an integer is required, got %s", typeName(v))
	}
	return n % d, nil
}

// isCased reports that s has cased characters and none of them is bad.
func isCased(s string, good, bad func(rune) bool) bool {
	return strings.IndexFunc(s, good) >= 0 && strings.IndexFunc(s, bad) < 0
}
