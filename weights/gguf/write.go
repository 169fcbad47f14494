package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lighttransfer/lighttransfer/weights"
)

// Write writes a GGUF file of version 3. The tensors' data is laid out in the
// order given, each at a multiple of general.alignment if meta has that key,
// else of 32. What [File.Meta] and [File.Tensors] return can be written as it
// is. To write a split model, write each part with its split.no, split.count
// and split.tensors.count.
//
// Everything that Open would refuse is an error here, before anything is written.
func Write(w io.Writer, meta []KV, tensors []weights.Tensor) error {
	align, err := alignment(meta)
	if err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	head, err := header(meta, tensors, align)
	if err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(head) // a bufio.Writer's error sticks until Flush
	zeros := make([]byte, align)
	b.Write(zeros[:padding(uint64(len(head)), align)])
	for _, t := range tensors {
		b.Write(t.Data)
		b.Write(zeros[:padding(uint64(len(t.Data)), align)])
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	return nil
}

func padding(n, align uint64) uint64 { return -n & (align - 1) }

// header returns all that stands before the data, without its padding.
func header(meta []KV, tensors []weights.Tensor, align uint64) ([]byte, error) {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), version)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(meta)))
	keys := map[string]bool{}
	for _, kv := range meta {
		if err := checkName(keys, kv.Key); err != nil {
			return nil, fmt.Errorf("metadata key %w", err)
		}
		t, err := typeOf(kv.Value)
		if err == nil {
			b = appendString(b, kv.Key)
			b = le.AppendUint32(b, uint32(t))
			b, err = appendValue(b, kv.Value, 0)
		}
		if err != nil {
			return nil, fmt.Errorf("metadata key %s: %w", weights.Quote(kv.Key), err)
		}
	}
	names, offset := map[string]bool{}, uint64(0)
	for _, t := range tensors {
		if err := checkName(names, t.Name); err != nil {
			return nil, fmt.Errorf("tensor %w", err)
		}
		id, err := tensorID(t)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", weights.Quote(t.Name), err)
		}
		b = appendString(b, t.Name)
		b = le.AppendUint32(b, uint32(len(t.Shape)))
		for i := range t.Shape {
			b = le.AppendUint64(b, uint64(t.Shape[len(t.Shape)-1-i]))
		}
		b = le.AppendUint32(b, id)
		b = le.AppendUint64(b, offset)
		n := uint64(len(t.Data))
		offset += n + padding(n, align)
	}
	return b, nil
}

func checkName(seen map[string]bool, name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%s is longer than the %d bytes allowed", weights.Quote(name), maxName)
	}
	if seen[name] {
		return fmt.Errorf("%s is given twice", weights.Quote(name))
	}
	seen[name] = true
	return nil
}

// tensorID returns ggml's number for the tensor's type, once its shape and data agree.
func tensorID(t weights.Tensor) (uint32, error) {
	if len(t.Shape) > maxDims {
		return 0, fmt.Errorf("%d dimensions, the format allows %d", len(t.Shape), maxDims)
	}
	for id, dtype := range tensorTypes {
		if dtype != t.Type {
			continue
		}
		size, ok := weights.SizeOf(dtype, t.Shape)
		if !ok || size == 0 || size != len(t.Data) {
			return 0, fmt.Errorf("%d bytes of data do not make a shape of %v in %s", len(t.Data), t.Shape, dtype)
		}
		return id, nil
	}
	return 0, fmt.Errorf("number format %s has no place in GGUF", t.Type)
}

func typeOf(v any) (valueType, error) {
	switch v.(type) {
	case uint8:
		return typeUint8, nil
	case int8:
		return typeInt8, nil
	case uint16:
		return typeUint16, nil
	case int16:
		return typeInt16, nil
	case uint32:
		return typeUint32, nil
	case int32:
		return typeInt32, nil
	case float32:
		return typeFloat32, nil
	case bool:
		return typeBool, nil
	case string:
		return typeString, nil
	case uint64:
		return typeUint64, nil
	case int64:
		return typeInt64, nil
	case float64:
		return typeFloat64, nil
	case []any, []string, []bool, []uint8, []int8, []uint16, []int16, []uint32, []int32, []uint64, []int64, []float32, []float64:
		return typeArray, nil
	}
	return 0, fmt.Errorf("a value of type %T cannot be written: use a number of a fixed width, a bool, a string, or a slice of them", v)
}

func appendValue(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendString(b, v), nil
	case []string:
		b = appendArray(b, typeString, len(v))
		for _, s := range v {
			b = appendString(b, s)
		}
		return b, nil
	case []any:
		if depth == maxDepth-1 {
			return nil, fmt.Errorf("arrays are nested more than %d deep", maxDepth)
		}
		b = appendArray(b, typeArray, len(v))
		for _, e := range v {
			t, err := typeOf(e)
			if err != nil {
				return nil, err
			}
			if t != typeArray {
				return nil, fmt.Errorf("a []any may hold slices only, this one holds a %T", e)
			}
			if b, err = appendValue(b, e, depth+1); err != nil {
				return nil, err
			}
		}
		return b, nil
	case []bool:
		return appendNumbers(b, typeBool, v)
	case []uint8:
		return appendNumbers(b, typeUint8, v)
	case []int8:
		return appendNumbers(b, typeInt8, v)
	case []uint16:
		return appendNumbers(b, typeUint16, v)
	case []int16:
		return appendNumbers(b, typeInt16, v)
	case []uint32:
		return appendNumbers(b, typeUint32, v)
	case []int32:
		return appendNumbers(b, typeInt32, v)
	case []uint64:
		return appendNumbers(b, typeUint64, v)
	case []int64:
		return appendNumbers(b, typeInt64, v)
	case []float32:
		return appendNumbers(b, typeFloat32, v)
	case []float64:
		return appendNumbers(b, typeFloat64, v)
	}
	return binary.Append(b, binary.LittleEndian, v) // the other numbers and bool
}

func appendArray(b []byte, t valueType, n int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(t))
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}

func appendNumbers[T any](b []byte, t valueType, v []T) ([]byte, error) {
	return binary.Append(appendArray(b, t, len(v)), binary.LittleEndian, v)
}

func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}
