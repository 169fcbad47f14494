package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// The tests of this file check against collections of real vocabularies that
// are not part of the project. They look for them beside the repository and
// are skipped where they are absent.

func sharedPath(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{"..", "..", "shared", "data"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("extra data %s is absent", p)
	}
	return p
}

func readShared(t testing.TB, path ...string) []byte {
	t.Helper()
	p := sharedPath(t, path...)
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(p, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readSharedJSON(t testing.TB, v any, path ...string) {
	t.Helper()
	if err := json.Unmarshal(readShared(t, path...), v); err != nil {
		t.Fatal(err)
	}
}

var goldNames = []string{"gpt2style", "llama3_1", "mistral3style"}

func sharedTokenizer(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := FromJSON(readShared(t, "measure-only", "tokenizer", name+".tokenizer.json.gz"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestSharedGold(t *testing.T) {
	var texts []string
	readSharedJSON(t, &texts, "measure-only", "tokenizer", "tricky_texts.json.gz")
	for _, name := range goldNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gold struct {
				IDs        [][]int32
				IDsSpecial [][]int32 // of the first texts, framed
				Dec        []string
				Big        map[string][]int32
			}
			readSharedJSON(t, &gold, "measure-only", "tokenizer", name+".gold.json.gz")
			tok := sharedTokenizer(t, name)
			for i, s := range texts {
				ids := tok.Encode(s, EncodeOptions{Special: true})
				if !slices.Equal(ids, gold.IDs[i]) {
					t.Errorf("text %d %q\n got %v\nwant %v", i, s, ids, gold.IDs[i])
				}
				if got := tok.Decode(gold.IDs[i], false); got != gold.Dec[i] {
					t.Errorf("text %d decoded\n got %q\nwant %q", i, got, gold.Dec[i])
				}
			}
			for i, want := range gold.IDsSpecial {
				if got := tok.Encode(texts[i], EncodeOptions{Special: true, AddBOS: true}); !slices.Equal(got, want) {
					t.Errorf("text %d %q framed\n got %v\nwant %v", i, texts[i], got, want)
				}
			}
			for _, part := range []string{"english", "code", "multi"} {
				s := string(readShared(t, "measure-only", "tokenizer", "bulk_"+part+".txt.gz"))
				if got := tok.Encode(s, EncodeOptions{Special: true}); !slices.Equal(got, gold.Big[part]) {
					t.Errorf("%s: ids differ", part)
				}
			}
		})
	}
}

func openGGUF(t testing.TB, path string) *Tokenizer {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// checkVectors compares with a pair of files of llama.cpp: texts, and their
// ids line by line.
func checkVectors(t *testing.T, tok *Tokenizer, name string) {
	t.Helper()
	const separator = "\n__ggml_vocab_test__\n"
	texts := strings.Split(string(readShared(t, "open", "tokenizer", "llamacpp_vectors", "ggml-vocab-"+name+".gguf.inp")), separator)
	lines := strings.Split(string(readShared(t, "open", "tokenizer", "llamacpp_vectors", "ggml-vocab-"+name+".gguf.out")), "\n")
	if len(texts) < 40 || len(lines) < len(texts) {
		t.Fatalf("%d texts, %d lines", len(texts), len(lines))
	}
	for i, s := range texts {
		var want []int32
		if err := json.Unmarshal([]byte("["+strings.Join(strings.Fields(lines[i]), ",")+"]"), &want); err != nil {
			t.Fatal(err)
		}
		got := tok.Encode(s, EncodeOptions{})
		if !slices.Equal(got, want) {
			t.Errorf("%q\n got %v\nwant %v", s, got, want)
		}
		if back := tok.Decode(got, false); back != s {
			t.Errorf("%q came back as %q", s, back)
		}
	}
}

func TestSharedLlamaCppVocabularies(t *testing.T) {
	for _, name := range []string{"gpt-2", "llama-spm", "phi-3"} {
		t.Run(name, func(t *testing.T) {
			tok := openGGUF(t, sharedPath(t, "measure-only", "tokenizer", "llamacpp_vocab", "ggml-vocab-"+name+".gguf"))
			checkVectors(t, tok, name)
		})
	}
}

// TestSharedTiktoken makes a GGUF vocabulary of a list of ranked tokens. The
// merge that makes a token is found by merging its bytes with all lower ranks.
func TestSharedTiktoken(t *testing.T) {
	for _, c := range []struct {
		path    []string
		vectors map[string]string // name of llama.cpp's files -> tokenizer.ggml.pre
	}{
		{[]string{"measure-only", "tokenizer", "llama3", "tokenizer.model"}, map[string]string{"llama-bpe": "llama-bpe"}},
		{[]string{"measure-only", "tokenizer", "qwen", "qwen.tiktoken"}, map[string]string{"qwen2": "qwen2", "deepseek-r1-qwen": "deepseek-r1-qwen"}},
	} {
		src := tiktokenSource(t, readShared(t, c.path...))
		for name, pre := range c.vectors {
			t.Run(name, func(t *testing.T) {
				src["tokenizer.ggml.pre"] = pre
				tok, err := FromGGUF(src)
				if err != nil {
					t.Fatal(err)
				}
				checkVectors(t, tok, name)
			})
		}
	}
}

func TestSharedGPT2(t *testing.T) {
	var vocab map[string]int32
	readSharedJSON(t, &vocab, "open", "tokenizer", "gpt2", "vocab.json")
	var merges []string
	for line := range strings.Lines(string(readShared(t, "open", "tokenizer", "gpt2", "merges.txt"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#version") {
			merges = append(merges, line)
		}
	}
	raw, err := json.Marshal(map[string]any{
		"version":       "1.0",
		"added_tokens":  []any{map[string]any{"id": 50256, "content": "<|endoftext|>", "special": true}},
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false},
		"decoder":       map[string]any{"type": "ByteLevel"},
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromJSON(raw, []byte(`{"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}, "add_bos_token": false}`))
	if err != nil {
		t.Fatal(err)
	}
	checkVectors(t, tok, "gpt-2")
	if eos := tok.EOS(); len(eos) != 1 || eos[0] != 50256 || tok.AddsBOS() {
		t.Errorf("eos %v, adds bos %v", eos, tok.AddsBOS())
	}
}

func TestSharedMistralFolder(t *testing.T) {
	tok, err := Open(sharedPath(t, "open", "tokenizer", "mistral_v03"))
	if err != nil {
		t.Fatal(err)
	}
	if tok.Size() != 32768 || !tok.AddsBOS() || !slices.Equal(tok.EOS(), []int32{2}) {
		t.Errorf("size %d, adds bos %v, eos %v", tok.Size(), tok.AddsBOS(), tok.EOS())
	}
	// The vocabulary is that of the older Mistral, moved by 768 ids for
	// control codes, and has the same merges.
	old := sharedTokenizer(t, "mistral3style")
	var texts []string
	readSharedJSON(t, &texts, "measure-only", "tokenizer", "tricky_texts.json.gz")
	spell := func(tok *Tokenizer, ids []int32) (out []string) {
		for _, id := range ids {
			out = append(out, tok.Token(id))
		}
		return out
	}
	for _, s := range texts {
		got, want := spell(tok, tok.Encode(s, EncodeOptions{})), spell(old, old.Encode(s, EncodeOptions{}))
		if !slices.Equal(got, want) {
			t.Errorf("%q\n got %q\nwant %q", s, got, want)
		}
	}
	if got := tok.Encode("[INST] hi[/INST]", EncodeOptions{Special: true, AddBOS: true}); !slices.Equal(spell(tok, got), []string{"<s>", "[INST]", "▁hi", "[/INST]"}) {
		t.Errorf("%q", spell(tok, got))
	}
}

func TestSharedSmolLM2(t *testing.T) {
	folder := os.Getenv("LIGHTTRANSFER_TEST_CACHE")
	if folder == "" {
		home, _ := os.UserHomeDir()
		folder = filepath.Join(home, ".cache", "lighttransfer-test")
	}
	path := filepath.Join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v; tools/fetch-smollm2.sh fetches it", err)
	}
	tok := openGGUF(t, path)
	files, _ := filepath.Glob(sharedPath(t, "open", "golden", "smollm2") + "/*.json")
	if len(files) < 6 {
		t.Fatalf("%d goldens", len(files))
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var gold struct {
			Prompt struct {
				Text      string
				File      string
				ByteStart int `json:"byte_start"`
				ByteEnd   int `json:"byte_end"`
			}
			Rendered string
			IDs      []int32
		}
		if err := json.Unmarshal(raw, &gold); err != nil {
			t.Fatal(file, err)
		}
		text := gold.Prompt.Text
		if gold.Rendered != "" {
			text = gold.Rendered
		}
		if gold.Prompt.File != "" {
			whole := readShared(t, strings.TrimPrefix(gold.Prompt.File, "data/"))
			text = strings.ReplaceAll(string(whole[gold.Prompt.ByteStart:gold.Prompt.ByteEnd]), "\r\n", "\n")
		}
		got := tok.Encode(text, EncodeOptions{Special: true, AddBOS: true})
		if !slices.Equal(got, gold.IDs) {
			t.Errorf("%s: %d ids, want %d", file, len(got), len(gold.IDs))
		}
		if back := tok.Decode(got, false); back != text {
			t.Errorf("%s does not come back", file)
		}
	}
	if eos := tok.EOS(); !slices.Equal(eos, []int32{2}) || tok.AddsBOS() {
		t.Errorf("eos %v, adds bos %v", eos, tok.AddsBOS())
	}
}
