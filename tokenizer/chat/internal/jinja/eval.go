package jinja

import (
	"fmt"
	"unicode/utf8"
)

// maxEval bounds the depth of the Go stack while expressions are evaluated.
const maxEval = 20_000

func (x *exec) eval(e expr) (Value, error) {
	if err := x.work(0); err != nil {
		return nil, err
	}
	if x.depth++; x.depth > maxEval {
		return nil, fmt.Errorf("%w: expressions nested deeper than %d", ErrLimit, maxEval)
	}
	defer func() { x.depth-- }()
	switch e := e.(type) {
	case constExpr:
		return e.v, nil
	case nameExpr:
		if v, ok := x.scope.get(e.name); ok {
			return v, nil
		}
		return undefined{fmt.Sprintf("'%s' is undefined", e.name)}, nil
	case blockExpr:
		return x.block, nil
	case *listExpr:
		if err := x.alloc(valueBytes * (1 + len(e.items))); err != nil {
			return nil, err
		}
		l := &list{items: make([]Value, len(e.items))}
		if e.tuple {
			l.kind = kindTuple
		}
		for i, it := range e.items {
			v, err := x.eval(it)
			if err != nil {
				return nil, err
			}
			l.items[i] = v
		}
		return l, nil
	case *dictExpr:
		if err := x.alloc(dictBytes * (1 + len(e.keys))); err != nil {
			return nil, err
		}
		d := newDict()
		for i := range e.keys {
			k, err := x.eval(e.keys[i])
			if err != nil {
				return nil, err
			}
			v, err := x.eval(e.vals[i])
			if err != nil {
				return nil, err
			}
			if err := d.set(k, v); err != nil {
				return nil, err
			}
		}
		return d, nil
	case *unExpr:
		v, err := x.eval(e.x)
		if err != nil {
			return nil, err
		}
		return unary(e.op, v)
	case *binExpr:
		v, err := x.binary(e)
		return v, at(e.line, err)
	case *concatExpr:
		parts := make([]Str, len(e.parts))
		n := valueBytes
		for i, p := range e.parts {
			v, err := x.eval(p)
			if err != nil {
				return nil, err
			}
			if parts[i], err = x.text(v); err != nil {
				return nil, at(e.line, err)
			}
			n += len(parts[i].s) + 16*len(parts[i].data)
		}
		if err := x.alloc(n); err != nil {
			return nil, at(e.line, err)
		}
		return concat(parts...), nil
	case *compareExpr:
		v, err := x.compare(e)
		return v, at(e.line, err)
	case *condExpr:
		c, err := x.eval(e.cond)
		if err != nil {
			return nil, err
		}
		if truthy(c) {
			return x.eval(e.then)
		}
		if e.alt == nil {
			return undefined{"the inline if-expression was false and has no else"}, nil
		}
		return x.eval(e.alt)
	case *attrExpr:
		v, err := x.eval(e.x)
		if err != nil {
			return nil, err
		}
		v, err = x.attr(v, e.name)
		return v, at(e.line, err)
	case *indexExpr:
		v, err := x.eval(e.x)
		if err != nil {
			return nil, err
		}
		i, err := x.eval(e.i)
		if err != nil {
			return nil, err
		}
		v, err = x.index(v, i)
		return v, at(e.line, err)
	case *sliceExpr:
		v, err := x.sliceOf(e)
		return v, at(e.line, err)
	case *callExpr:
		v, err := x.call(e, nil)
		return v, at(e.line, err)
	case *filterExpr:
		v, err := x.eval(e.x)
		if err != nil {
			return nil, err
		}
		a, err := x.args(e.a)
		if err != nil {
			return nil, err
		}
		v, err = x.filter(e.name, v, a)
		return v, at(e.line, err)
	case *testExpr:
		v, err := x.eval(e.x)
		if err != nil {
			return nil, err
		}
		a, err := x.args(e.a)
		if err != nil {
			return nil, err
		}
		ok, err := x.test(e.name, v, a)
		return ok != e.not, at(e.line, err)
	}
	return nil, fmt.Errorf("unknown expression %T", e)
}

