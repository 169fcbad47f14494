package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// keys reads a JSON object key by key and remembers which were asked for, so
// that none is silently ignored. It keeps the first error.
type keys struct {
	file string
	raw  map[string]json.RawMessage
	used map[string]bool
	err  error
}

func parseKeys(file string, data []byte) (*keys, error) {
	k := &keys{file: file, used: map[string]bool{}}
	if err := json.Unmarshal(data, &k.raw); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if k.raw == nil {
		return nil, fmt.Errorf("%s: not a JSON object", file)
	}
	return k, nil
}

func (k *keys) fail(format string, a ...any) {
	if k.err == nil {
		k.err = fmt.Errorf(k.file+": "+format, a...)
	}
}

// get decodes a key into v and reports whether it is there and not null.
func (k *keys) get(name string, v any) bool {
	k.used[name] = true
	raw, ok := k.raw[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		k.fail("key %q: %w", name, err)
		return false
	}
	return true
}

func (k *keys) intOr(name string, or int) int {
	v := or
	k.get(name, &v)
	return v
}

func (k *keys) int(name string) int {
	v := 0
	if !k.get(name, &v) {
		k.fail("key %q is missing", name)
	}
	return v
}

func (k *keys) floatOr(name string, or float64) float64 {
	v := or
	k.get(name, &v)
	return v
}

func (k *keys) boolOr(name string, or bool) bool {
	v := or
	k.get(name, &v)
	return v
}

func (k *keys) stringOr(name, or string) string {
	v := or
	k.get(name, &v)
	return v
}

// ids reads a token id or a list of them.
func (k *keys) ids(name string) []int32 {
	k.used[name] = true
	raw := bytes.TrimSpace(k.raw[name])
	if len(raw) > 0 && raw[0] == '[' {
		var v []int32
		k.get(name, &v)
		return v
	}
	v := int32(-1)
	if k.get(name, &v) {
		return []int32{v}
	}
	return nil
}

// sub opens an object inside.
func (k *keys) sub(name string) *keys {
	var raw map[string]json.RawMessage
	if !k.get(name, &raw) {
		return nil
	}
	return &keys{file: k.file + ": " + name, raw: raw, used: map[string]bool{}}
}

// rest is an error if a key was neither asked for nor is in ignore.
func (k *keys) rest(ignore map[string]bool) error {
	if k.err != nil {
		return k.err
	}
	var left []string
	for name, raw := range k.raw {
		if !k.used[name] && !ignore[name] && !bytes.Equal(raw, []byte("null")) {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		return nil
	}
	sort.Strings(left)
	return fmt.Errorf("%s: key(s) not understood: %s; they may change results, so the model is refused", k.file, strings.Join(left, ", "))
}

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}
