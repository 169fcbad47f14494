package kernel

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

func guardedMemory[T any](t testing.TB, n int) []T {
	t.Helper()
	var zero T
	bytes, page := n*int(unsafe.Sizeof(zero)), os.Getpagesize()
	room := (bytes + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, page+room+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mmap: %v", err)
	}
	for _, guard := range [][]byte{mem[:page], mem[page+room:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatalf("mprotect: %v", err)
		}
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[page+room-bytes])), n)
}
