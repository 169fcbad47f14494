package gguf

import (
	"bytes"
	"errors"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
)

// What the Python package wrote is written again from what Open made of it: the
// same bytes, so that both directions are checked.
func TestWriteGivesTheSameBytes(t *testing.T) {
	for _, file := range []string{"all.gguf", "aligned.gguf", "split-00002-of-00003.gguf"} {
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(file, want)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Write(&got, p.meta, p.tensors); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: %d bytes written, %d read, not the same", file, got.Len(), len(want))
		}
	}
}

func TestRoundTripOfEdges(t *testing.T) {
	meta := []KV{
		{"", "the empty key"}, {"bytes", "\xff\x00\n"}, {"nan", float32(math.Inf(-1))},
		{"none", []string{}}, {"no arrays", []any{}}, {"mixed", []any{[]int32{1}, []string{"x"}, []any{[]bool{true}}}},
		{keyAlignment, uint32(1)},
	}
	tensors := []weights.Tensor{
		{Name: "scalar", Type: weights.F16, Shape: []int{}, Data: []byte{1, 2}},
		{Name: "row", Type: weights.F16, Shape: []int{1, 3}, Data: []byte{1, 2, 3, 4, 5, 6}},
	}
	var b bytes.Buffer
	if err := Write(&b, meta, tensors); err != nil {
		t.Fatal(err)
	}
	p, err := parse("x", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.meta, meta) {
		t.Errorf("metadata %v, want %v", p.meta, meta)
	}
	if !reflect.DeepEqual(p.tensors, tensors) {
		t.Errorf("tensors %v, want %v", p.tensors, tensors)
	}
}

func TestWriteRefuses(t *testing.T) {
	deep := any([]any{[]int8{1}})
	for range maxDepth {
		deep = []any{deep}
	}
	tensor := func(name string, typ weights.DType, n int, shape ...int) weights.Tensor {
		return weights.Tensor{Name: name, Type: typ, Shape: shape, Data: make([]byte, n)}
	}
	for what, tc := range map[string]struct {
		meta    []KV
		tensors []weights.Tensor
	}{
		"an int":           {meta: []KV{{"k", 1}}},
		"a map":            {meta: []KV{{"k", map[string]int{}}}},
		"nil":              {meta: []KV{{"k", nil}}},
		"scalars in any":   {meta: []KV{{"k", []any{int32(1)}}}},
		"deep":             {meta: []KV{{"k", deep}}},
		"key twice":        {meta: []KV{{"k", true}, {"k", true}}},
		"alignment":        {meta: []KV{{keyAlignment, uint32(3)}}},
		"name twice":       {tensors: []weights.Tensor{tensor("w", weights.F32, 4, 1), tensor("w", weights.F32, 4, 1)}},
		"data too short":   {tensors: []weights.Tensor{tensor("w", weights.F32, 4, 2)}},
		"half a block":     {tensors: []weights.Tensor{tensor("w", weights.Q8_0, 17, 16)}},
		"no elements":      {tensors: []weights.Tensor{tensor("w", weights.F32, 0, 0)}},
		"negative":         {tensors: []weights.Tensor{tensor("w", weights.F32, 4, -1, -1)}},
		"five dimensions":  {tensors: []weights.Tensor{tensor("w", weights.F32, 4, 1, 1, 1, 1, 1)}},
		"an unknown dtype": {tensors: []weights.Tensor{tensor("w", weights.DType(200), 4, 1)}},
	} {
		var b bytes.Buffer
		if err := Write(&b, tc.meta, tc.tensors); err == nil {
			t.Errorf("%s: written", what)
		}
		if b.Len() > 0 {
			t.Errorf("%s: %d bytes written before the error", what, b.Len())
		}
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWriteReportsAFullDisk(t *testing.T) {
	w := []weights.Tensor{{Name: "w", Type: weights.F32, Shape: []int{50000}, Data: make([]byte, 200000)}}
	for _, room := range []int{0, 100000} {
		if err := Write(&fullDisk{room}, nil, w); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
}
