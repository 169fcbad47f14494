package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/lighttransfer/lighttransfer/weights"
)

// A format is how the numbers of a matrix are stored.
type format struct {
	dtype    weights.DType
	fileType uint32 // general.file_type
	// block appends one block of numbers, about uniform in [-a, a].
	block func(b []byte, rnd *rand.ChaCha8, a float64) []byte
}

var formats = map[string]format{
	"f32": {weights.F32, 0, func(b []byte, rnd *rand.ChaCha8, a float64) []byte {
		return appendF32(b, uniform(rnd, a))
	}},
	"f16": {weights.F16, 1, func(b []byte, rnd *rand.ChaCha8, a float64) []byte {
		return binary.LittleEndian.AppendUint16(b, half(uniform(rnd, a)))
	}},
	"bf16": {weights.BF16, 32, func(b []byte, rnd *rand.ChaCha8, a float64) []byte {
		return binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(uniform(rnd, a))>>16))
	}},
	// A block is a scale and 32 integers of 8 or 4 bits; those of 4 have 8 for zero.
	"q8_0": {weights.Q8_0, 7, func(b []byte, rnd *rand.ChaCha8, a float64) []byte {
		return codes(b, rnd, a/127, 4)
	}},
	"q4_0": {weights.Q4_0, 2, func(b []byte, rnd *rand.ChaCha8, a float64) []byte {
		return codes(b, rnd, a/8, 2)
	}},
}

// codes appends a scale near the given one, and random codes, 8 bytes a word.
func codes(b []byte, rnd *rand.ChaCha8, scale float64, words int) []byte {
	spread := 0.75 + float64(rnd.Uint64()>>11)/(1<<54) // 0.75 to 1.25
	b = binary.LittleEndian.AppendUint16(b, half(float32(scale*spread)))
	for range words {
		b = binary.LittleEndian.AppendUint64(b, rnd.Uint64())
	}
	return b
}

func appendF32(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

func uniform(rnd *rand.ChaCha8, a float64) float32 {
	return float32((float64(rnd.Uint64()>>11)/(1<<52) - 1) * a)
}

// half cuts a number below 1 down to float16; what is too small becomes 0.
func half(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, exponent := uint16(bits>>16)&0x8000, int(bits>>23&0xff)-127+15
	if exponent <= 0 {
		return sign
	}
	return sign | uint16(exponent)<<10 | uint16(bits>>13)&0x3ff
}
