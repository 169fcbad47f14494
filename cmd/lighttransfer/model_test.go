package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// interrupting presses ctrl-C when something is written to it.
type interrupting struct{ t *testing.T }

func (w interrupting) Write(p []byte) (int, error) {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err != nil {
		w.t.Skip("no signals here: ", err) // Windows
	}
	time.Sleep(100 * time.Millisecond) // until it has arrived
	return len(p), nil
}

// Stopped while it loads, the embedded model leaves no folder behind. A notice comes
// in the middle of loading when its packed weights are asked for.
func TestInterruptedLoading(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	a := &app{err: ui.NewTerm(interrupting{t}, nil)}
	if _, _, err := a.open("tiny", &loading{cache: true}); !errors.Is(err, errInterrupted) {
		t.Errorf("loading ended with %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
