package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bind sorts the arguments of a call by parameter; a missing one is undefined.
func (a args) bind(fn string, params ...string) ([]Value, error) {
	if len(a.pos) > len(params) {
		return nil, fmt.Errorf("%s takes at most %d argument(s), got %d", fn, len(params), len(a.pos))
	}
	out := make([]Value, len(params))
	for i, p := range params {
		out[i] = undefined{fmt.Sprintf("argument '%s' of %s is missing", p, fn)}
	}
	copy(out, a.pos)
	if a.kw == nil {
		return out, nil
	}
	for i, k := range a.kw.keys {
		name := k.(Str).s
		j := slices.Index(params, name)
		if j < 0 {
			return nil, fmt.Errorf("%s got an unexpected keyword argument '%s'", fn, name)
		}
		if j < len(a.pos) {
			return nil, fmt.Errorf("%s got multiple values for argument '%s'", fn, name)
		}
		out[j] = a.kw.vals[i]
	}
	return out, nil
}

func missing(v Value) bool { _, ok := v.(undefined); return ok }

func intArg(v Value, def int) (int, error) {
	if missing(v) {
		return def, nil
	}
	n, ok := asInt(v)
	if !ok {
		return 0, fmt.Errorf("an integer is required, got %s", typeName(v))
	}
	return int(n), nil
}

// globals are the functions every template finds. Read only.
var globals = func() *scope {
	s := &scope{}
	for name, f := range map[string]func(*exec, args) (Value, error){
		"range": rangeFunc, "namespace": namespaceFunc, "dict": dictFunc, "joiner": joinerFunc,
		"cycler": cyclerFunc, "raise_exception": raiseFunc, "strftime_now": strftimeFunc,
	} {
		s.set(name, &function{name, f})
	}
	return s
}()

func rangeFunc(x *exec, a args) (Value, error) {
	p, err := a.bind("range", "start", "stop", "step")
	if err != nil {
		return nil, err
	}
	n := [3]int64{0, 0, 1}
	for i, v := range p {
		if missing(v) {
			continue
		}
		k, ok := asInt(v)
		if !ok {
			return nil, fmt.Errorf("range: '%s' object cannot be interpreted as an integer", typeName(v))
		}
		n[i] = k
	}
	if missing(p[0]) {
		return nil, errors.New("range expected at least 1 argument, got 0")
	}
	if missing(p[1]) {
		n[0], n[1] = 0, n[0]
	}
	if n[2] == 0 {
		return nil, errors.New("range: step must not be zero")
	}
	l := &list{kind: kindRange}
	for i := n[0]; (n[2] > 0 && i < n[1]) || (n[2] < 0 && i > n[1]); i += n[2] {
		if len(l.items) == maxRange {
			return nil, fmt.Errorf("%w: range has more than %d items", ErrLimit, maxRange)
		}
		l.items = append(l.items, i)
		if next := i + n[2]; (next > i) != (n[2] > 0) {
			break // wrapped around
		}
	}
	return l, x.alloc(valueBytes * len(l.items))
}

