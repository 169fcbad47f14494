// Package kernel holds the loops that take nearly all of the time: products of
// weight matrices with activations, elementwise functions of vectors, and
// attention over pages of keys and values.
//
// # Contract
//
// All shapes are row-major, outermost dimension first, and every buffer's shape
// stands in a comment: y [n][rows]. The result comes first: dst or y or out,
// then the operands x, w. A function panics only where a slice is shorter than
// its documented shape; NaN and Inf go through as in float32 arithmetic.
//
// Every result element is a fixed sequence of operations on its own operands:
// it does not depend on the number of threads, on how rows or tokens are cut
// into pieces, or on how many tokens are computed together.
//
// # Tiers
//
// Each loop exists in plain Go, always compiled, which is the reference for the
// tests, and again per family of CPUs ("tier"): neon (any arm64; dot products of
// bytes where present), avx2 (AVX2, FMA, F16C) and avx512 (F, BW, DQ, VL, VNNI;
// BF16 where present). The best one is chosen at start; the environment variable
// LIGHTTRANSFER_CPU forces one. See [Tier].
//
// The generic tier multiplies quantised weights by float32 activations. The
// others quantise activations to int8, with one scale per 32 elements, as
// llama.cpp does; [Acts.Exact] keeps them in float32.
//
// docs/kernels.md shows the layouts and says how to add, test and measure a
// kernel.
package kernel
