package mmap

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenReadsTheFileAndClosesTwice(t *testing.T) {
	for _, want := range []string{"", "x", string(make([]byte, 10000)) + "end"} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(f.Data) != want {
			t.Errorf("%d bytes mapped, not the %d written", len(f.Data), len(want))
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if f.Data != nil {
			t.Error("closed file still offers its data")
		}
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); !os.IsNotExist(err) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}
