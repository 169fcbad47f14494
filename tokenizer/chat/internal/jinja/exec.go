package jinja

import (
	"errors"
	"fmt"
	"time"
)

// exec is one rendering.
type exec struct {
	budget
	depth int // of the expression being evaluated
	scope *scope
	out   *builder
	// The text of the block that a {% filter %} or {% set %} tag filters.
	block Str
	now   func() time.Time
}

// scope holds the names set in a template, a loop's body, a macro call or a
// with block. Names are looked up outwards, and set in the innermost one. The
// first few need no map: most scopes are a loop's, and live for one round.
type scope struct {
	first  [3]binding
	n      int // of first
	more   map[string]Value
	parent *scope
}

type binding struct {
	name string
	v    Value
}

// own is the value of a name set in s itself.
func (s *scope) own(name string) (Value, bool) {
	for i := range s.first[:s.n] {
		if s.first[i].name == name {
			return s.first[i].v, true
		}
	}
	v, ok := s.more[name]
	return v, ok
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.own(name); ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(name string, v Value) {
	for i := range s.first[:s.n] {
		if s.first[i].name == name {
			s.first[i].v = v
			return
		}
	}
	if s.n < len(s.first) {
		s.first[s.n] = binding{name, v}
		s.n++
		return
	}
	if s.more == nil {
		s.more = map[string]Value{}
	}
	s.more[name] = v
}

// signal says how a sequence of statements ended.
type signal uint8

const (
	sigNone signal = iota
	sigBreak
	sigContinue
)

// at adds a line to an error that has none.
func at(line int, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	var cause error
	for _, c := range []error{ErrLimit, ErrRaised} {
		if errors.Is(err, c) {
			cause = c
		}
	}
	return &Error{Line: line, Msg: err.Error(), Err: cause}
}

func (x *exec) run(body []stmt) (signal, error) {
	for _, s := range body {
		if err := x.work(0); err != nil {
			return 0, err
		}
		sig, err := x.stmt(s)
		if err != nil || sig != sigNone {
			return sig, err
		}
	}
	return sigNone, nil
}

// inner runs body in a scope of its own.
func (x *exec) inner(s *scope, body []stmt) (signal, error) {
	outer := x.scope
	x.scope = s
	sig, err := x.run(body)
	x.scope = outer
	return sig, err
}

// capture runs body and returns its output instead of printing it.
func (x *exec) capture(s *scope, body []stmt) (Str, error) {
	outer := x.out
	x.out = &builder{}
	_, err := x.inner(s, body)
	got := x.out.str()
	x.out = outer
	if err == nil {
		err = x.alloc(got.size())
	}
	return got, err
}

func (x *exec) print(t Str) error {
	if err := x.alloc(len(t.s) + 16*len(t.data)); err != nil {
		return err
	}
	x.out.put(t)
	return nil
}

func (x *exec) stmt(s stmt) (signal, error) {
	switch s := s.(type) {
	case textStmt:
		return sigNone, x.print(lit(s.text))
	case outputStmt:
		v, err := x.eval(s.e)
		if err != nil {
			return 0, at(s.line, err)
		}
		t, err := x.text(v)
		if err == nil {
			err = x.print(t)
		}
		return sigNone, at(s.line, err)
	case ifStmt:
		v, err := x.eval(s.cond)
		if err != nil {
			return 0, at(s.line, err)
		}
		if truthy(v) {
			return x.run(s.then)
		}
		return x.run(s.alts)
	case forStmt:
		v, err := x.eval(s.in)
		if err == nil {
			err = x.loop(&s, x.scope, v, 0)
		}
		return sigNone, at(s.line, err)
	case setStmt:
		v, err := x.eval(s.value)
		if err == nil {
			err = x.assign(s.target, v)
		}
		return sigNone, at(s.line, err)
	case setBlockStmt:
		t, err := x.capture(&scope{parent: x.scope}, s.body)
		if err != nil {
			return 0, at(s.line, err)
		}
		v, err := x.filterBlock(s.filters, t)
		if err == nil {
			err = x.assign(s.target, v)
		}
		return sigNone, at(s.line, err)
	case filterStmt:
		t, err := x.capture(&scope{parent: x.scope}, s.body)
		if err != nil {
			return 0, at(s.line, err)
		}
		v, err := x.filterBlock(s.filters, t)
		if err == nil {
			if t, err = x.text(v); err == nil {
				err = x.print(t)
			}
		}
		return sigNone, at(s.line, err)
	case macroStmt:
		x.scope.set(s.m.name, x.macro(s.m, x.scope))
		return sigNone, nil
	case callStmt:
		v, err := x.call(s.call, x.macro(s.m, x.scope))
		if err != nil {
			return 0, at(s.line, err)
		}
		t, err := x.text(v)
		if err == nil {
			err = x.print(t)
		}
		return sigNone, at(s.line, err)
	case withStmt:
		sc := &scope{parent: x.scope}
		for i, n := range s.names {
			v, err := x.eval(s.values[i])
			if err == nil {
				err = x.assignIn(sc, n, v)
			}
			if err != nil {
				return 0, at(s.line, err)
			}
		}
		return x.inner(sc, s.body)
	case blockStmt:
		return x.inner(&scope{parent: x.scope}, s.body)
	case jumpStmt:
		if s.stop {
			return sigBreak, nil
		}
		return sigContinue, nil
	}
	return 0, fmt.Errorf("unknown statement %T", s)
}

func (x *exec) filterBlock(f *filterExpr, t Str) (Value, error) {
	if f == nil {
		return t, nil
	}
	outer := x.block
	x.block = t
	v, err := x.eval(f)
	x.block = outer
	return v, err
}

func (x *exec) assign(t target, v Value) error { return x.assignIn(x.scope, t, v) }

func (x *exec) assignIn(s *scope, t target, v Value) error {
	if t.tuple != nil {
		items, err := x.iterate(v)
		if err != nil {
			return err
		}
		if len(items) != len(t.tuple) {
			return fmt.Errorf("cannot unpack %d values into %d names", len(items), len(t.tuple))
		}
		for i, part := range t.tuple {
			if err := x.assignIn(s, part, items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if t.attr == "" {
		s.set(t.name, v)
		return nil
	}
	ns, _ := s.get(t.name)
	n, ok := ns.(*namespace)
	if !ok {
		return fmt.Errorf("cannot assign attribute %q: %q is not a namespace", t.attr, t.name)
	}
	if err := x.alloc(valueBytes); err != nil {
		return err
	}
	n.vars.sets(t.attr, v)
	return nil
}

// loopVar is the variable loop of a for loop.
type loopVar struct {
	items   []Value
	i       int
	depth   int
	recurse func(v Value) (Str, error) // nil unless the loop is recursive
	last    []Value                    // what changed saw, nil before
}

// loop runs a for loop over v; outer is the scope it stands in.
func (x *exec) loop(s *forStmt, outer *scope, v Value, depth int) error {
	items, err := x.iterate(v)
	if err != nil {
		return err
	}
	if s.cond != nil {
		kept := make([]Value, 0, len(items))
		for _, it := range items {
			sc := &scope{parent: outer}
			if err := x.assignIn(sc, s.target, it); err != nil {
				return err
			}
			saved := x.scope
			x.scope = sc
			ok, err := x.eval(s.cond)
			x.scope = saved
			if err != nil {
				return err
			}
			if truthy(ok) {
				kept = append(kept, it)
			}
		}
		items = kept
	}
	lv := &loopVar{items: items, depth: depth}
	if s.recursive {
		lv.recurse = func(v Value) (Str, error) {
			if x.calls++; x.calls > maxCalls {
				return Str{}, fmt.Errorf("%w: more than %d nested recursive loops", ErrLimit, maxCalls)
			}
			out := x.out
			x.out = &builder{}
			err := x.loop(s, outer, v, depth+1)
			got := x.out.str()
			x.out = out
			x.calls--
			return got, err
		}
	}
	for i, it := range items {
		lv.i = i
		if err := x.work(0); err != nil {
			return err
		}
		sc := &scope{parent: outer}
		sc.set("loop", lv)
		if err := x.assignIn(sc, s.target, it); err != nil {
			return err
		}
		sig, err := x.inner(sc, s.body)
		if err != nil {
			return err
		}
		if sig == sigBreak {
			break
		}
	}
	if len(items) == 0 {
		_, err := x.inner(&scope{parent: outer}, s.alt)
		return err
	}
	return nil
}

func (l *loopVar) attr(name string) Value {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.i + 1)
	case "index0":
		return int64(l.i)
	case "revindex":
		return int64(n - l.i)
	case "revindex0":
		return int64(n - l.i - 1)
	case "first":
		return l.i == 0
	case "last":
		return l.i == n-1
	case "length":
		return int64(n)
	case "depth":
		return int64(l.depth + 1)
	case "depth0":
		return int64(l.depth)
	case "previtem":
		if l.i > 0 {
			return l.items[l.i-1]
		}
		return undefined{"there is no previous item"}
	case "nextitem":
		if l.i+1 < n {
			return l.items[l.i+1]
		}
		return undefined{"there is no next item"}
	case "cycle":
		return &function{"cycle", func(_ *exec, a args) (Value, error) {
			if len(a.pos) == 0 {
				return nil, errors.New("no items for cycling given")
			}
			return a.pos[l.i%len(a.pos)], nil
		}}
	case "changed":
		return &function{"changed", func(x *exec, a args) (Value, error) {
			same := l.last != nil && len(l.last) == len(a.pos)
			for i := 0; same && i < len(a.pos); i++ {
				eq, err := x.equal(l.last[i], a.pos[i], 0)
				if err != nil {
					return nil, err
				}
				same = eq
			}
			l.last = append([]Value{}, a.pos...)
			return !same, nil
		}}
	}
	return undefined{fmt.Sprintf("'LoopContext object' has no attribute '%s'", name)}
}

// macro makes a callable of a macro defined in scope s.
func (x *exec) macro(m *macro, s *scope) *function {
	return &function{m.name, func(x *exec, a args) (Value, error) {
		if x.calls++; x.calls > maxCalls {
			return nil, fmt.Errorf("%w: more than %d nested macro calls", ErrLimit, maxCalls)
		}
		defer func() { x.calls-- }()
		sc := &scope{parent: s}
		for i, name := range m.params {
			if i < len(a.pos) {
				sc.set(name, a.pos[i])
			}
		}
		var extra []Value
		if len(a.pos) > len(m.params) {
			extra = a.pos[len(m.params):]
			if !m.varargs {
				return nil, fmt.Errorf("macro '%s' takes not more than %d argument(s)", m.name, len(m.params))
			}
		}
		rest := newDict()
		if a.kw != nil {
			for i, k := range a.kw.keys {
				name := k.(Str).s
				if err := m.bind(sc, rest, name, a.kw.vals[i]); err != nil {
					return nil, err
				}
			}
		}
		saved := x.scope
		x.scope = sc
		defer func() { x.scope = saved }()
		for i, name := range m.params {
			if _, ok := sc.own(name); ok {
				continue
			}
			sc.set(name, undefined{fmt.Sprintf("parameter '%s' was not provided", name)})
			if d := i - (len(m.params) - len(m.defaults)); d >= 0 {
				v, err := x.eval(m.defaults[d])
				if err != nil {
					return nil, err
				}
				sc.set(name, v)
			}
		}
		if m.varargs {
			sc.set("varargs", tuple(extra...))
		}
		if m.kwargs {
			sc.set("kwargs", rest)
		}
		if _, ok := sc.own("caller"); m.caller && !ok {
			sc.set("caller", undefined{"no caller defined"})
		}
		return x.capture(sc, m.body)
	}}
}

// bind gives a macro call one of its named arguments.
func (m *macro) bind(sc *scope, rest *dict, name string, v Value) error {
	for _, p := range m.params {
		if p != name {
			continue
		}
		if _, ok := sc.own(name); ok {
			return fmt.Errorf("macro '%s' got multiple values for argument '%s'", m.name, name)
		}
		sc.set(name, v)
		return nil
	}
	switch {
	case name == "caller" && m.caller:
		sc.set(name, v)
	case m.kwargs:
		rest.sets(name, v)
	case name == "caller":
		return fmt.Errorf("macro '%s' was invoked with a call block but does not use its caller", m.name)
	default:
		return fmt.Errorf("macro '%s' takes no keyword argument '%s'", m.name, name)
	}
	return nil
}
