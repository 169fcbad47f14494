package task

import (
	"strings"
	"testing"
)

// The least document of copy must have a passage to copy, wherever it begins.
func TestTwentySentencesHoldAPassage(t *testing.T) {
	for from := range novel() {
		if n := len(strings.Fields(strings.Join(take(novel(), from, 20), " "))); n < 40 {
			t.Fatalf("only %d words in the 20 sentences from %d", n, from)
		}
	}
}
