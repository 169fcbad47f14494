package jinja

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// newList is a fresh list or generator over items that the caller owns.
func (x *exec) newList(k listKind, items []Value) (Value, error) {
	return &list{kind: k, items: items}, x.alloc(valueBytes * (1 + len(items)))
}

func firstFilter(x *exec, v Value, _ args) (Value, error) {
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefined{"No first item, sequence was empty."}, nil
	}
	return items[0], nil
}

func lastFilter(x *exec, v Value, _ args) (Value, error) {
	if l, ok := v.(*list); ok && l.kind == kindGenerator {
		return nil, errors.New("'generator' object is not reversible")
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefined{"No last item, sequence was empty."}, nil
	}
	return items[len(items)-1], nil
}

func joinFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("join", "d", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	sep := Str{}
	if !missing(p[0]) {
		if sep, err = x.text(p[0]); err != nil {
			return nil, err
		}
	}
	var o builder
	for i, it := range items {
		if it, err = x.path(it, p[1], nil); err != nil {
			return nil, err
		}
		t, err := x.text(it)
		if err != nil {
			return nil, err
		}
		if err := x.alloc(len(t.s) + 16*len(t.data) + len(sep.s)); err != nil {
			return nil, err
		}
		if i > 0 {
			o.put(sep)
		}
		o.put(t)
	}
	return o.str(), nil
}

// path follows an attribute like "function.name" or 0 into v; def stands for
// what is not there, unless it is nil. No attribute: v itself.
func (x *exec) path(v, attribute, def Value) (Value, error) {
	switch a := attribute.(type) {
	case nil, undefined:
		return v, nil
	case Str:
		for _, part := range strings.Split(a.s, ".") {
			var key Value = lit(part)
			if n, err := strconv.ParseInt(part, 10, 64); err == nil && n >= 0 {
				key = n
			}
			var err error
			if v, err = x.index(v, key); err != nil {
				return nil, err
			}
			if missing(v) && def != nil {
				return def, nil
			}
		}
		return v, nil
	}
	v, err := x.index(v, attribute)
	if err == nil && missing(v) && def != nil {
		v = def
	}
	return v, err
}

func listFilter(x *exec, v Value, _ args) (Value, error) {
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	return x.newList(kindList, append([]Value{}, items...))
}

func reverseFilter(x *exec, v Value, _ args) (Value, error) {
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(items))
	for i, it := range items {
		out[len(items)-1-i] = it
	}
	if _, ok := v.(Str); ok {
		return joinFilter(x, &list{items: out}, args{})
	}
	return x.newList(kindGenerator, out)
}

// foldCase is what sorting compares when case does not matter.
func foldCase(v Value, caseSensitive bool) Value {
	if s, ok := v.(Str); ok && !caseSensitive {
		return lit(strings.ToLower(s.s))
	}
	return v
}

// sorted sorts items by their keys, stably.
func (x *exec) sorted(items, keys []Value, reverse bool) ([]Value, error) {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	var failed error
	sort.SliceStable(order, func(i, j int) bool {
		if failed != nil {
			return false
		}
		a, b := keys[order[i]], keys[order[j]]
		if reverse {
			a, b = b, a
		}
		c, err := x.order(a, b, 0)
		if err != nil {
			failed = fmt.Errorf("sort: '<' not supported between %w", err)
		}
		return c < 0
	})
	out := make([]Value, len(items))
	for i, j := range order {
		out[i] = items[j]
	}
	return out, failed
}

// keysOf are the attributes of items to sort or compare by; "a,b" yields lists.
func (x *exec) keysOf(items []Value, attribute Value, caseSensitive bool) ([]Value, error) {
	parts := []Value{attribute}
	if s, ok := attribute.(Str); ok && strings.Contains(s.s, ",") {
		parts = nil
		for _, p := range s.split(",", -1) {
			parts = append(parts, p)
		}
	}
	if err := x.alloc(valueBytes * len(items) * len(parts)); err != nil {
		return nil, err
	}
	keys := make([]Value, len(items))
	for i, it := range items {
		var key []Value
		for _, p := range parts {
			v, err := x.path(it, p, nil)
			if err != nil {
				return nil, err
			}
			key = append(key, foldCase(v, caseSensitive))
		}
		keys[i] = key[0]
		if len(key) > 1 {
			keys[i] = &list{items: key}
		}
	}
	return keys, nil
}

func sortFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("sort", "reverse", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	keys, err := x.keysOf(items, p[2], truthy(p[1]))
	if err != nil {
		return nil, err
	}
	out, err := x.sorted(items, keys, truthy(p[0]))
	if err != nil {
		return nil, err
	}
	return x.newList(kindList, out)
}

func dictsortFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("dictsort", "case_sensitive", "by", "reverse")
	if err != nil {
		return nil, err
	}
	d, ok := v.(*dict)
	if !ok {
		return nil, fmt.Errorf("dictsort: a mapping is required, got %s", typeName(v))
	}
	by := d.keys
	if s, ok := p[1].(Str); ok && s.s == "value" {
		by = d.vals
	} else if ok && s.s != "key" {
		return nil, errors.New("dictsort: you can only sort by key or value")
	}
	keys, err := x.keysOf(by, nil, truthy(p[0]))
	if err != nil {
		return nil, err
	}
	out, err := x.sorted(pairs(d), keys, truthy(p[2]))
	if err != nil {
		return nil, err
	}
	return x.newList(kindList, out)
}

// pairs are the entries of d as tuples.
func pairs(d *dict) []Value {
	out := make([]Value, len(d.keys))
	for i, k := range d.keys {
		out[i] = tuple(k, d.vals[i])
	}
	return out
}

func uniqueFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("unique", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	keys, err := x.keysOf(items, p[1], truthy(p[0]))
	if err != nil {
		return nil, err
	}
	seen := map[any]bool{}
	var out []Value
	for i, k := range keys {
		h, err := hash(k)
		if err != nil {
			return nil, err
		}
		if !seen[h] {
			seen[h] = true
			out = append(out, items[i])
		}
	}
	return x.newList(kindGenerator, out)
}

func groupbyFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("groupby", "attribute", "default", "case_sensitive")
	if err != nil {
		return nil, err
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	var def Value
	if !missing(p[1]) {
		def = p[1]
	}
	raw := make([]Value, len(items))
	keys := make([]Value, len(items))
	index := make([]Value, len(items))
	for i, it := range items {
		if raw[i], err = x.path(it, p[0], def); err != nil {
			return nil, err
		}
		keys[i] = foldCase(raw[i], truthy(p[2]))
		index[i] = int64(i)
	}
	order, err := x.sorted(index, keys, false)
	if err != nil {
		return nil, err
	}
	var out []Value
	var last Value
	var group *list
	for _, o := range order {
		i := int(o.(int64))
		same := false
		if group != nil {
			if same, err = x.equal(last, keys[i], 0); err != nil {
				return nil, err
			}
		}
		if !same {
			group = &list{}
			last = keys[i]
			out = append(out, tuple(raw[i], group))
		}
		group.items = append(group.items, items[i])
	}
	if err := x.alloc(4 * valueBytes * len(items)); err != nil {
		return nil, err
	}
	return x.newList(kindList, out)
}

func extremeFilter(name string, sign int) filterFunc {
	return func(x *exec, v Value, a args) (Value, error) {
		p, err := a.bind(name, "case_sensitive", "attribute")
		if err != nil {
			return nil, err
		}
		items, err := x.iterate(v)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return undefined{"No aggregated item, sequence was empty."}, nil
		}
		keys, err := x.keysOf(items, p[1], truthy(p[0]))
		if err != nil {
			return nil, err
		}
		best := 0
		for i := range keys {
			c, err := x.order(keys[i], keys[best], 0)
			if err != nil {
				return nil, fmt.Errorf("%s: '<' not supported between %w", name, err)
			}
			if c == sign {
				best = i
			}
		}
		return items[best], nil
	}
}

