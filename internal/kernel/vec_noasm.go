//go:build !amd64 && !arm64

package kernel

// vecLoops: no other architecture has loops of its own.
var vecLoops *vecTable
