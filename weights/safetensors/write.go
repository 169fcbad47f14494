package safetensors

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/lighttransfer/lighttransfer/weights"
)

// Write writes one file. The tensors' data is laid out in the order given;
// meta may be nil. The header is padded so that the data starts at a multiple
// of 8. Everything that Open would refuse is an error here, before anything is
// written.
func Write(w io.Writer, tensors []weights.Tensor, meta map[string]string) error {
	header, err := makeHeader(tensors, meta)
	if err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(header) // a bufio.Writer's error sticks until Flush
	for _, t := range tensors {
		b.Write(t.Data)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	return nil
}

// makeHeader returns all that stands before the data.
func makeHeader(tensors []weights.Tensor, meta map[string]string) ([]byte, error) {
	b := append(make([]byte, 8), '{') // the length comes last
	put := func(key string, value any) error {
		if !utf8.ValidString(key) {
			return fmt.Errorf("the name %s is not UTF-8", weights.Quote(key))
		}
		if len(b) > 9 {
			b = append(b, ',')
		}
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		v, err := json.Marshal(value)
		b = append(append(append(b, k...), ':'), v...)
		return err
	}
	if meta != nil {
		if err := put(metadataKey, meta); err != nil {
			return nil, err
		}
	}
	names, offset := map[string]bool{metadataKey: true}, uint64(0)
	for _, t := range tensors {
		if names[t.Name] {
			return nil, fmt.Errorf("tensor %s is given twice, or its name is not allowed", weights.Quote(t.Name))
		}
		names[t.Name] = true
		if dtype, ok := dtypes[t.Type.String()]; !ok || dtype != t.Type {
			return nil, fmt.Errorf("tensor %s: number format %s has no place in safetensors", weights.Quote(t.Name), t.Type)
		}
		size, ok := weights.SizeOf(t.Type, t.Shape)
		if !ok || size != len(t.Data) {
			return nil, fmt.Errorf("tensor %s: %d bytes of data do not make a shape of %v in %s", weights.Quote(t.Name), len(t.Data), t.Shape, t.Type)
		}
		name, shape, end := t.Type.String(), t.Shape, offset+uint64(size)
		if shape == nil {
			shape = []int{} // JSON's null is no shape
		}
		if err := put(t.Name, entry{&name, &shape, []uint64{offset, end}}); err != nil {
			return nil, err
		}
		offset = end
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes, the format allows %d", len(b)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, nil
}
