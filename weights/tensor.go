package weights

// A Tensor is one named array of numbers in a model file.
type Tensor struct {
	Name  string
	Type  DType
	Shape []int  // outermost first: a matrix is [rows][cols], cols adjacent in memory; empty for a single number
	Data  []byte // row-major, little endian, whole blocks of Type; read only, any alignment
}

// Elems returns the number of elements: the product of Shape.
func (t Tensor) Elems() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// SizeOf returns how many bytes a tensor of this type and shape holds, in the
// order of Tensor.Shape. It is false when the size overflows, when a dimension
// is negative, or when a row is not a whole number of the type's blocks.
func SizeOf(t DType, shape []int) (bytes int, ok bool) {
	elems, empty := 1, false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, false
		case d == 0:
			empty = true // keep checking: the other dimensions must be sane too
		default:
			if elems > maxElems/d {
				return 0, false
			}
			elems *= d
		}
	}
	if empty {
		return 0, true
	}
	if len(shape) > 0 {
		if block, _ := t.Block(); block == 0 || shape[len(shape)-1]%block != 0 {
			return 0, false
		}
	}
	return t.Bytes(elems)
}

// maxElems keeps the byte count of any type below the largest int64: no type
// takes more than 8 bytes per element.
const maxElems = 1 << 59
