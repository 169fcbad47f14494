package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/weights"
)

// Limits of the format: every implementation refuses a longer header.
const (
	maxHeader   = 100_000_000
	metadataKey = "__metadata__"
)

// dtypes are the names of the formats that are read.
var dtypes = map[string]weights.DType{"F32": weights.F32, "F16": weights.F16, "BF16": weights.BF16}

// entry is a tensor as the header describes it.
type entry struct {
	DType   *string  `json:"dtype"`
	Shape   *[]int   `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // begin, end; from the end of the header
}

// A shard is one parsed file.
type shard struct {
	tensors  []weights.Tensor // in the order of their data
	metadata map[string]string
}

// parse reads a whole file. Tensor data is sliced, not copied.
func parse(path string, data []byte) (*shard, error) {
	fail := func(at int64, tensor, format string, args ...any) error {
		return &weights.FormatError{Path: path, Offset: at, Tensor: tensor, Msg: fmt.Sprintf(format, args...)}
	}
	if len(data) < 8 {
		return nil, fail(0, "", "not a safetensors file: %d bytes are too few", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	switch {
	case n > maxHeader:
		return nil, fail(0, "", "not a safetensors file: it starts with a header length of %d, the format allows %d", n, maxHeader)
	case n > uint64(len(data)-8):
		return nil, fail(0, "", "the header needs %d bytes, the file has %d left; it is cut short or damaged, fetch it again", n, len(data)-8)
	}
	header, body := data[8:8+n], data[8+n:]
	s := &shard{}
	places := map[string]place{}
	err := walkObject(header, func(key string, at int64, value json.RawMessage) error {
		at += 8
		if key == metadataKey {
			if s.metadata != nil {
				return fail(at, "", "%s is there twice", metadataKey)
			}
			s.metadata = map[string]string{}
			if err := json.Unmarshal(value, &s.metadata); err != nil {
				return fail(at, "", "%s is not an object of texts: %v", metadataKey, err)
			}
			return nil
		}
		if _, dup := places[key]; dup {
			return fail(at, key, "there are two tensors of this name")
		}
		var e entry
		if err := json.Unmarshal(value, &e); err != nil {
			return fail(at, key, "its description is not as it should be: %v", err)
		}
		if e.DType == nil || e.Shape == nil || len(e.Offsets) != 2 {
			return fail(at, key, "its description lacks dtype, shape or two data_offsets")
		}
		dtype, ok := dtypes[*e.DType]
		if !ok {
			return &weights.UnsupportedError{Path: path, Tensor: key, What: "number format " + weights.Quote(*e.DType),
				Hint: "F32, F16 and BF16 are read; look for the model before it was quantised, or for its GGUF"}
		}
		size, ok := weights.SizeOf(dtype, *e.Shape)
		begin, end := e.Offsets[0], e.Offsets[1]
		switch {
		case !ok:
			return fail(at, key, "shape %v is no shape", *e.Shape)
		case begin > end || end-begin != uint64(size):
			return fail(at, key, "%s of shape %v needs %d bytes, its data_offsets are %d and %d", dtype, *e.Shape, size, begin, end)
		case end > uint64(len(body)):
			return fail(at, key, "its data ends at byte %d of the data, the file has %d; it is cut short or damaged, fetch it again", end, len(body))
		}
		places[key] = place{at, begin, end}
		s.tensors = append(s.tensors, weights.Tensor{Name: key, Type: dtype, Shape: *e.Shape, Data: body[begin:end:end]})
		return nil
	})
	if err != nil {
		if _, plain := err.(jsonError); plain {
			return nil, fail(8, "", "the header is not a JSON object: %v", err)
		}
		return nil, err
	}
	slices.SortFunc(s.tensors, func(a, b weights.Tensor) int {
		p, q := places[a.Name], places[b.Name]
		return cmp.Or(cmp.Compare(p.begin, q.begin), cmp.Compare(p.end, q.end), strings.Compare(a.Name, b.Name))
	})
	next := uint64(0)
	for i, t := range s.tensors {
		p := places[t.Name]
		switch {
		case p.begin < next:
			return nil, fail(p.at, t.Name, "its data overlaps that of tensor %s", weights.Quote(s.tensors[i-1].Name))
		case p.begin > next:
			return nil, fail(p.at, t.Name, "%d bytes before its data belong to no tensor", p.begin-next)
		}
		next = p.end
	}
	if left := uint64(len(body)) - next; left > 0 {
		return nil, fail(8+int64(n)+int64(next), "", "%d bytes after the last tensor belong to no tensor", left)
	}
	return s, nil
}

// A place is where a tensor's description and data stand.
type place struct {
	at         int64 // byte of the file
	begin, end uint64
}

// jsonError is a fault in the JSON itself.
type jsonError struct{ error }

// walkObject calls f for every entry of a JSON object, in order; entries of the
// same name are all shown (encoding/json alone would keep the last). at is the
// byte of src where the entry begins.
func walkObject(src []byte, f func(key string, at int64, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(src))
	if t, err := dec.Token(); err != nil {
		return jsonError{err}
	} else if t != json.Delim('{') {
		return jsonError{fmt.Errorf("it starts with %v", t)}
	}
	for dec.More() {
		at := dec.InputOffset()
		t, err := dec.Token()
		if err != nil {
			return jsonError{err}
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return jsonError{err}
		}
		if err := f(t.(string), at, value); err != nil { // a key is always a string
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return jsonError{err}
	}
	if rest := bytes.Trim(src[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return jsonError{fmt.Errorf("something follows its end")}
	}
	return nil
}
