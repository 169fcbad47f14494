package gguf

import (
	"os"
	"path/filepath"
	"testing"
)

// Real vocabulary files, where they are at hand.
func TestRealVocabularies(t *testing.T) {
	dir := filepath.FromSlash("../../../shared/data/measure-only/tokenizer/llamacpp_vocab")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("an extra check: ", err)
	}
	for file, tokens := range map[string]int{"ggml-vocab-gpt-2.gguf": 50257, "ggml-vocab-llama-spm.gguf": 32000, "ggml-vocab-phi-3.gguf": 32064} {
		f, err := Open(filepath.Join(dir, file))
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if list, ok := f.Strings("tokenizer.ggml.tokens"); !ok || len(list) != tokens {
			t.Errorf("%s: %d tokens, want %d", file, len(list), tokens)
		}
		if types, ok := f.Ints("tokenizer.ggml.token_type"); !ok || len(types) != tokens {
			t.Errorf("%s: %d token types, want %d", file, len(types), tokens)
		}
		if len(f.Tensors()) != 0 {
			t.Errorf("%s: %d tensors, want none", file, len(f.Tensors()))
		}
	}
}
