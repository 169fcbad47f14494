package gguf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
)

// golden is all.json: what the Python package wrote.
type golden struct {
	Meta    [][3]any // key, type, value (see plain)
	Tensors []struct {
		Name, Type, SHA256 string
		Shape              []int
		Bytes              int
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/all.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// plain turns a value into what JSON can hold without loss: integers as text,
// floats as their bits in hexadecimal.
func plain(v any) any {
	switch v := v.(type) {
	case string, bool:
		return v
	case float32:
		return fmt.Sprintf("%08x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("%016x", math.Float64bits(v))
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		a := make([]any, r.Len())
		for i := range a {
			a[i] = plain(r.Index(i).Interface())
		}
		return a
	}
	return fmt.Sprint(v)
}

func typeName(v any) string {
	if a, ok := v.([]any); ok {
		for {
			inner, ok := a[0].([]any)
			if !ok {
				return "[]ARRAY " + strings.TrimPrefix(typeName(a[0]), "[]")
			}
			a = inner
		}
	}
	return strings.ToUpper(reflect.TypeOf(v).String())
}

func TestGoldenFiles(t *testing.T) {
	want := readGolden(t)
	for _, tc := range []struct {
		file  string
		parts int
	}{
		{"all.gguf", 1}, {"v2.gguf", 1}, {"aligned.gguf", 1},
		{"split-00001-of-00003.gguf", 3}, {"split-00002-of-00003.gguf", 3}, {"split-00003-of-00003.gguf", 3},
		{"nohead-00001-of-00003.gguf", 3}, {"nohead-00003-of-00003.gguf", 3},
	} {
		t.Run(tc.file, func(t *testing.T) {
			f, err := Open(filepath.Join("testdata", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if len(f.Paths()) != tc.parts {
				t.Errorf("%d files, want %d", len(f.Paths()), tc.parts)
			}
			var size int64
			for _, p := range f.Paths() {
				info, err := os.Stat(p)
				if err != nil {
					t.Fatal(err)
				}
				size += info.Size()
			}
			if f.Size() != size {
				t.Errorf("Size %d, the files have %d", f.Size(), size)
			}
			checkMeta(t, f, want)
			checkTensors(t, f, want)
		})
	}
}

func checkMeta(t *testing.T, f *File, want golden) {
	var keys []string
	for _, k := range f.Keys() {
		if k != keyAlignment && !strings.HasPrefix(k, "split.") {
			keys = append(keys, k)
		}
	}
	if len(keys) != len(want.Meta) {
		t.Errorf("%d metadata keys, want %d", len(keys), len(want.Meta))
	}
	for _, m := range want.Meta {
		key := m[0].(string)
		v, ok := f.Value(key)
		if !ok {
			t.Errorf("%s is missing", key)
			continue
		}
		if got := typeName(v); got != m[1] {
			t.Errorf("%s has type %s, want %s", key, got, m[1])
		}
		if got := plain(v); !reflect.DeepEqual(got, m[2]) {
			t.Errorf("%s = %v, want %v", key, got, m[2])
		}
	}
}

func checkTensors(t *testing.T, f *File, want golden) {
	if len(f.Tensors()) != len(want.Tensors) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors()), len(want.Tensors))
	}
	for i, w := range want.Tensors {
		got := f.Tensors()[i]
		sum := sha256.Sum256(got.Data)
		if got.Name != w.Name || got.Type.String() != w.Type || !reflect.DeepEqual(got.Shape, w.Shape) || len(got.Data) != w.Bytes || hex.EncodeToString(sum[:]) != w.SHA256 {
			t.Errorf("tensor %d is %s %s %v, %d bytes %x; want %+v", i, got.Name, got.Type, got.Shape, len(got.Data), sum, w)
		}
		if byName, ok := f.Tensor(w.Name); !ok || !reflect.DeepEqual(byName, got) {
			t.Errorf("Tensor(%q) is another tensor", w.Name)
		}
	}
	if _, ok := f.Tensor("absent"); ok {
		t.Error("a tensor that does not exist was found")
	}
}

func TestUnsupportedFilesAreNamed(t *testing.T) {
	for file, words := range map[string][]string{
		"bigendian.gguf": {"big-endian GGUF"},
		"iq4_xs.gguf":    {`tensor "blk.0.iq"`, "IQ4_XS", "Q4_K_M"},
	} {
		_, err := Open(filepath.Join("testdata", file))
		var unsupported *weights.UnsupportedError
		if !errors.As(err, &unsupported) {
			t.Errorf("%s: %v, want an UnsupportedError", file, err)
			continue
		}
		for _, w := range append(words, file) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %s", err, w)
			}
		}
	}
}

func TestGetters(t *testing.T) {
	f, err := Open("testdata/all.gguf")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := f.Close(); err != nil { // twice; metadata stays
		t.Error(err)
	}
	if n := len(f.Tensors()); n != 0 {
		t.Errorf("%d tensors after Close", n)
	}
	check := func(got any, ok bool, want any) {
		t.Helper()
		if wantOK := want != nil; ok != wantOK || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("got %v %v, want %v", got, ok, want)
		}
	}
	u := func(key string, want any) { t.Helper(); v, ok := f.Uint(key); check(v, ok, want) }
	u("a.uint8", uint64(255))
	u("a.uint64", uint64(math.MaxUint64))
	u("a.int8", nil) // negative
	u("a.float32", nil)
	u("absent", nil)
	fl := func(key string, want any) { t.Helper(); v, ok := f.Float(key); check(v, ok, want) }
	fl("a.float32", float64(float32(0.1)))
	fl("a.float64", 0.1)
	fl("a.int16", -32768.0)
	fl("a.string", nil)
	b, ok := f.Bool("a.true")
	check(b, ok, true)
	b, ok = f.Bool("a.false")
	check(b, ok, false)
	b, ok = f.Bool("a.uint8")
	check(b, ok, nil)
	s, ok := f.String("a.string")
	check(s, ok, "Grüße, 世界")
	s, ok = f.String("b.string")
	check(s, ok, nil)
	ss, ok := f.Strings("b.string")
	check(ss, ok, []string{"", "a", "Ġthe", "▁日本"})
	in := func(key string, want any) { t.Helper(); v, ok := f.Ints(key); check(v, ok, want) }
	in("b.uint8", []int64{0, 1, 255})
	in("b.int8", []int64{-128, 0, 127})
	in("b.uint16", []int64{0, 65535})
	in("b.int16", []int64{-32768, 32767})
	in("b.uint32", []int64{0, math.MaxUint32})
	in("b.int32", []int64{math.MinInt32, math.MaxInt32})
	in("b.int64", []int64{math.MinInt64, math.MaxInt64})
	in("b.uint64", nil) // does not fit
	in("b.float32", nil)
	fs, ok := f.Floats("b.float64")
	check(fs, ok, []float64{0.1, -1e300})
	fs, ok = f.Floats("b.float32")
	check(fs, ok, []float64{0, -1.5, float64(float32(3.0e38))})
	fs, ok = f.Floats("b.int8")
	check(fs, ok, nil)
}
