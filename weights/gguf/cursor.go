package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/weights"
)

// A cursor walks over a file's bytes. The first fault sticks: from then on
// every read returns zero, so that a caller checks err where it matters.
type cursor struct {
	path   string
	data   []byte
	pos    uint64
	tensor string // name of the tensor being read, for errors
	err    error
}

func (c *cursor) left() uint64 { return uint64(len(c.data)) - c.pos }

func (c *cursor) fail(at uint64, format string, args ...any) {
	if c.err == nil {
		c.err = &weights.FormatError{Path: c.path, Offset: int64(at), Tensor: c.tensor, Msg: fmt.Sprintf(format, args...)}
	}
}

// take returns the next n bytes of what; nil once something failed.
func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > c.left() {
		c.fail(c.pos, "%s needs %d bytes, the file has %d left; it is cut short or damaged, fetch it again", what, n, c.left())
		return nil
	}
	b := c.data[c.pos : c.pos+n]
	c.pos += n
	return b
}

func (c *cursor) u32(what string) uint32 {
	if b := c.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64(what string) uint64 {
	if b := c.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads a number of things that take at least size bytes each.
func (c *cursor) count(size uint64, what string) int {
	at := c.pos
	n := c.u64("the number of " + what)
	if c.err == nil && n > c.left()/size {
		c.fail(at, "%d %s cannot fit into the %d bytes that follow; it is cut short or damaged, fetch it again", n, what, c.left())
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

// name reads a key or tensor name.
func (c *cursor) name(what string) string {
	at := c.pos
	n := c.count(1, "bytes of "+what)
	if n > maxName {
		c.fail(at, "%s of %d bytes, the format allows %d", what, n, maxName)
	}
	return string(c.take(uint64(n), what))
}

// value reads one metadata value of the type into the Go type of the same name.
func (c *cursor) value(t valueType, depth int) any {
	switch t {
	case typeString:
		return string(c.take(uint64(c.count(1, "bytes of a string")), "a string"))
	case typeArray:
		return c.array(depth)
	}
	if int(t) >= len(minBytes) {
		c.fail(c.pos, "metadata type %d is unknown", t)
		return nil
	}
	at := c.pos
	b := c.take(minBytes[t], "a metadata value")
	if b == nil {
		return nil
	}
	le := binary.LittleEndian
	switch t {
	case typeUint8:
		return b[0]
	case typeInt8:
		return int8(b[0])
	case typeUint16:
		return le.Uint16(b)
	case typeInt16:
		return int16(le.Uint16(b))
	case typeUint32:
		return le.Uint32(b)
	case typeInt32:
		return int32(le.Uint32(b))
	case typeFloat32:
		return math.Float32frombits(le.Uint32(b))
	case typeUint64:
		return le.Uint64(b)
	case typeInt64:
		return int64(le.Uint64(b))
	case typeFloat64:
		return math.Float64frombits(le.Uint64(b))
	}
	if b[0] > 1 { // typeBool
		c.fail(at, "a true or false is written as %d", b[0])
	}
	return b[0] == 1
}

// array reads an array as a slice of its element type, an array of arrays as []any.
func (c *cursor) array(depth int) any {
	if depth == maxDepth {
		c.fail(c.pos, "arrays are nested more than %d deep", maxDepth)
		return nil
	}
	at := c.pos
	t := valueType(c.u32("an array's element type"))
	if c.err == nil && int(t) >= len(minBytes) {
		c.fail(at, "array element type %d is unknown", t)
	}
	if c.err != nil {
		return nil
	}
	n := c.count(minBytes[t], "array elements")
	switch t {
	case typeString:
		return c.strings(n)
	case typeArray:
		a := []any{} // grows: how deep the file goes on is not known yet
		for i := 0; i < n && c.err == nil; i++ {
			a = append(a, c.array(depth+1))
		}
		return a
	case typeBool:
		at := c.pos
		a := make([]bool, n)
		for i, x := range c.take(uint64(n), "an array") {
			if x > 1 {
				c.fail(at+uint64(i), "a true or false is written as %d", x)
			}
			a[i] = x == 1
		}
		return a
	}
	b := c.take(uint64(n)*minBytes[t], "an array")
	switch t {
	case typeUint8:
		return numbers[uint8](b, n)
	case typeInt8:
		return numbers[int8](b, n)
	case typeUint16:
		return numbers[uint16](b, n)
	case typeInt16:
		return numbers[int16](b, n)
	case typeUint32:
		return numbers[uint32](b, n)
	case typeInt32:
		return numbers[int32](b, n)
	case typeFloat32:
		return numbers[float32](b, n)
	case typeUint64:
		return numbers[uint64](b, n)
	case typeInt64:
		return numbers[int64](b, n)
	}
	return numbers[float64](b, n)
}

func numbers[T any](b []byte, n int) []T {
	a := make([]T, n)
	binary.Decode(b, binary.LittleEndian, a) // cannot fail: b is n elements long
	return a
}

// strings reads n strings. A vocabulary has more than a hundred thousand of
// them: they share one copy of their bytes.
func (c *cursor) strings(n int) []string {
	start := c.pos
	for range n {
		c.take(uint64(c.count(1, "bytes of a string")), "a string")
	}
	if c.err != nil {
		return nil
	}
	all := string(c.data[start:c.pos])
	a, at := make([]string, n), 0
	for i := range a {
		size := int(binary.LittleEndian.Uint64(c.data[start+uint64(at):]))
		a[i] = all[at+8 : at+8+size]
		at += 8 + size
	}
	return a
}
