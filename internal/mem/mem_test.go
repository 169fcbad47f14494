package mem

import (
	"runtime"
	"testing"
)

func TestFigures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the figures are checked on linux only")
	}
	if n, ok := Available(); !ok || n < 1<<20 || n > 1<<50 {
		t.Errorf("%d bytes available, %v", n, ok)
	}
	before := PeakRSS()
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	if grown := PeakRSS() - before; before < 1<<20 || grown < 32<<20 {
		t.Errorf("peak of %d bytes grew by %d after touching 64 MiB", before, grown)
	}
	runtime.KeepAlive(held)
}
