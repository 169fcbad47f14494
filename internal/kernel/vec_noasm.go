//go:build !amd64

package kernel

// No other tier has loops of its own.
var vecAVX2, vecAVX512 *vecTable
