package lighttransfer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/tiny"
)

// Packed weights are kept in the model's folder if that is asked for, and give
// the same answers; other users may read them who may read the model.
func TestCacheWeights(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, tiny.Files()); err != nil {
		t.Fatal(err)
	}
	weights, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(weights) != 1 {
		t.Fatal(weights, err)
	}
	if err := os.Chmod(weights[0], 0o640); err != nil {
		t.Fatal(err)
	}
	answer := func(cache bool) (text string, notices []string) {
		t.Helper()
		m, err := Options{Threads: 2, CacheWeights: cache, Notice: func(s string) { notices = append(notices, s) }}.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s, err := m.NewSession(SessionOptions{Policy: "full"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, text = generate(t, s, Request{Prompt: "The magic number of bridge is 1234567. The magic number of bridge is", Raw: true, MaxTokens: 12})
		return text, notices
	}
	want, said := answer(false)
	if file := filepath.Join(dir, "weights.packed"); len(said) > 0 || exists(file) {
		t.Errorf("unasked: %q, %s: %v", said, file, exists(file))
	}
	for i, expect := range []string{"kept in", ""} {
		got, said := answer(true)
		if got != want || !strings.Contains(strings.Join(said, "\n"), expect) || expect == "" && len(said) > 0 {
			t.Errorf("start %d: %q, want %q; notices %q", i, got, want, said)
		}
	}
	a, err := os.Stat(weights[0])
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.Stat(filepath.Join(dir, "weights.packed")); err != nil || b.Mode() != a.Mode() {
		t.Errorf("%v, %v, want mode %v", b, err, a.Mode())
	}
	if got, want := packedFile("a/b.gguf"), "a/b.gguf.packed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
