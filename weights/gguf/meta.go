package gguf

import "math"

// KV is one metadata entry. Value is one of
//
//	uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 float64 bool string
//
// or a slice of one of them, or []any: an array of arrays, its elements slices.
type KV struct {
	Key   string
	Value any
}

// Keys that say something about the file itself.
const (
	keyAlignment    = "general.alignment"
	keySplitNo      = "split.no"
	keySplitCount   = "split.count"
	keySplitTensors = "split.tensors.count"
)

// Meta returns all metadata in the order of the file; of a split model, that of
// its first part. It stays valid after Close.
func (f *File) Meta() []KV { return f.meta }

// Keys returns the metadata keys in the order of the file.
func (f *File) Keys() []string {
	keys := make([]string, len(f.meta))
	for i, kv := range f.meta {
		keys[i] = kv.Key
	}
	return keys
}

// Value returns a metadata value in the Go type that matches its type in the
// file (see [KV]), and whether it is there. The getters below are more
// convenient: writers do not agree on the width of a number.
func (f *File) Value(key string) (any, bool) {
	i, ok := f.index[key]
	if !ok {
		return nil, false
	}
	return f.meta[i].Value, true
}

// Uint returns an integer of any width that is not negative.
func (f *File) Uint(key string) (uint64, bool) {
	v, _ := f.Value(key)
	return toUint(v)
}

// Float returns a floating point number, or an integer, as a float64.
func (f *File) Float(key string) (float64, bool) {
	v, _ := f.Value(key)
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	n, ok := toInt(v)
	return float64(n), ok
}

// Bool returns a truth value.
func (f *File) Bool(key string) (value, ok bool) {
	v, _ := f.Value(key)
	value, ok = v.(bool)
	return value, ok
}

// String returns a text. It is valid UTF-8 only if the file is well made.
func (f *File) String(key string) (string, bool) {
	v, _ := f.Value(key)
	s, ok := v.(string)
	return s, ok
}

// Strings returns an array of texts, not to be changed.
func (f *File) Strings(key string) ([]string, bool) {
	v, _ := f.Value(key)
	s, ok := v.([]string)
	return s, ok
}

// Ints returns an array of integers of any width. It is false when one of them
// does not fit into an int64.
func (f *File) Ints(key string) ([]int64, bool) {
	v, _ := f.Value(key)
	switch v := v.(type) {
	case []uint8:
		return convert[int64](v), true
	case []int8:
		return convert[int64](v), true
	case []uint16:
		return convert[int64](v), true
	case []int16:
		return convert[int64](v), true
	case []uint32:
		return convert[int64](v), true
	case []int32:
		return convert[int64](v), true
	case []int64:
		return convert[int64](v), true
	case []uint64:
		for _, x := range v {
			if x > math.MaxInt64 {
				return nil, false
			}
		}
		return convert[int64](v), true
	}
	return nil, false
}

// Floats returns an array of floating point numbers.
func (f *File) Floats(key string) ([]float64, bool) {
	v, _ := f.Value(key)
	switch v := v.(type) {
	case []float32:
		return convert[float64](v), true
	case []float64:
		return convert[float64](v), true
	}
	return nil, false
}

type number interface {
	~uint8 | ~int8 | ~uint16 | ~int16 | ~uint32 | ~int32 | ~uint64 | ~int64 | ~float32 | ~float64
}

func convert[D, S number](src []S) []D {
	dst := make([]D, len(src))
	for i, x := range src {
		dst[i] = D(x)
	}
	return dst
}

func toUint(v any) (uint64, bool) {
	if u, ok := v.(uint64); ok {
		return u, true
	}
	n, ok := toInt(v)
	return uint64(n), ok && n >= 0
}

func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case uint8:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}
