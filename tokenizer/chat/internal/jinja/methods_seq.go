package jinja

import (
	"errors"
	"slices"
)

// The methods below may change a value; it is a copy made for one rendering, so
// the caller's data stays as it is.

var dictMethods = map[string]func(x *exec, d *dict, a args) (Value, error){
	"get": func(x *exec, d *dict, a args) (Value, error) {
		p, err := a.bind("get", "key", "default")
		if err != nil {
			return nil, err
		}
		if v, ok := d.get(p[0]); ok {
			return v, nil
		}
		if len(a.pos) < 2 && missing(p[1]) {
			return nil, nil
		}
		return p[1], nil
	},
	"items": func(x *exec, d *dict, a args) (Value, error) {
		if err := x.alloc(3 * valueBytes * len(d.keys)); err != nil {
			return nil, err
		}
		return x.newList(kindView, pairs(d))
	},
	"keys":   func(x *exec, d *dict, a args) (Value, error) { return x.newList(kindView, slices.Clone(d.keys)) },
	"values": func(x *exec, d *dict, a args) (Value, error) { return x.newList(kindView, slices.Clone(d.vals)) },
	"copy": func(x *exec, d *dict, a args) (Value, error) {
		if err := x.alloc(dictBytes * (1 + len(d.keys))); err != nil {
			return nil, err
		}
		return d.copy(), nil
	},
	"update": func(x *exec, d *dict, a args) (Value, error) {
		src, err := merge(x, a)
		if err != nil {
			return nil, err
		}
		for i, k := range src.keys {
			_ = d.set(k, src.vals[i]) // was a key before
		}
		return nil, nil
	},
	"setdefault": func(x *exec, d *dict, a args) (Value, error) {
		p, err := a.bind("setdefault", "key", "default")
		if err != nil {
			return nil, err
		}
		if v, ok := d.get(p[0]); ok {
			return v, nil
		}
		if missing(p[1]) {
			p[1] = nil
		}
		if err := x.alloc(2 * valueBytes); err != nil {
			return nil, err
		}
		return p[1], d.set(p[0], p[1])
	},
	"pop": func(x *exec, d *dict, a args) (Value, error) {
		p, err := a.bind("pop", "key", "default")
		if err != nil {
			return nil, err
		}
		if v, ok := d.get(p[0]); ok {
			d.remove(p[0])
			return v, x.alloc(3 * valueBytes * len(d.keys))
		}
		if missing(p[1]) {
			return nil, errors.New("pop: there is no such key")
		}
		return p[1], nil
	},
	"clear": func(x *exec, d *dict, a args) (Value, error) {
		*d = *newDict()
		return nil, nil
	},
}

var listMethods = map[string]func(x *exec, l *list, a args) (Value, error){
	"append": func(x *exec, l *list, a args) (Value, error) {
		p, err := a.bind("append", "object")
		if err != nil {
			return nil, err
		}
		if err := x.alloc(2 * valueBytes); err != nil {
			return nil, err
		}
		l.items = append(l.items, p[0])
		return nil, nil
	},
	"extend": func(x *exec, l *list, a args) (Value, error) {
		p, err := a.bind("extend", "iterable")
		if err != nil {
			return nil, err
		}
		items, err := x.iterate(p[0])
		if err != nil {
			return nil, err
		}
		if err := x.alloc(2 * valueBytes * len(items)); err != nil {
			return nil, err
		}
		l.items = append(l.items, items...)
		return nil, nil
	},
	"insert": func(x *exec, l *list, a args) (Value, error) {
		p, err := a.bind("insert", "index", "object")
		if err != nil {
			return nil, err
		}
		i, err := intArg(p[0], 0)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			i += len(l.items)
		}
		i = max(0, min(i, len(l.items)))
		if err := x.alloc(valueBytes * (1 + len(l.items))); err != nil {
			return nil, err
		}
		l.items = slices.Concat(l.items[:i], []Value{p[1]}, l.items[i:])
		return nil, nil
	},
	"pop": func(x *exec, l *list, a args) (Value, error) {
		p, err := a.bind("pop", "index")
		if err != nil {
			return nil, err
		}
		i, err := intArg(p[0], -1)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			i += len(l.items)
		}
		if i < 0 || i >= len(l.items) {
			return nil, errors.New("pop index out of range")
		}
		v := l.items[i]
		if i == len(l.items)-1 {
			l.items = l.items[:i:i]
			return v, nil
		}
		if err := x.alloc(valueBytes * len(l.items)); err != nil {
			return nil, err
		}
		l.items = slices.Concat(l.items[:i], l.items[i+1:])
		return v, nil
	},
	"remove": func(x *exec, l *list, a args) (Value, error) {
		i, err := indexOf(x, l, a)
		if err != nil {
			return nil, err
		}
		if err := x.alloc(valueBytes * len(l.items)); err != nil {
			return nil, err
		}
		l.items = slices.Concat(l.items[:i], l.items[i+1:])
		return nil, nil
	},
	"index": func(x *exec, l *list, a args) (Value, error) {
		i, err := indexOf(x, l, a)
		return int64(i), err
	},
	"count": func(x *exec, l *list, a args) (Value, error) {
		p, err := a.bind("count", "value")
		if err != nil {
			return nil, err
		}
		n := int64(0)
		for _, it := range l.items {
			eq, err := x.equal(it, p[0], 0)
			if err != nil {
				return nil, err
			}
			if eq {
				n++
			}
		}
		return n, nil
	},
	"copy": func(x *exec, l *list, a args) (Value, error) { return x.newList(kindList, slices.Clone(l.items)) },
	"clear": func(x *exec, l *list, a args) (Value, error) {
		l.items = nil
		return nil, nil
	},
	"reverse": func(x *exec, l *list, a args) (Value, error) {
		l.items = slices.Clone(l.items)
		slices.Reverse(l.items)
		return nil, x.alloc(valueBytes * len(l.items))
	},
}

func indexOf(x *exec, l *list, a args) (int, error) {
	p, err := a.bind("index", "value")
	if err != nil {
		return 0, err
	}
	for i, it := range l.items {
		eq, err := x.equal(it, p[0], 0)
		if err != nil || eq {
			return i, err
		}
	}
	return 0, errors.New("the value is not in the list")
}
