package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// A small model of every format loads, with its tokenizer, and is the same bytes
// every time.
func TestFilesLoad(t *testing.T) {
	s := shape{layers: 2, hidden: 64, heads: 4, kvHeads: 2, headDim: 32, ffn: 96, vocab: 300, context: 512, theta: 10000}
	for name, f := range formats {
		var sums [2][32]byte
		path := filepath.Join(t.TempDir(), name+".gguf")
		for i := range sums {
			w, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := write(w, "small", s, f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			w.Close()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sums[i] = sha256.Sum256(data)
		}
		if sums[0] != sums[1] {
			t.Errorf("%s: two runs wrote different files", name)
		}
		file, err := gguf.Open(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tok, err := tokenizer.FromGGUF(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text := tok.Decode(tok.Encode("the ox\n", tokenizer.EncodeOptions{}), false); text != "the ox\n" {
			t.Errorf("%s: the tokenizer makes %q of a text", name, text)
		}
		m, err := model.Load(model.OpenGGUF(file), model.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Layers != s.layers || m.KVHeads != s.kvHeads || m.Context != s.context || m.Vocab != s.vocab || !m.Tied {
			t.Errorf("%s: read back as %+v", name, m.Config)
		}
		x, row := make([]float32, m.Hidden), 0.0
		if err := m.Embed(x, []int32{7}); err != nil {
			t.Fatal(err)
		}
		for _, v := range x {
			row += float64(v * v)
		}
		if row < 0.5 || row > 2 { // 64 numbers of variance 1/64
			t.Errorf("%s: an embedding has a squared length of %g", name, row)
		}
		m.Close()
	}
}

func TestUnknownWordsAreRefused(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.gguf")
	for _, err := range []error{run("huge", "q8_0", out, 0), run("smollm2-135m", "q9", out, 0), run("smollm2-135m", "q8_0", "", 0), run("smollm2-135m", "q8_0", out, 1)} {
		if err == nil {
			t.Error("no error")
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}