func sumFilter(x *exec, v Value, a args) (Value, error) {
	p, err := a.bind("sum", "attribute", "start")
	if err != nil {
		return nil, err
	}
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	total := p[1]
	if missing(total) {
		total = int64(0)
	}
	for _, it := range items {
		if it, err = x.path(it, p[0], nil); err != nil {
			return nil, err
		}
		if total, err = x.binary(&binExpr{op: "+", l: constExpr{total}, r: constExpr{it}}); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// rows are what batch and slice cut into lists: the items, a number n, and what
// short lists are filled with, nil for nothing.
func (x *exec) rows(v Value, a args, filter, number string) (items []Value, n int, fill Value, err error) {
	p, err := a.bind(filter, number, "fill_with")
	if err != nil {
		return nil, 0, nil, err
	}
	if n, err = intArg(p[0], 0); err != nil || n <= 0 || n > maxRange {
		return nil, 0, nil, fmt.Errorf("%s: %s must be a positive integer", filter, number)
	}
	if items, err = x.iterate(v); err != nil {
		return nil, 0, nil, err
	}
	if !missing(p[1]) {
		fill = p[1]
	}
	return items, n, fill, x.alloc(valueBytes * (2*len(items) + n))
}

func batchFilter(x *exec, v Value, a args) (Value, error) {
	items, n, fill, err := x.rows(v, a, "batch", "linecount")
	if err != nil {
		return nil, err
	}
	var out []Value
	for len(items) > 0 {
		k := min(n, len(items))
		line := append([]Value{}, items[:k]...)
		for fill != nil && len(line) < n {
			line = append(line, fill)
		}
		out = append(out, &list{items: line})
		items = items[k:]
	}
	return x.newList(kindGenerator, out)
}

func sliceFilter(x *exec, v Value, a args) (Value, error) {
	items, n, fill, err := x.rows(v, a, "slice", "slices")
	if err != nil {
		return nil, err
	}
	var out []Value
	per, extra := len(items)/n, len(items)%n
	for i := range n {
		k := per
		if i < extra {
			k++
		}
		part := append([]Value{}, items[:k]...)
		items = items[k:]
		if i >= extra && extra > 0 && fill != nil {
			part = append(part, fill)
		}
		out = append(out, &list{items: part})
	}
	return x.newList(kindGenerator, out)
}

func itemsFilter(x *exec, v Value, _ args) (Value, error) {
	switch v := v.(type) {
	case *dict:
		if err := x.alloc(3 * valueBytes * len(v.keys)); err != nil {
			return nil, err
		}
		return x.newList(kindGenerator, pairs(v))
	case undefined:
		return x.newList(kindGenerator, nil)
	}
	return nil, fmt.Errorf("items: can only get the items of a mapping, not of %s", typeName(v))
}

func mapFilter(x *exec, v Value, a args) (Value, error) {
	items, err := x.iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(items))
	if len(a.pos) == 0 {
		p, err := a.bind("map", "filter", "attribute", "default")
		if err != nil {
			return nil, err
		}
		if missing(p[1]) {
			return nil, errors.New("map requires a filter argument")
		}
		var def Value
		if _, ok := a.kw.gets("default"); ok {
			def = p[2]
		}
		for i, it := range items {
			if out[i], err = x.path(it, p[1], def); err != nil {
				return nil, err
			}
		}
		return x.newList(kindGenerator, out)
	}
	name, ok := a.pos[0].(Str)
	if !ok {
		return nil, errors.New("map: the filter must be given by name")
	}
	for i, it := range items {
		if out[i], err = x.filter(name.s, it, args{a.pos[1:], a.kw}); err != nil {
			return nil, err
		}
	}
	return x.newList(kindGenerator, out)
}

// pickFilter is select and reject, by the items or by an attribute of theirs.
func pickFilter(byAttr, keep bool) filterFunc {
	return func(x *exec, v Value, a args) (Value, error) {
		items, err := x.iterate(v)
		if err != nil {
			return nil, err
		}
		var attribute Value
		if byAttr {
			if len(a.pos) == 0 {
				return nil, errors.New("missing parameter for attribute name")
			}
			attribute = a.pos[0]
			a.pos = a.pos[1:]
		}
		name := ""
		if len(a.pos) > 0 {
			s, ok := a.pos[0].(Str)
			if !ok {
				return nil, errors.New("the test must be given by name")
			}
			name = s.s
			a.pos = a.pos[1:]
		}
		var out []Value
		for _, it := range items {
			val, err := x.path(it, attribute, nil)
			if err != nil {
				return nil, err
			}
			ok := truthy(val)
			if name != "" {
				if ok, err = x.test(name, val, a); err != nil {
					return nil, err
				}
			}
			if ok == keep {
				out = append(out, it)
			}
		}
		return x.newList(kindGenerator, out)
	}
}
