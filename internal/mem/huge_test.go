package mem

import (
	"testing"
	"unsafe"
)

// Contents stay what they are, at any alignment and size.
func TestHugeKeepsContents(t *testing.T) {
	b := AllocHuge(3*HugePage + 5)
	if len(b) != 3*HugePage+5 || uintptr(unsafe.Pointer(&b[0]))%HugePage != 0 {
		t.Fatalf("%d bytes at %p", len(b), &b[0])
	}
	for i := range b {
		if b[i] != 0 {
			t.Fatal("not zeroed")
		}
		b[i] = byte(i * 7)
	}
	Huge(b[HugePage+100:], b[:HugePage])
	Huge(b[:10], nil)
	Huge()
	for i := range b {
		if b[i] != byte(i*7) {
			t.Fatalf("byte %d has changed", i)
		}
	}
}
