//go:build !amd64

package kernel

// cpu says what the loops may use; without assembly, nothing.
var cpu struct{ avx2, avx512, bf16 bool }

// No other tier has probes of its own.
var probeAVX2, probeAVX512 *probeTable
