package jinja

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// Value is what an expression yields: nil (None), bool, int64, float64, Str,
// *list, *dict, *namespace, *function, *loopVar or undefined.
type Value any

// undefined is the value of a missing name; what says what is missing.
type undefined struct{ what string }

type listKind uint8

const (
	kindList listKind = iota
	kindTuple
	kindRange
	kindView      // dict.items() and friends: a length, but no index
	kindGenerator // what map, select, reverse, ... yield: can be read once
)

type list struct {
	kind  listKind
	items []Value
}

// dict is an ordered mapping.
type dict struct {
	keys  []Value
	vals  []Value
	index map[any]int // hash of key -> position
}

type namespace struct{ vars *dict }

type function struct {
	name string
	call func(x *exec, a args) (Value, error)
}

// args are the arguments of a call.
type args struct {
	pos []Value
	kw  *dict // nil when there are none
}

func newDict() *dict { return &dict{index: map[any]int{}} }

type (
	noneKey  struct{}
	tupleKey string
)

// hash is a comparable form of a key; equal values have equal hashes.
func hash(v Value) (any, error) {
	switch v := v.(type) {
	case nil:
		return noneKey{}, nil
	case Str:
		return v.s, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case int64:
		return v, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v), nil
		}
		return v, nil
	case undefined:
		return v, nil
	case *function, *namespace, *loopVar:
		return v, nil
	case *list:
		if v.kind == kindTuple {
			if len(v.items) > 100 {
				return nil, fmt.Errorf("a tuple of %d items as a key", len(v.items))
			}
			var b strings.Builder
			for _, it := range v.items {
				if t, ok := it.(*list); ok && t.kind == kindTuple {
					return nil, fmt.Errorf("a nested tuple as a key")
				}
				h, err := hash(it)
				if err != nil {
					return nil, err
				}
				fmt.Fprintf(&b, "%T:%q,", h, fmt.Sprint(h))
			}
			return tupleKey(b.String()), nil
		}
	}
	return nil, fmt.Errorf("unhashable type: '%s'", typeName(v))
}

func (d *dict) get(key Value) (Value, bool) {
	h, err := hash(key)
	if err != nil {
		return nil, false
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false
	}
	return d.vals[i], true
}

func (d *dict) gets(key string) (Value, bool) {
	if d == nil {
		return nil, false
	}
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.vals[i], true
}

func (d *dict) set(key, val Value) error {
	h, err := hash(key)
	if err != nil {
		return err
	}
	if i, ok := d.index[h]; ok {
		d.vals[i] = val
		return nil
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, val)
	return nil
}

func (d *dict) sets(key string, val Value) { _ = d.set(lit(key), val) } // a string always hashes

func (d *dict) remove(key Value) {
	h, err := hash(key)
	if err != nil {
		return
	}
	at, ok := d.index[h]
	if !ok {
		return
	}
	d.keys = append(d.keys[:at:at], d.keys[at+1:]...)
	d.vals = append(d.vals[:at:at], d.vals[at+1:]...)
	delete(d.index, h)
	for k, i := range d.index {
		if i > at {
			d.index[k] = i - 1
		}
	}
}

func (d *dict) copy() *dict {
	out := newDict()
	for i, k := range d.keys {
		_ = out.set(k, d.vals[i]) // was a key before
	}
	return out
}

func tuple(v ...Value) *list { return &list{kind: kindTuple, items: v} }

// typeName is Python's name of the type, as its error messages use it.
func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case Str:
		return "str"
	case *list:
		return [...]string{"list", "tuple", "range", "dict view", "generator"}[v.kind]
	case *dict:
		return "dict"
	case *namespace:
		return "Namespace"
	case *loopVar:
		return "LoopContext"
	case *function:
		return "function"
	}
	return "Undefined"
}

func truthy(v Value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Str:
		return v.s != ""
	case *list:
		return v.kind == kindGenerator || len(v.items) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return true
}

// Object is a JSON object with the order of its keys, which a JSON decoder of
// Go's library loses and which templates show (tool schemas, arguments).
type Object struct {
	Keys   []string
	Values []any
}

// Import converts a Go value: nil, bool, any integer or float, json.Number,
// string, *Object, and slices, maps and pointers of these (a plain map comes in
// sorted order). Strings count as data, unless trusted(key, s) says otherwise;
// key is the name they stand under ("" in lists). The second result estimates the bytes.
func Import(v any, trusted func(key, s string) bool) (Value, int, error) {
	im := importer{trusted: trusted}
	out, err := im.value("", v, 0)
	return out, im.size, err
}

type importer struct {
	trusted func(key, s string) bool
	size    int
}

func (im *importer) value(key string, v any, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, errDepth()
	}
	im.size += valueBytes
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, nil
	case string:
		im.size += len(v)
		if im.trusted != nil && im.trusted(key, v) {
			return lit(v), nil
		}
		return fromData(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return nil, fmt.Errorf("number %q: %w", string(v), err)
		}
		return f, nil
	case *Object:
		d := newDict()
		for i, k := range v.Keys {
			im.size += len(k)
			val, err := im.value(k, v.Values[i], depth+1)
			if err != nil {
				return nil, err
			}
			if err := d.set(fromData(k), val); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return float64(r.Uint()), nil
		}
		return int64(r.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return r.Float(), nil
	case reflect.String:
		return im.value(key, r.String(), depth)
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil, nil
		}
		return im.value(key, r.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		l := &list{items: make([]Value, r.Len())}
		for i := range l.items {
			val, err := im.value("", r.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			l.items[i] = val
		}
		return l, nil
	case reflect.Map:
		if r.Type().Key().Kind() == reflect.String {
			o := &Object{}
			keys := r.MapKeys()
			sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
			for _, k := range keys {
				o.Keys = append(o.Keys, k.String())
				o.Values = append(o.Values, r.MapIndex(k).Interface())
			}
			return im.value(key, o, depth)
		}
	}
	return nil, fmt.Errorf("a %T cannot be shown to a template; pass strings, numbers, slices and maps", v)
}
