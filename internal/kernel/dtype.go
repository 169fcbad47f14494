package kernel

import "fmt"

// DType is a number format of stored weights. The quantised ones are the block
// formats of ggml (llama.cpp, ggml-common.h); [Dequantize] defines each.
type DType uint8

// The formats. Quantised ones store blocks of 32 elements (Q8_0 .. Q5_1) or of
// 256 elements (the K formats) along a row.
const (
	F32  DType = iota // IEEE 754 single precision
	F16               // IEEE 754 half precision
	BF16              // upper half of a float32
	Q8_0              // int8 and one f16 scale
	Q4_0              // 4 bits, scale
	Q4_1              // 4 bits, scale and minimum
	Q5_0              // 5 bits, scale
	Q5_1              // 5 bits, scale and minimum
	Q4_K              // 4 bits, 6-bit scales and minima per 32, f16 pair per 256
	Q5_K              // 5 bits, as Q4_K
	Q6_K              // 6 bits, int8 scale per 16, f16 scale per 256
	numDTypes
)

// dtypes holds what is known of each format: its name, and the elements and
// bytes of a block.
var dtypes = [numDTypes]struct {
	name         string
	elems, bytes int
}{
	F32:  {"F32", 1, 4},
	F16:  {"F16", 1, 2},
	BF16: {"BF16", 1, 2},
	Q8_0: {"Q8_0", 32, 2 + 32},
	Q4_0: {"Q4_0", 32, 2 + 16},
	Q4_1: {"Q4_1", 32, 2 + 2 + 16},
	Q5_0: {"Q5_0", 32, 2 + 4 + 16},
	Q5_1: {"Q5_1", 32, 2 + 2 + 4 + 16},
	Q4_K: {"Q4_K", 256, 2 + 2 + 12 + 128},
	Q5_K: {"Q5_K", 256, 2 + 2 + 12 + 32 + 128},
	Q6_K: {"Q6_K", 256, 128 + 64 + 16 + 2},
}

// String returns the name ggml gives the format.
func (t DType) String() string {
	if t >= numDTypes {
		return fmt.Sprintf("DType(%d)", uint8(t))
	}
	return dtypes[t].name
}

// Block returns the elements of one block and the bytes it takes; 0, 0 for a
// value that is no format.
func (t DType) Block() (elems, bytes int) {
	if t >= numDTypes {
		return 0, 0
	}
	return dtypes[t].elems, dtypes[t].bytes
}

// Bytes returns the bytes of n elements. It is false when n is negative, not a
// whole number of blocks, or so large that the bytes overflow an int.
func (t DType) Bytes(n int) (int, bool) {
	elems, bytes := t.Block()
	if elems == 0 || n < 0 || n%elems != 0 {
		return 0, false
	}
	blocks := n / elems
	if blocks > int(^uint(0)>>1)/bytes {
		return 0, false
	}
	return blocks * bytes, true
}

// quantised says whether the format stores integers with scales.
func (t DType) quantised() bool { return t >= Q8_0 && t < numDTypes }