// merge collects dict(...)'s arguments.
func merge(x *exec, a args) (*dict, error) {
	d := newDict()
	for _, v := range a.pos {
		if src, ok := v.(*dict); ok {
			for i, k := range src.keys {
				_ = d.set(k, src.vals[i]) // was a key before
			}
			continue
		}
		pairs, err := x.iterate(v)
		if err != nil {
			return nil, err
		}
		for _, pair := range pairs {
			kv, err := x.iterate(pair)
			if err != nil {
				return nil, err
			}
			if len(kv) != 2 {
				return nil, errors.New("dict: expected pairs of key and value")
			}
			if err := d.set(kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
	}
	if a.kw != nil {
		for i, k := range a.kw.keys {
			_ = d.set(k, a.kw.vals[i]) // a string always hashes
		}
	}
	return d, x.alloc(dictBytes * (1 + len(d.keys)))
}

func namespaceFunc(x *exec, a args) (Value, error) {
	d, err := merge(x, a)
	return &namespace{d}, err
}

func dictFunc(x *exec, a args) (Value, error) {
	d, err := merge(x, a)
	return d, err
}

func joinerFunc(x *exec, a args) (Value, error) {
	p, err := a.bind("joiner", "sep")
	if err != nil {
		return nil, err
	}
	sep := p[0]
	if missing(sep) {
		sep = lit(", ")
	}
	used := false
	return &function{"joiner", func(*exec, args) (Value, error) {
		if !used {
			used = true
			return Str{}, nil
		}
		return sep, nil
	}}, nil
}

func cyclerFunc(x *exec, a args) (Value, error) {
	if len(a.pos) == 0 {
		return nil, errors.New("cycler: at least one item has to be provided")
	}
	i := 0
	ns := &namespace{newDict()}
	ns.vars.sets("current", a.pos[0])
	ns.vars.sets("next", &function{"next", func(*exec, args) (Value, error) {
		v := a.pos[i]
		i = (i + 1) % len(a.pos)
		ns.vars.sets("current", a.pos[i])
		return v, nil
	}})
	ns.vars.sets("reset", &function{"reset", func(*exec, args) (Value, error) {
		i = 0
		ns.vars.sets("current", a.pos[0])
		return nil, nil
	}})
	return ns, nil
}

func raiseFunc(x *exec, a args) (Value, error) {
	p, err := a.bind("raise_exception", "message")
	if err != nil {
		return nil, err
	}
	msg, err := x.text(p[0])
	if err != nil {
		return nil, err
	}
	return nil, raised(msg.s)
}

// raised is an error that says only what the template said.
type raised string

func (r raised) Error() string { return string(r) }
func (r raised) Unwrap() error { return ErrRaised }

func strftimeFunc(x *exec, a args) (Value, error) {
	p, err := a.bind("strftime_now", "format")
	if err != nil {
		return nil, err
	}
	f, ok := p[0].(Str)
	if !ok {
		return nil, errors.New("strftime_now: the format must be a string")
	}
	if err := x.alloc(8 * len(f.s)); err != nil {
		return nil, err
	}
	return like(strftime(x.now(), f.s), f), nil
}

// strftime formats a time as C's function does in the C locale.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		pad := byte('0')
		if format[i] == '-' && i+1 < len(format) {
			pad = 0
			i++
		}
		num := func(n, width int) {
			s := strconv.Itoa(n)
			for w := len(s); pad != 0 && w < width; w++ {
				b.WriteByte(pad)
			}
			b.WriteString(s)
		}
		hour12 := (t.Hour()+11)%12 + 1
		switch c := format[i]; c {
		case 'Y':
			num(t.Year(), 4)
		case 'y':
			num(t.Year()%100, 2)
		case 'C':
			num(t.Year()/100, 2)
		case 'm':
			num(int(t.Month()), 2)
		case 'd':
			num(t.Day(), 2)
		case 'e':
			if pad != 0 {
				pad = ' '
			}
			num(t.Day(), 2)
		case 'H':
			num(t.Hour(), 2)
		case 'I':
			num(hour12, 2)
		case 'M':
			num(t.Minute(), 2)
		case 'S':
			num(t.Second(), 2)
		case 'f':
			num(t.Nanosecond()/1000, 6)
		case 'j':
			num(t.YearDay(), 3)
		case 'u':
			num((int(t.Weekday())+6)%7+1, 1)
		case 'w':
			num(int(t.Weekday()), 1)
		case 'U':
			num((t.YearDay()+6-int(t.Weekday()))/7, 2)
		case 'W':
			num((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2)
		case 'V':
			_, week := t.ISOWeek()
			num(week, 2)
		case 'G':
			year, _ := t.ISOWeek()
			num(year, 4)
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case '%':
			b.WriteByte('%')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'z', 'Z':
			// Python prints nothing for a local time without a zone.
		default:
			layout, ok := map[byte]string{
				'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'p': "PM",
				'D': "01/02/06", 'x': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'X': "15:04:05",
				'R': "15:04", 'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006",
			}[c]
			if ok {
				b.WriteString(t.Format(layout))
			} else {
				b.WriteString(format[i-1 : i+1])
			}
		}
	}
	return b.String()
}
