//go:build !linux

package mem

func huge(at, n uintptr, touched bool) {}
