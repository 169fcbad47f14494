//go:build !amd64

package kernel

var vecAVX2, vecAVX512 *vecTable // of another architecture
