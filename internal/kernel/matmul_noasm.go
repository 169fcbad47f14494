//go:build !amd64

package kernel

// No other tier has loops of its own.
var matAVX2, matAVX512 *matTable
