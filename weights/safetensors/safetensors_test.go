package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
)

type golden struct {
	Metadata map[string]string
	Tensors  []struct {
		Name, Type, SHA256 string
		Shape              []int
		Bytes              int
	}
}

func TestGoldenFiles(t *testing.T) {
	src, err := os.ReadFile("testdata/all.json")
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(src, &want); err != nil {
		t.Fatal(err)
	}
	for path, files := range map[string][]string{
		"testdata/all.safetensors": {"testdata/all.safetensors"},
		"testdata/sharded":         {"testdata/sharded/model-00001-of-00002.safetensors", "testdata/sharded/model-00002-of-00002.safetensors"},
	} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i := range files {
			files[i] = filepath.FromSlash(files[i])
		}
		if !reflect.DeepEqual(f.Paths(), files) {
			t.Errorf("%s: files %v, want %v", path, f.Paths(), files)
		}
		if !reflect.DeepEqual(f.Metadata(), want.Metadata) {
			t.Errorf("%s: metadata %v, want %v", path, f.Metadata(), want.Metadata)
		}
		if len(f.Tensors()) != len(want.Tensors) {
			t.Errorf("%s: %d tensors, want %d", path, len(f.Tensors()), len(want.Tensors))
		}
		for _, w := range want.Tensors {
			got, ok := f.Tensor(w.Name)
			sum := sha256.Sum256(got.Data)
			if !ok || got.Name != w.Name || got.Type.String() != w.Type || !reflect.DeepEqual(got.Shape, w.Shape) || len(got.Data) != w.Bytes || hex.EncodeToString(sum[:]) != w.SHA256 {
				t.Errorf("%s: tensor %s %s %v, %d bytes %x; want %+v", path, got.Name, got.Type, got.Shape, len(got.Data), sum, w)
			}
		}
		var size int64
		for _, p := range files {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if f.Size() != size {
			t.Errorf("%s: Size %d, the files have %d", path, f.Size(), size)
		}
		if _, ok := f.Tensor("absent"); ok {
			t.Error("a tensor that does not exist was found")
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if len(f.Tensors()) != 0 {
			t.Error("a closed file offers tensors")
		}
	}
}

func TestFolderPrefersTheSingleFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, indexName), []byte("nonsense"))
	writeFile(t, filepath.Join(dir, singleName), file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestUnsupportedTypeIsNamed(t *testing.T) {
	_, err := Open("testdata/int64.safetensors")
	var unsupported *weights.UnsupportedError
	if !errors.As(err, &unsupported) {
		t.Fatalf("error %v, want an UnsupportedError", err)
	}
	for _, w := range []string{`tensor "ids"`, `"I64"`, "int64.safetensors"} {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %s", err, w)
		}
	}
}

