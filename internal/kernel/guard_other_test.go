//go:build !linux

package kernel

import "testing"

func guardedMemory[T any](_ testing.TB, n int) []T { return make([]T, n) }
