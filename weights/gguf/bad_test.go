package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
)

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

// The file is cut at every byte: every metadata and tensor boundary is among
// them. Only cuts in the padding after the last tensor do no harm.
func TestCutShortAnywhere(t *testing.T) {
	for _, file := range []string{"all.gguf", "aligned.gguf", "split-00002-of-00003.gguf"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		end := 0
		for _, tensor := range whole.tensors {
			end = max(end, bytes.Index(data, tensor.Data)+len(tensor.Data))
		}
		for n := range len(data) {
			_, err := parse(file, data[:n:n])
			if n >= end {
				if err != nil {
					t.Errorf("%s cut at %d, in the last padding: %v", file, n, err)
				}
				continue
			}
			wantFormatError(t, err, file, "byte ", "fetch it again")
		}
	}
}

func TestCutShortNamesTheTensor(t *testing.T) {
	data, err := os.ReadFile("testdata/all.gguf")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.gguf")
	if err := os.WriteFile(path, data[:len(data)-48], 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	wantFormatError(t, err, path, `tensor "four"`, "48 bytes at offset", "cut short")
}

// Every byte of the part before the data is set to some hostile values: never a panic.
func TestEveryByteDamaged(t *testing.T) {
	data, err := os.ReadFile("testdata/all.gguf")
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff, data[i] ^ 1} {
			bad := bytes.Clone(data)
			bad[i] = v
			parse("bad.gguf", bad)
		}
	}
}

// raw builds files that Write refuses to.
type raw []byte

func start(tensors, keys uint64) raw { return raw(magic).u32(3).u64(tensors).u64(keys) }

func (r raw) u32(v uint32) raw { return binary.LittleEndian.AppendUint32(r, v) }
func (r raw) u64(v uint64) raw { return binary.LittleEndian.AppendUint64(r, v) }
func (r raw) str(s string) raw { return append(r.u64(uint64(len(s))), s...) }
func (r raw) tensor(name string, typ uint32, offset uint64, dims ...uint64) raw {
	r = r.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r = r.u64(d)
	}
	return r.u32(typ).u64(offset)
}
func (r raw) data(n int) raw {
	return append(append(r, make([]byte, int(padding(uint64(len(r)), 32)))...), make([]byte, n)...)
}

func TestDamagedFiles(t *testing.T) {
	big := uint64(1) << 60
	nested := start(0, 1).str("k").u32(uint32(typeArray))
	for range 1000 {
		nested = nested.u32(uint32(typeArray)).u64(1)
	}
	for name, tc := range map[string]struct {
		file  raw
		words []string
	}{
		"not gguf":            {raw("PK\x03\x04 this is a zip"), []string{"byte 0", "not a GGUF file", "PK"}},
		"empty":               {raw{}, []string{"header"}},
		"2^60 tensors":        {start(big, 0).data(100), []string{"byte 8", "1152921504606846976 tensors"}},
		"2^60 keys":           {start(0, big).data(100), []string{"byte 16", "1152921504606846976 metadata entries"}},
		"2^60 elements":       {start(0, 1).str("k").u32(9).u32(4).u64(big), []string{"1152921504606846976 array elements"}},
		"2^60 strings":        {start(0, 1).str("k").u32(9).u32(8).u64(big).data(100), []string{"array elements"}},
		"2^60 arrays":         {start(0, 1).str("k").u32(9).u32(9).u64(big).data(100), []string{"array elements"}},
		"string of 2^63":      {start(0, 1).str("k").u32(8).u64(big << 3), []string{"bytes of a string"}},
		"string of 2^64-1":    {start(0, 1).str("k").u32(8).u64(1<<64 - 1), []string{"bytes of a string"}},
		"key of 2^60":         {start(0, 1).u64(big).data(100), []string{"metadata key"}},
		"key too long":        {start(0, 1).str(strings.Repeat("k", 70000)).u32(0).data(100), []string{"70000 bytes"}},
		"unknown type":        {start(0, 1).str("k").u32(13).u64(0), []string{"metadata type 13"}},
		"unknown element":     {start(0, 1).str("k").u32(9).u32(99).u64(0), []string{"element type 99"}},
		"bool of 2":           {append(start(0, 1).str("k").u32(7), 2), []string{"true or false", "2"}},
		"nested 1000 deep":    {nested, []string{"nested more than 8 deep"}},
		"key twice":           {start(0, 2).str("k").u32(4).u32(1).str("k").u32(4).u32(2), []string{`key "k" is there twice`}},
		"alignment 0":         {start(0, 1).str(keyAlignment).u32(4).u32(0), []string{keyAlignment}},
		"alignment 48":        {start(0, 1).str(keyAlignment).u32(4).u32(48), []string{"48"}},
		"alignment text":      {start(0, 1).str(keyAlignment).u32(8).str("32"), []string{keyAlignment}},
		"name twice":          {start(2, 0).tensor("w", 0, 0, 4).tensor("w", 0, 32, 4).data(64), []string{`tensor "w"`, "two tensors"}},
		"five dimensions":     {start(1, 0).tensor("w", 0, 0, 1, 1, 1, 1, 1).data(64), []string{`tensor "w"`, "5 dimensions"}},
		"dimension 0":         {start(1, 0).tensor("w", 0, 0, 0).data(64), []string{`tensor "w"`, "dimension 0 is 0"}},
		"dimension 2^63":      {start(1, 0).tensor("w", 0, 0, 1<<63).data(64), []string{"dimension 0 is 9223372036854775808"}},
		"product overflows":   {start(1, 0).tensor("w", 0, 0, 1<<40, 1<<40).data(64), []string{`tensor "w"`, "too large"}},
		"half a block":        {start(1, 0).tensor("w", 8, 0, 48).data(64), []string{`tensor "w"`, "Q8_0 blocks"}},
		"rows of half blocks": {start(1, 0).tensor("w", 8, 0, 16, 2).data(64), []string{"Q8_0 blocks"}},
		"outside":             {start(1, 0).tensor("w", 0, 0, 17).data(64), []string{`tensor "w"`, "68 bytes at offset 0", "64 bytes of data"}},
		"offset outside":      {start(1, 0).tensor("w", 0, 1<<63, 4).data(64), []string{"beyond the file"}},
		"offset misaligned":   {start(1, 0).tensor("w", 0, 16, 4).data(64), []string{"offset 16", "alignment 32"}},
		"overlap":             {start(2, 0).tensor("a", 0, 0, 9).tensor("b", 0, 32, 4).data(64), []string{`tensor "b"`, `overlaps`, `"a"`}},
		"same place":          {start(2, 0).tensor("a", 0, 0, 4).tensor("b", 0, 0, 4).data(64), []string{`tensor "b"`, `"a"`}},
		"no data at all":      {start(1, 0).tensor("w", 0, 0, 4), []string{"0 bytes of data"}},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			allocated := measure(func() { _, err = parse("bad.gguf", tc.file) })
			wantFormatError(t, err, append(tc.words, "bad.gguf")...)
			if most := uint64(16*len(tc.file) + 8192); allocated > most {
				t.Errorf("%d bytes allocated for a file of %d", allocated, len(tc.file))
			}
		})
	}
}

