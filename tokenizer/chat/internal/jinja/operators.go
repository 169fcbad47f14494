package jinja

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
)

// asInt is v as an integer, as Python's index() takes it.
func asInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func asFloat(v Value) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	n, ok := asInt(v)
	return float64(n), ok
}

func unary(op string, v Value) (Value, error) {
	if op == "not" {
		return !truthy(v), nil
	}
	if u, ok := v.(undefined); ok {
		return nil, errors.New(u.what)
	}
	if f, ok := v.(float64); ok {
		if op == "-" {
			f = -f
		}
		return f, nil
	}
	n, ok := asInt(v)
	if !ok {
		return nil, fmt.Errorf("bad operand type for unary %s: '%s'", op, typeName(v))
	}
	if op == "-" {
		n = -n
	}
	return n, nil
}

func (x *exec) binary(e *binExpr) (Value, error) {
	l, err := x.eval(e.l)
	if err != nil {
		return nil, err
	}
	switch {
	case e.op == "and" && !truthy(l), e.op == "or" && truthy(l):
		return l, nil
	}
	r, err := x.eval(e.r)
	if err != nil || e.op == "and" || e.op == "or" {
		return r, err
	}
	for _, v := range []Value{l, r} {
		if u, ok := v.(undefined); ok {
			return nil, errors.New(u.what)
		}
	}
	if ls, ok := l.(Str); ok {
		switch rv := r.(type) {
		case Str:
			if e.op == "+" {
				if err := x.alloc(ls.size() + rv.size()); err != nil {
					return nil, err
				}
				return concat(ls, rv), nil
			}
		}
		if e.op == "%" {
			return x.percent(ls, r)
		}
	}
	if e.op == "*" {
		if n, ok := asInt(r); ok && isSeq(l) {
			return x.repeat(l, n)
		}
		if n, ok := asInt(l); ok && isSeq(r) {
			return x.repeat(r, n)
		}
	}
	if ll, ok := l.(*list); ok && e.op == "+" {
		if rl, ok := r.(*list); ok && ll.kind == rl.kind && ll.kind < kindRange {
			if err := x.alloc(valueBytes * (1 + len(ll.items) + len(rl.items))); err != nil {
				return nil, err
			}
			return &list{kind: ll.kind, items: append(append([]Value{}, ll.items...), rl.items...)}, nil
		}
	}
	li, lok := asInt(l)
	ri, rok := asInt(r)
	if lok && rok {
		return intOp(e.op, li, ri)
	}
	lf, lok := asFloat(l)
	rf, rok := asFloat(r)
	if lok && rok {
		return floatOp(e.op, lf, rf)
	}
	return nil, fmt.Errorf("unsupported operand type(s) for %s: '%s' and '%s'", e.op, typeName(l), typeName(r))
}

func isSeq(v Value) bool {
	switch v := v.(type) {
	case Str:
		return true
	case *list:
		return v.kind < kindRange
	}
	return false
}

func (x *exec) repeat(v Value, n int64) (Value, error) {
	n = max(n, 0)
	each := valueBytes
	if s, ok := v.(Str); ok {
		each = len(s.s) + 16*len(s.data)
	} else {
		each *= len(v.(*list).items)
	}
	if each > 0 && n > int64(x.bytes/each) {
		return nil, x.alloc(math.MaxInt)
	}
	if err := x.alloc(each * int(n)); err != nil {
		return nil, err
	}
	if s, ok := v.(Str); ok {
		if s.s == "" {
			return s, nil
		}
		if len(s.data) == 0 {
			return lit(strings.Repeat(s.s, int(n))), nil
		}
		var o builder
		for range n {
			o.put(s)
		}
		return o.str(), nil
	}
	l := v.(*list)
	out := &list{kind: l.kind}
	if len(l.items) > 0 {
		for range n {
			out.items = append(out.items, l.items...)
		}
	}
	return out, nil
}

var errOverflow = errors.New("the result of the integer operation is too large")

func intOp(op string, a, b int64) (Value, error) {
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "*":
		return mul(a, b)
	case "**":
		if b < 0 {
			return floatOp(op, float64(a), float64(b))
		}
		out := Value(int64(1))
		var err error
		for range min(b, 64+b%2) { // |a| > 1 overflows within 64 steps; -1, 0, 1 keep the parity of b
			if out, err = mul(out.(int64), a); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	if b == 0 {
		return nil, errors.New("division by zero")
	}
	q, r := a/b, a%b
	if r != 0 && (r < 0) != (b < 0) {
		q, r = q-1, r+b
	}
	switch op {
	case "/":
		return float64(a) / float64(b), nil
	case "//":
		return q, nil
	}
	return r, nil // %
}

func mul(a, b int64) (Value, error) {
	if a == 0 || b == 0 {
		return int64(0), nil
	}
	c := a * b
	if c/b != a || a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		return nil, errOverflow
	}
	return c, nil
}