// args evaluates the arguments of a call.
func (x *exec) args(c callArgs) (args, error) {
	var a args
	if len(c.pos)+len(c.vals) > 0 {
		if err := x.alloc(valueBytes * (len(c.pos) + 2*len(c.vals))); err != nil {
			return a, err
		}
	}
	for _, e := range c.pos {
		v, err := x.eval(e)
		if err != nil {
			return a, err
		}
		a.pos = append(a.pos, v)
	}
	if c.star != nil {
		v, err := x.eval(c.star)
		if err != nil {
			return a, err
		}
		items, err := x.iterate(v)
		if err != nil {
			return a, err
		}
		if err := x.alloc(valueBytes * len(items)); err != nil {
			return a, err
		}
		a.pos = append(a.pos, items...)
	}
	if len(c.names) > 0 || c.kw != nil {
		a.kw = newDict()
	}
	for i, n := range c.names {
		v, err := x.eval(c.vals[i])
		if err != nil {
			return a, err
		}
		a.kw.sets(n, v)
	}
	if c.kw != nil {
		v, err := x.eval(c.kw)
		if err != nil {
			return a, err
		}
		d, ok := v.(*dict)
		if !ok {
			return a, fmt.Errorf("argument after ** must be a mapping, not %s", typeName(v))
		}
		if err := x.alloc(dictBytes * len(d.keys)); err != nil {
			return a, err
		}
		for i, k := range d.keys {
			s, ok := k.(Str)
			if !ok {
				return a, fmt.Errorf("keywords must be strings, not %s", typeName(k))
			}
			a.kw.sets(s.s, d.vals[i])
		}
	}
	return a, nil
}

// call calls a function; caller is the body of a {% call %} block, or nil.
func (x *exec) call(e *callExpr, caller *function) (Value, error) {
	f, err := x.eval(e.f)
	if err != nil {
		return nil, err
	}
	a, err := x.args(e.a)
	if err != nil {
		return nil, err
	}
	if caller != nil {
		if a.kw == nil {
			a.kw = newDict()
		}
		a.kw.sets("caller", caller)
	}
	switch f := f.(type) {
	case *function:
		return f.call(x, a)
	case undefined:
		return nil, fmt.Errorf("%s; it cannot be called", f.what)
	case *loopVar:
		if f.recurse == nil {
			return nil, fmt.Errorf("loop is called, but the loop is not marked recursive")
		}
		if len(a.pos) != 1 {
			return nil, fmt.Errorf("loop takes one argument, got %d", len(a.pos))
		}
		return f.recurse(a.pos[0])
	}
	return nil, fmt.Errorf("'%s' object is not callable", typeName(f))
}

// iterate lists what a for loop over v visits. The result must not be changed.
func (x *exec) iterate(v Value) ([]Value, error) {
	switch v := v.(type) {
	case *list:
		items := v.items
		if v.kind == kindGenerator {
			v.items = nil
		}
		return items, x.work(len(items))
	case *dict:
		return v.keys, x.work(len(v.keys))
	case Str:
		if err := x.alloc(valueBytes * len(v.s)); err != nil {
			return nil, err
		}
		var out []Value
		for i := 0; i < len(v.s); {
			_, w := utf8.DecodeRuneInString(v.s[i:])
			out = append(out, v.slice(i, i+w))
			i += w
		}
		return out, nil
	case undefined:
		return nil, nil
	}
	return nil, fmt.Errorf("'%s' object is not iterable", typeName(v))
}

func objectName(v Value) string {
	if v == nil {
		return "None"
	}
	return typeName(v) + " object"
}

// attr is v.name: a method if v has one, else an item.
func (x *exec) attr(v Value, name string) (Value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, fmt.Errorf("%s; it has no attribute '%s'", v.what, name)
	case *namespace:
		if got, ok := v.vars.gets(name); ok {
			return got, nil
		}
	case *loopVar:
		return v.attr(name), nil
	case *function:
		if name == "name" {
			return lit(v.name), nil
		}
	case *dict:
		if m := method(v, name); m != nil {
			return m, nil
		}
		if got, ok := v.gets(name); ok {
			return got, nil
		}
	default:
		if m := method(v, name); m != nil {
			return m, nil
		}
	}
	return undefined{fmt.Sprintf("'%s' has no attribute '%s'", objectName(v), name)}, nil
}

