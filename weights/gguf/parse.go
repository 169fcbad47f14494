package gguf

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/lighttransfer/lighttransfer/weights"
)

// A part is one file: all of a model, or one of its splits.
type part struct {
	meta    []KV
	index   map[string]int   // key -> place in meta
	tensors []weights.Tensor // file order
}

// parse reads a whole file. Tensor data is sliced, not copied. It allocates in
// proportion to the bytes of metadata that are really there.
func parse(path string, data []byte) (*part, error) {
	c := &cursor{path: path, data: data}
	if err := c.version(); err != nil {
		return nil, err
	}
	tensorCount := c.count(8+4+8, "tensors") // name length, number of dimensions and type, offset
	keyCount := c.count(8+4+1, "metadata entries")
	p := &part{index: map[string]int{}}
	for i := 0; i < keyCount && c.err == nil; i++ {
		at := c.pos
		key := c.name("a metadata key")
		v := c.value(valueType(c.u32("a metadata type")), 0)
		if _, dup := p.index[key]; dup {
			c.fail(at, "metadata key %s is there twice", weights.Quote(key))
		}
		p.index[key] = len(p.meta)
		p.meta = append(p.meta, KV{key, v})
	}
	if c.err != nil {
		return nil, c.err
	}
	align, err := alignment(p.meta)
	if err != nil {
		return nil, &weights.FormatError{Path: path, Offset: -1, Msg: err.Error()}
	}
	infos, err := c.infos(tensorCount, align)
	if err != nil {
		return nil, err
	}
	return p, p.place(c, infos, align)
}

// version reads and checks the first 8 bytes.
func (c *cursor) version() error {
	m := c.take(4, "the header")
	if m != nil && string(m) != magic {
		c.fail(0, "not a GGUF file: it starts with %q", m)
	}
	v := c.u32("the header")
	switch {
	case c.err != nil:
		return c.err
	case v == 1:
		return &weights.UnsupportedError{Path: c.path, What: "GGUF version 1", Hint: "convert the model again with a llama.cpp of 2023-09 or later"}
	case v == 2 || v == version:
		return nil
	case bits.ReverseBytes32(v) <= version && v != 0:
		return &weights.UnsupportedError{Path: c.path, What: "big-endian GGUF", Hint: "fetch the little-endian file, or turn it with llama.cpp's gguf_convert_endian.py"}
	}
	return &weights.UnsupportedError{Path: c.path, What: fmt.Sprintf("GGUF version %d", v), Hint: "versions 2 and 3 are read"}
}

// alignment returns general.alignment, checked.
func alignment(meta []KV) (uint64, error) {
	for _, kv := range meta {
		if kv.Key != keyAlignment {
			continue
		}
		n, ok := toUint(kv.Value)
		if !ok || n == 0 || n > maxAlignment || n&(n-1) != 0 {
			return 0, fmt.Errorf("%s is %v, not a power of two up to %d", keyAlignment, kv.Value, maxAlignment)
		}
		return n, nil
	}
	return defaultAlignment, nil
}

// An info is a tensor's description before it is known where the data starts.
type info struct {
	weights.Tensor
	at     uint64 // byte of the file where the description stands
	offset uint64 // from the start of the data
	size   uint64
}

func (c *cursor) infos(n int, align uint64) ([]info, error) {
	var infos []info
	names := map[string]bool{}
	for i := 0; i < n && c.err == nil; i++ {
		at := c.pos
		name := c.name("a tensor name")
		c.tensor = name
		if names[name] {
			c.fail(at, "there are two tensors of this name")
		}
		names[name] = true
		shape := c.shape()
		typeAt := c.pos
		id := c.u32("a tensor type")
		offset := c.u64("a tensor offset")
		if c.err != nil {
			break
		}
		dtype, ok := tensorTypes[id]
		if !ok {
			return nil, c.unsupported(id, typeAt)
		}
		size, ok := weights.SizeOf(dtype, shape)
		switch {
		case !ok:
			c.fail(at, "shape %v is not a whole number of %s blocks, or too large", shape, dtype)
		case offset%align != 0:
			c.fail(typeAt+4, "offset %d is not a multiple of the alignment %d", offset, align)
		}
		infos = append(infos, info{weights.Tensor{Name: name, Type: dtype, Shape: shape}, at, offset, uint64(size)})
	}
	c.tensor = ""
	return infos, c.err
}

// shape reads the dimensions and turns them around: outermost first.
func (c *cursor) shape() []int {
	at := c.pos
	dims := c.u32("a number of dimensions")
	if dims > maxDims {
		c.fail(at, "%d dimensions, the format allows %d", dims, maxDims)
	}
	if c.err != nil {
		return nil
	}
	shape := make([]int, dims)
	for i := range shape {
		at := c.pos
		d := c.u64("a dimension")
		if c.err == nil && (d == 0 || d > 1<<48) {
			c.fail(at, "dimension %d is %d", i, d)
		}
		shape[len(shape)-1-i] = int(d)
	}
	return shape
}

func (c *cursor) unsupported(id uint32, at uint64) error {
	e := &weights.UnsupportedError{Path: c.path, Tensor: c.tensor,
		Hint: "choose a file of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K (a Q4_K_M or Q8_0 of the same model)"}
	if name, known := otherTensorTypes[id]; known {
		e.What = "number format " + name
		return e
	}
	e.What = fmt.Sprintf("number format %d (byte %d), unknown here,", id, at)
	return e
}

// place cuts every tensor out of the data and checks that none overlap.
func (p *part) place(c *cursor, infos []info, align uint64) error {
	start := (c.pos + align - 1) &^ (align - 1)
	for _, in := range infos {
		c.tensor = in.Name
		if room := uint64(len(c.data)) - min(start, uint64(len(c.data))); in.offset > room || in.size > room-in.offset {
			c.fail(in.at, "its %d bytes at offset %d of the data go beyond the file, which has %d bytes of data; it is cut short or damaged, fetch it again", in.size, in.offset, room)
			return c.err
		}
		in.Data = c.data[start+in.offset:][:in.size:in.size]
		p.tensors = append(p.tensors, in.Tensor)
	}
	byOffset := slices.SortedFunc(slices.Values(infos), func(a, b info) int {
		if a.offset != b.offset {
			return cmp.Compare(a.offset, b.offset)
		}
		return cmp.Compare(a.at, b.at)
	})
	for i := 1; i < len(byOffset); i++ {
		if a, b := byOffset[i-1], byOffset[i]; b.offset < a.offset+a.size {
			c.tensor = b.Name
			c.fail(b.at, "its data overlaps that of tensor %s", weights.Quote(a.Name))
			return c.err
		}
	}
	return nil
}
