package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// A file whose last line was cut off says so; without a line end, but whole, it counts.
func TestTornPredictions(t *testing.T) {
	const line = `{"pred": "the sun", "answers": ["sun"]}`
	s, _ := score.For("hotpotqa")
	file := filepath.Join(t.TempDir(), "p.jsonl")
	for cut := range len(line) + 1 {
		if err := os.WriteFile(file, []byte(line+"\n"+line[:cut]), 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := (&app{}).predictions(file, s)
		switch {
		case cut == 0 && (err != nil || len(list) != 1), cut == len(line) && (err != nil || len(list) != 2):
			t.Errorf("%d bytes of the second line: %d predictions, %v", cut, len(list), err)
		case cut > 0 && cut < len(line) && (err == nil || !strings.Contains(err.Error(), "line 2: the last line is torn")):
			t.Errorf("%d bytes of the second line: %v", cut, err)
		}
	}
}