func floatOp(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		return math.Pow(a, b), nil
	}
	if b == 0 {
		return nil, errors.New("float division by zero")
	}
	switch op {
	case "/":
		return a / b, nil
	case "//":
		return math.Floor(a / b), nil
	}
	r := math.Mod(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r, nil // %
}

func (x *exec) compare(e *compareExpr) (Value, error) {
	l, err := x.eval(e.x)
	if err != nil {
		return nil, err
	}
	for i, op := range e.ops {
		r, err := x.eval(e.rest[i])
		if err != nil {
			return nil, err
		}
		ok := false
		switch op {
		case "==", "!=":
			ok, err = x.equal(l, r, 0)
			ok = ok == (op == "==")
		case "in", "not in":
			ok, err = x.contains(r, l)
			ok = ok == (op == "in")
		default:
			ok, err = x.ordered(op, l, r)
		}
		if err != nil || !ok {
			return false, err
		}
		l = r
	}
	return true, nil
}

// equal is Python's ==.
func (x *exec) equal(a, b Value, depth int) (bool, error) {
	if depth > maxDepth {
		return false, errDepth()
	}
	if err := x.work(0); err != nil {
		return false, err
	}
	switch a := a.(type) {
	case nil:
		return b == nil, nil
	case undefined:
		_, ok := b.(undefined)
		return ok, nil
	case Str:
		t, ok := b.(Str)
		return ok && a.s == t.s, x.work(len(a.s))
	case *list:
		t, ok := b.(*list)
		if !ok || a.kind != t.kind || len(a.items) != len(t.items) {
			return false, nil
		}
		if a == t {
			return true, nil
		}
		for i := range a.items {
			eq, err := x.equal(a.items[i], t.items[i], depth+1)
			if err != nil || !eq {
				return false, err
			}
		}
		return true, nil
	case *dict:
		t, ok := b.(*dict)
		if !ok || len(a.keys) != len(t.keys) {
			return false, nil
		}
		for i, k := range a.keys {
			v, ok := t.get(k)
			if !ok {
				return false, nil
			}
			eq, err := x.equal(a.vals[i], v, depth+1)
			if err != nil || !eq {
				return false, err
			}
		}
		return true, nil
	case *function, *namespace, *loopVar:
		return a == b, nil
	}
	ai, aok := asInt(a)
	bi, bok := asInt(b)
	if aok && bok {
		return ai == bi, nil
	}
	af, aok := asFloat(a)
	bf, bok := asFloat(b)
	return aok && bok && af == bf, nil
}

func (x *exec) ordered(op string, a, b Value) (bool, error) {
	c, err := x.order(a, b, 0)
	if err != nil {
		return false, fmt.Errorf("'%s' not supported between %w", op, err)
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0 && c < 2, nil
	}
	return c >= 0 && c < 2, nil
}

// order is -1, 0 or 1; 2 when a NaN leaves the two without an order.
func (x *exec) order(a, b Value, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errDepth()
	}
	if err := x.work(0); err != nil {
		return 0, err
	}
	for _, v := range []Value{a, b} {
		if u, ok := v.(undefined); ok {
			return 0, fmt.Errorf("these: %s", u.what)
		}
	}
	ai, aok := asInt(a)
	bi, bok := asInt(b)
	if aok && bok {
		return cmp.Compare(ai, bi), nil
	}
	af, aok := asFloat(a)
	bf, bok := asFloat(b)
	if aok && bok {
		if math.IsNaN(af) || math.IsNaN(bf) {
			return 2, nil
		}
		return cmp.Compare(af, bf), nil
	}
	as, aok := a.(Str)
	bs, bok := b.(Str)
	if aok && bok {
		return strings.Compare(as.s, bs.s), x.work(len(as.s))
	}
	al, aok := a.(*list)
	bl, bok := b.(*list)
	if aok && bok && al.kind == bl.kind && al.kind < kindRange {
		for i := 0; i < len(al.items) && i < len(bl.items); i++ {
			eq, err := x.equal(al.items[i], bl.items[i], depth+1)
			if err != nil {
				return 0, err
			}
			if !eq {
				return x.order(al.items[i], bl.items[i], depth+1)
			}
		}
		return cmp.Compare(len(al.items), len(bl.items)), nil
	}
	return 0, fmt.Errorf("instances of '%s' and '%s'", typeName(a), typeName(b))
}

// contains is "item in box".
func (x *exec) contains(box, item Value) (bool, error) {
	switch box := box.(type) {
	case Str:
		s, ok := item.(Str)
		if !ok {
			if u, ok := item.(undefined); ok {
				return false, errors.New(u.what)
			}
			return false, fmt.Errorf("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(box.s, s.s), x.work(len(box.s))
	case *dict:
		if _, err := hash(item); err != nil {
			return false, err
		}
		_, ok := box.get(item)
		return ok, nil
	case *list, undefined:
		items, err := x.iterate(box)
		if err != nil {
			return false, err
		}
		for _, it := range items {
			eq, err := x.equal(it, item, 0)
			if err != nil || eq {
				return eq, err
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("argument of type '%s' is not iterable", typeName(box))
}
