package gguf

import "github.com/lighttransfer/lighttransfer/weights"

// valueType is the type of a metadata value as the file numbers it.
type valueType uint32

const (
	typeUint8 valueType = iota
	typeInt8
	typeUint16
	typeInt16
	typeUint32
	typeInt32
	typeFloat32
	typeBool
	typeString
	typeArray
	typeUint64
	typeInt64
	typeFloat64
)

// minBytes is the least number of bytes a value of each type takes in a file:
// what a count is compared with before anything is allocated for it.
var minBytes = [...]uint64{
	typeUint8: 1, typeInt8: 1, typeUint16: 2, typeInt16: 2, typeUint32: 4, typeInt32: 4, typeFloat32: 4, typeBool: 1,
	typeString: 8, typeArray: 12, typeUint64: 8, typeInt64: 8, typeFloat64: 8,
}

// tensorTypes are ggml's numbers for the formats that are read.
var tensorTypes = map[uint32]weights.DType{
	0: weights.F32, 1: weights.F16, 2: weights.Q4_0, 3: weights.Q4_1, 6: weights.Q5_0, 7: weights.Q5_1, 8: weights.Q8_0,
	12: weights.Q4_K, 13: weights.Q5_K, 14: weights.Q6_K, 30: weights.BF16,
}

// otherTensorTypes are ggml's names for the formats that are not, so that an
// error can say which one a file has. 4, 5, 31-33 and 36-38 are retired.
var otherTensorTypes = map[uint32]string{
	4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
	20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
	31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
	39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
}

// Limits of the format itself.
const (
	magic            = "GGUF"
	version          = 3 // what Write writes; 2 has the same layout
	maxDims          = 4
	maxName          = 65535 // bytes of a key or tensor name
	maxDepth         = 8     // arrays in arrays; real files have one level
	defaultAlignment = 32
	maxAlignment     = 1 << 30
)