func measure(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestOtherVersionsAndTypesAreUnsupported(t *testing.T) {
	for want, file := range map[string]raw{
		"GGUF version 1":   raw(magic).u32(1).u32(0).u32(0),
		"GGUF version 4":   raw(magic).u32(4).u64(0).u64(0),
		"big-endian":       raw(magic).u32(2 << 24).u64(0).u64(0),
		"IQ2_XXS":          start(1, 0).tensor("w", 16, 0, 256).data(66),
		"number format 77": start(1, 0).tensor("w", 77, 0, 256).data(66),
	} {
		_, err := parse("new.gguf", file)
		var unsupported *weights.UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// part writes one file of a split model with one tensor.
func writePart(t *testing.T, path string, no, count, total int, tensor string) {
	t.Helper()
	var b bytes.Buffer
	meta := []KV{{keySplitNo, uint16(no)}, {keySplitCount, uint16(count)}, {keySplitTensors, int32(total)}}
	err := Write(&b, meta, []weights.Tensor{{Name: tensor, Type: weights.F32, Shape: []int{1}, Data: make([]byte, 4)}})
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSplitsThatDoNotBelongTogether(t *testing.T) {
	name := func(no, count int) string { return fmt.Sprintf("m-%05d-of-%05d.gguf", no, count) }
	for _, tc := range []struct {
		what  string
		first string
		make  func(dir string)
		words []string
	}{
		{"good", name(1, 2), func(dir string) {
			writePart(t, filepath.Join(dir, name(1, 2)), 0, 2, 2, "a")
			writePart(t, filepath.Join(dir, name(2, 2)), 1, 2, 2, "b")
		}, nil},
		{"missing part", name(1, 3), func(dir string) {
			writePart(t, filepath.Join(dir, name(1, 3)), 0, 3, 3, "a")
			writePart(t, filepath.Join(dir, name(3, 3)), 2, 3, 3, "b")
		}, []string{"part 2 is missing", name(2, 3)}},
		{"renamed", "m.gguf", func(dir string) { writePart(t, filepath.Join(dir, "m.gguf"), 1, 2, 2, "a") }, []string{"part 2 of 2", "-00002-of-00002.gguf"}},
		{"wrong count", name(1, 3), func(dir string) { writePart(t, filepath.Join(dir, name(1, 3)), 0, 2, 2, "a") }, []string{"part 1 of 3", "part 1 of 2"}},
		{"wrong number", name(1, 2), func(dir string) { writePart(t, filepath.Join(dir, name(1, 2)), 1, 2, 2, "a") }, []string{"part 1 of 2", "part 2 of 2"}},
		{"another model's part", name(1, 2), func(dir string) {
			writePart(t, filepath.Join(dir, name(1, 2)), 0, 2, 2, "a")
			writePart(t, filepath.Join(dir, name(2, 2)), 1, 3, 3, "b")
		}, []string{name(2, 2), "part 2 of 3"}},
		{"tensor twice", name(2, 2), func(dir string) {
			writePart(t, filepath.Join(dir, name(1, 2)), 0, 2, 2, "a")
			writePart(t, filepath.Join(dir, name(2, 2)), 1, 2, 2, "a")
		}, []string{`tensor "a"`, "another part"}},
		{"too few tensors", name(2, 2), func(dir string) {
			writePart(t, filepath.Join(dir, name(1, 2)), 0, 2, 3, "a")
			writePart(t, filepath.Join(dir, name(2, 2)), 1, 2, 3, "b")
		}, []string{"promises 3 tensors", "hold 2"}},
		{"part 5 of 2", name(5, 2), func(dir string) { writePart(t, filepath.Join(dir, name(5, 2)), 4, 2, 2, "a") }, []string{"split.no"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			dir := t.TempDir()
			tc.make(dir)
			f, err := Open(filepath.Join(dir, tc.first))
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

func TestAbsentFile(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "absent.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want one that is os.ErrNotExist", err)
	}
}