// index is v[i]: an item if there is one, else a method.
func (x *exec) index(v, i Value) (Value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, fmt.Errorf("%s; it has no items", v.what)
	case *dict:
		if got, ok := v.get(i); ok {
			return got, nil
		}
	case *list:
		if n, ok := asInt(i); ok && v.kind < kindView {
			if n < 0 {
				n += int64(len(v.items))
			}
			if n >= 0 && n < int64(len(v.items)) {
				return v.items[n], nil
			}
		}
	case Str:
		if n, ok := asInt(i); ok {
			if err := x.work(len(v.s)); err != nil {
				return nil, err
			}
			size := int64(v.runes())
			if n < 0 {
				n += size
			}
			if n >= 0 && n < size {
				lo, hi := int(n), int(n)+1
				if int(size) != len(v.s) {
					lo = byteOffset(v.s, int(n))
					_, w := utf8.DecodeRuneInString(v.s[lo:])
					hi = lo + w
				}
				return v.slice(lo, hi), nil
			}
		}
	}
	if s, ok := i.(Str); ok {
		if _, isDict := v.(*dict); isDict {
			if m := method(v, s.s); m != nil {
				return m, nil
			}
			return undefined{fmt.Sprintf("'dict object' has no attribute '%s'", s.s)}, nil
		}
		return x.attr(v, s.s)
	}
	what, err := x.repr(i)
	return undefined{fmt.Sprintf("%s has no element %s", objectName(v), what.s)}, err
}

// byteOffset is where character n of s begins.
func byteOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func (x *exec) sliceOf(e *sliceExpr) (Value, error) {
	v, err := x.eval(e.x)
	if err != nil {
		return nil, err
	}
	var bound [3]*int64
	for i, b := range []expr{e.from, e.to, e.step} {
		if b == nil {
			continue
		}
		bv, err := x.eval(b)
		if err != nil {
			return nil, err
		}
		if bv == nil {
			continue
		}
		n, ok := asInt(bv)
		if !ok {
			return nil, fmt.Errorf("slice indices must be integers or None, not %s", typeName(bv))
		}
		bound[i] = &n
	}
	switch v := v.(type) {
	case undefined:
		return nil, fmt.Errorf("%s; it cannot be sliced", v.what)
	case Str:
		if err := x.work(len(v.s)); err != nil {
			return nil, err
		}
		off := v.offsets()
		n := len(v.s)
		if off != nil {
			n = len(off) - 1
		}
		at := func(i int) int {
			if off != nil {
				return off[i]
			}
			return i
		}
		from, count, step, err := sliceRange(bound, n)
		if err != nil || count == 0 {
			return Str{}, err
		}
		if step == 1 {
			s := v.slice(at(from), at(from+count))
			return s, x.alloc(s.size() - len(s.s)) // shares the bytes
		}
		if err := x.alloc(len(v.s) + valueBytes*count); err != nil {
			return nil, err
		}
		var o builder
		for ; count > 0; count-- {
			o.put(v.slice(at(from), at(from+1)))
			from += step
		}
		return o.str(), nil
	case *list:
		if v.kind >= kindView {
			return undefined{fmt.Sprintf("'%s' cannot be sliced", objectName(v))}, nil
		}
		from, count, step, err := sliceRange(bound, len(v.items))
		if err != nil {
			return nil, err
		}
		if err := x.alloc(valueBytes * (1 + count)); err != nil {
			return nil, err
		}
		out := &list{kind: v.kind, items: make([]Value, count)}
		for i := range out.items {
			out.items[i] = v.items[from]
			from += step
		}
		return out, nil
	}
	return undefined{fmt.Sprintf("'%s' cannot be sliced", objectName(v))}, nil
}

// sliceRange resolves Python's from:to:step over n items.
func sliceRange(b [3]*int64, n int) (from, count, step int, err error) {
	s := int64(1)
	if b[2] != nil {
		s = *b[2]
	}
	if s == 0 {
		return 0, 0, 0, fmt.Errorf("slice step cannot be zero")
	}
	// A step beyond the length is as good as the length, and cannot overflow.
	s = max(min(s, int64(n)+1), -int64(n)-1)
	clamp := func(p *int64, def, lo, hi int64) int64 {
		if p == nil {
			return def
		}
		v := *p
		if v < 0 {
			v += int64(n)
		}
		return max(lo, min(v, hi))
	}
	var lo, hi int64
	if s > 0 {
		lo, hi = clamp(b[0], 0, 0, int64(n)), clamp(b[1], int64(n), 0, int64(n))
		if hi > lo {
			count = int((hi - lo + s - 1) / s)
		}
	} else {
		lo, hi = clamp(b[0], int64(n)-1, -1, int64(n)-1), clamp(b[1], -1, -1, int64(n)-1)
		if lo > hi {
			count = int((lo - hi - s - 1) / -s)
		}
	}
	return int(lo), count, int(s), nil
}