func wantFormatError(t *testing.T, err error, words ...string) {
	t.Helper()
	var format *weights.FormatError
	if !errors.As(err, &format) {
		t.Fatalf("error %v, want a FormatError", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// The file is cut at every byte, every boundary of the header and of a tensor
// among them. There is no padding: no cut goes unnoticed.
func TestCutShortAnywhere(t *testing.T) {
	data, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(data) {
		_, err := parse("cut", data[:n:n])
		wantFormatError(t, err, "cut: byte ")
	}
	_, err = parse("cut", append(bytes.Clone(data), 0))
	wantFormatError(t, err, "1 bytes after the last tensor")
}

// Every byte is set to some hostile values: never a panic.
func TestEveryByteDamaged(t *testing.T) {
	data, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, v := range []byte{0, '9', '"', '{', ']', 0xff, data[i] ^ 1} {
			bad := bytes.Clone(data)
			bad[i] = v
			parse("bad", bad)
		}
	}
}

// file puts a header and n bytes of data together.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		file  []byte
		words []string
	}{
		"empty":            {nil, []string{"0 bytes are too few"}},
		"huge header":      {binary.LittleEndian.AppendUint64(nil, 1<<60), []string{"header length of 1152921504606846976"}},
		"2^64-1":           {binary.LittleEndian.AppendUint64(nil, 1<<64-1), []string{"header length"}},
		"header outside":   {file(`{}`, 0)[:9], []string{"header needs 2 bytes", "has 1 left"}},
		"no JSON":          {file(`hello`, 0), []string{"not a JSON object"}},
		"an array":         {file(`[]`, 0), []string{"not a JSON object"}},
		"two objects":      {file(`{}{}`, 0), []string{"something follows"}},
		"unfinished":       {file(`{"w":`, 0), []string{"not a JSON object"}},
		"name twice":       {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), []string{`tensor "w"`, "two tensors"}},
		"metadata twice":   {file(`{"__metadata__":{},"__metadata__":{}}`, 0), []string{"twice"}},
		"metadata numbers": {file(`{"__metadata__":{"a":1}}`, 0), []string{"not an object of texts"}},
		"no dtype":         {file(`{"w":{"shape":[1],"data_offsets":[0,4]}}`, 4), []string{`tensor "w"`, "lacks dtype"}},
		"no shape":         {file(`{"w":{"dtype":"F32","data_offsets":[0,4]}}`, 4), []string{"lacks"}},
		"three offsets":    {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 8), []string{"two data_offsets"}},
		"negative offset":  {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 8), []string{`tensor "w"`}},
		"negative shape":   {file(`{"w":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 4), []string{`tensor "w"`, "no shape"}},
		"half a row":       {file(`{"w":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}`, 6), []string{`tensor "w"`}},
		"shape overflows":  {file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), []string{"no shape"}},
		"wrong size":       {file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), []string{"needs 8 bytes", "0 and 4"}},
		"backwards":        {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4), []string{"4 and 0"}},
		"outside":          {file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4), []string{`tensor "w"`, "ends at byte 8", "has 4"}},
		"far outside":      {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551611,18446744073709551615]}}`, 4), []string{`tensor "w"`, "has 4"}},
		"overlap":          {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12), []string{`tensor "b"`, "overlaps", `"a"`}},
		"same place":       {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), []string{"overlaps"}},
		"gap before":       {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), []string{`tensor "a"`, "4 bytes before"}},
		"gap between":      {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}}`, 10), []string{`tensor "b"`, "2 bytes before"}},
		"gap after":        {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 9), []string{"5 bytes after"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("bad.safetensors", tc.file)
			wantFormatError(t, err, append(tc.words, "bad.safetensors: byte ")...)
		})
	}
}

func TestIndexIsChecked(t *testing.T) {
	one := func(name string) []byte {
		return file(`{"`+name+`":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)
	}
	const a, b = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	for name, tc := range map[string]struct {
		index  string
		shards map[string][]byte
		words  []string // none: it opens
	}{
		"good":            {`{"weight_map":{"x":"` + a + `","y":"` + b + `"}}`, map[string][]byte{a: one("x"), b: one("y")}, nil},
		"missing shard":   {`{"weight_map":{"x":"` + a + `","y":"` + b + `"}}`, map[string][]byte{a: one("x")}, []string{indexName, b, "missing"}},
		"missing tensor":  {`{"weight_map":{"x":"` + a + `","y":"` + a + `"}}`, map[string][]byte{a: one("x")}, []string{indexName, `tensor "y"`, a}},
		"wrong shard":     {`{"weight_map":{"x":"` + b + `","y":"` + a + `"}}`, map[string][]byte{a: one("x"), b: one("y")}, []string{a, `tensor "x"`, b}},
		"twice":           {`{"weight_map":{"x":"` + a + `","y":"` + b + `"}}`, map[string][]byte{a: one("x"), b: one("x")}, []string{b, `tensor "x"`, a}},
		"up and out":      {`{"weight_map":{"x":"../secret.safetensors"}}`, nil, []string{"../secret.safetensors", "beside the index"}},
		"absolute":        {`{"weight_map":{"x":"/etc/x.safetensors"}}`, nil, []string{"beside the index"}},
		"with a drive":    {`{"weight_map":{"x":"C:x.safetensors"}}`, nil, []string{"beside the index"}},
		"backslash":       {`{"weight_map":{"x":"..\\x.safetensors"}}`, nil, []string{"beside the index"}},
		"another kind":    {`{"weight_map":{"x":"/dev/zero"}}`, nil, []string{"beside the index"}},
		"no map":          {`{}`, nil, []string{"weight_map"}},
		"a number":        {`{"weight_map":{"x":1}}`, nil, []string{"index of shards"}},
		"no JSON":         {`<html>`, nil, []string{"index of shards"}},
		"damaged shard":   {`{"weight_map":{"x":"` + a + `"}}`, map[string][]byte{a: one("x")[:20]}, []string{a, "cut short"}},
		"an HTML instead": {`{"weight_map":{"x":"` + a + `"}}`, map[string][]byte{a: []byte("<!DOCTYPE html>")}, []string{a, "not a safetensors file"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, indexName), []byte(tc.index))
			for shard, data := range tc.shards {
				writeFile(t, filepath.Join(dir, shard), data)
			}
			f, err := Open(dir)
			if tc.words == nil {
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
				return
			}
			if err == nil {
				f.Close()
				t.Fatal("opened")
			}
			for _, w := range tc.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestFoldersWithoutSafetensors(t *testing.T) {
	for file, word := range map[string]string{"": "no weights", "pytorch_model.bin": "pickle", "x.gguf": "name the file itself"} {
		dir := t.TempDir()
		if file != "" {
			writeFile(t, filepath.Join(dir, file), nil)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("folder with %q: error %v, want one about %s", file, err, word)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent folder: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	tensors := []weights.Tensor{
		{Name: "odd", Type: weights.F16, Shape: []int{3}, Data: []byte("abcdef")},
		{Name: `"<quoted>" ☃`, Type: weights.F32, Shape: []int{1, 2}, Data: []byte("12345678")}, // 6 bytes in: not aligned
		{Name: "none", Type: weights.BF16, Shape: []int{0, 5}, Data: []byte{}},
		{Name: "scalar", Type: weights.BF16, Shape: []int{}, Data: []byte("xy")},
	}
	meta := map[string]string{"format": "pt", "": "empty"}
	var b bytes.Buffer
	if err := Write(&b, tensors, meta); err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(b.Bytes()); n%8 != 0 {
		t.Errorf("data starts at byte %d, want a multiple of 8", 8+n)
	}
	s, err := parse("x", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.metadata, meta) {
		t.Errorf("metadata %v, want %v", s.metadata, meta)
	}
	if !reflect.DeepEqual(s.tensors, tensors) {
		t.Errorf("tensors %v, want %v", s.tensors, tensors)
	}
}

func TestWriteRefuses(t *testing.T) {
	w := func(name string, typ weights.DType, n int, shape ...int) weights.Tensor {
		return weights.Tensor{Name: name, Type: typ, Shape: shape, Data: make([]byte, n)}
	}
	for what, tensors := range map[string][]weights.Tensor{
		"name twice":    {w("a", weights.F32, 4, 1), w("a", weights.F32, 4, 1)},
		"reserved name": {w(metadataKey, weights.F32, 4, 1)},
		"not UTF-8":     {w("\xff", weights.F32, 4, 1)},
		"quantised":     {w("a", weights.Q8_0, 34, 32)},
		"too short":     {w("a", weights.F32, 4, 2)},
		"negative":      {w("a", weights.F32, 4, -1, -1)},
	} {
		var b bytes.Buffer
		if err := Write(&b, tensors, nil); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes written", what, err, b.Len())
		}
	}
}

// Any bytes: no panic, and what is accepted can be written and reads the same.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/all.safetensors", "testdata/int64.safetensors"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(file(`{"w":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		s, err := parse("fuzz", data)
		if n, most := allocated()-before, uint64(64*len(data)+1<<20); n > most { // the fuzzer itself allocates meanwhile
			t.Errorf("%d bytes allocated for a file of %d", n, len(data))
		}
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, s.tensors, s.metadata); err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		again, err := parse("again", b.Bytes())
		if err != nil {
			t.Fatalf("written, but not readable: %v", err)
		}
		if len(again.tensors) != len(s.tensors) || len(again.metadata) != len(s.metadata) {
			t.Errorf("%d tensors and %d entries, then %d and %d", len(s.tensors), len(s.metadata), len(again.tensors), len(again.metadata))
		}
	})
}

// allocated returns the bytes allocated so far, about: to within the small
// objects since the last collection. The exact figure would stop the world each time.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
