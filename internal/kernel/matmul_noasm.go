//go:build !amd64 && !arm64

package kernel

// No other architecture has loops of its own.
var matNEON, matAVX2, matAVX512, matAMX *matTable
