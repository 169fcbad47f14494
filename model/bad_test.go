package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
	"github.com/lighttransfer/lighttransfer/weights/safetensors"
)

// loadDir loads a Hugging Face folder, with whatever error comes first.
func loadDir(dir string) error {
	src, err := OpenHF(dir)
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = Load(src, Options{})
	return err
}

func loadGGUF(path string) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	src := OpenGGUF(f)
	defer src.Close()
	_, err = Load(src, Options{})
	return err
}

// copyModel copies a test model to a folder of its own.
func copyModel(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantError(t *testing.T, what string, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %q does not say %q", what, err, text)
		}
	}
}

// Weights cut at every tensor's begin and end are refused, in both formats.
func TestTruncatedWeights(t *testing.T) {
	dir := copyModel(t, "llama-gqa")
	st := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(st)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(st)
	if err != nil {
		t.Fatal(err)
	}
	at := len(data)
	for _, x := range f.Tensors() {
		at -= len(x.Data)
		for _, n := range []int{at, at + 1, at + len(x.Data) - 1} {
			if n >= len(data) {
				continue
			}
			if err := os.WriteFile(st, data[:n], 0o666); err != nil {
				t.Fatal(err)
			}
			wantError(t, fmt.Sprintf("safetensors of %d of %d bytes", n, len(data)), loadDir(dir), "model.safetensors")
		}
	}
	f.Close()

	path := filepath.Join(dir, "model.gguf")
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	g, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors := g.Tensors()
	at = len(data)
	cuts := []int{0, 3, 4, 8, 20, 24, 100, 1000}
	for i := len(tensors) - 1; i >= 0; i-- {
		at -= len(tensors[i].Data)
		cuts = append(cuts, at, at+1)
	}
	g.Close()
	for _, n := range cuts {
		cut := filepath.Join(t.TempDir(), "cut.gguf")
		if err := os.WriteFile(cut, data[:max(n, 0)], 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, fmt.Sprintf("GGUF of %d of %d bytes", n, len(data)), loadGGUF(cut), "cut.gguf")
	}
}

// rewrite changes the tensors of a folder's model.
func rewrite(t *testing.T, dir string, change func(x weights.Tensor) (weights.Tensor, bool), more ...weights.Tensor) {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	var out []weights.Tensor
	for _, x := range f.Tensors() {
		x.Data = bytes.Clone(x.Data)
		if x, keep := change(x); keep {
			out = append(out, x)
		}
	}
	f.Close()
	var b bytes.Buffer
	if err := safetensors.Write(&b, append(out, more...), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A missing tensor, one of another shape, and one nobody announced are named.
func TestWrongTensors(t *testing.T) {
	for _, name := range []string{"model.embed_tokens.weight", "model.norm.weight", "model.layers.1.self_attn.k_proj.weight", "model.layers.0.mlp.down_proj.weight", "model.layers.1.input_layernorm.weight"} {
		dir := copyModel(t, "llama-gqa")
		rewrite(t, dir, func(x weights.Tensor) (weights.Tensor, bool) { return x, x.Name != name })
		wantError(t, "without "+name, loadDir(dir), "no tensor "+name)

		dir = copyModel(t, "llama-gqa")
		rewrite(t, dir, func(x weights.Tensor) (weights.Tensor, bool) {
			if x.Name == name {
				x.Shape = append([]int{1}, x.Shape...)
			}
			return x, true
		})
		wantError(t, "shape of "+name, loadDir(dir), name, "shape")
	}
	dir := copyModel(t, "llama-gqa")
	rewrite(t, dir, func(x weights.Tensor) (weights.Tensor, bool) { return x, true },
		weights.Tensor{Name: "model.layers.0.self_attn.q_norm.weight", Type: weights.F32, Shape: []int{16}, Data: make([]byte, 64)})
	wantError(t, "a norm nobody announced", loadDir(dir), "layers.0.self_attn.q_norm", "announce")
}

// Configurations that cannot be run, or not faithfully, are refused by name.
func TestWrongConfig(t *testing.T) {
	for _, c := range []struct {
		key  string
		to   any
		want string
	}{
		{"model_type", "mamba", `architecture "mamba" is not supported (supported: llama, mistral, qwen2, qwen3)`},
		{"model_type", nil, "architecture"},
		{"hidden_act", "gelu", "gelu"},
		{"rope_scaling", map[string]any{"rope_type": "longrope", "factor": 4}, "longrope"},
		{"rope_scaling", map[string]any{"rope_type": "dynamic", "factor": 4}, "dynamic"},
		{"rope_scaling", map[string]any{"rope_type": "linear", "factor": 4, "twist": 1}, "twist"},
		{"rope_scaling", map[string]any{"rope_type": "linear", "factor": -4}, "factor"},
		{"rope_scaling", map[string]any{"rope_type": "llama3", "factor": 4}, "llama3"},
		{"partial_rotary_factor", 0.5, "partial_rotary_factor"},
		{"quantization_config", map[string]any{"quant_method": "awq"}, "awq"},
		{"logit_softcapping", 30, "logit_softcapping"},
		{"num_key_value_heads", 3, "share"},
		{"num_hidden_layers", 0, "layers"},
		{"num_hidden_layers", -1, "layers"},
		{"num_hidden_layers", 1 << 40, "layers"},
		{"num_hidden_layers", 3, "layers.2"},
		{"hidden_size", "many", "hidden_size"},
		{"hidden_size", 1 << 60, "hidden"},
		{"vocab_size", 97, "shape"},
		{"head_dim", 17, "head dimension"},
		{"rms_norm_eps", 0, "epsilon"},
		{"max_position_embeddings", nil, "max_position_embeddings"},
		{"attention_bias", true, "bias"},
	} {
		dir := copyModel(t, "llama-gqa")
		file := filepath.Join(dir, "config.json")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var config map[string]any
		if err := json.Unmarshal(data, &config); err != nil {
			t.Fatal(err)
		}
		config[c.key] = c.to
		if data, err = json.Marshal(config); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, fmt.Sprintf("%s = %v", c.key, c.to), loadDir(dir), c.want)
	}
}

// config.json cut anywhere, and GGUF metadata that does not make sense.
func TestDamagedConfig(t *testing.T) {
	dir := copyModel(t, "qwen2")
	file := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.TrimSpace(data)
	for n := range data {
		if err := os.WriteFile(file, data[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, fmt.Sprintf("%d bytes of config.json", n), loadDir(dir), "config.json")
	}
	for _, c := range []struct {
		key  string
		to   any
		want string
	}{
		{"general.architecture", "mamba", "not supported"},
		{"qwen2.block_count", uint32(0), "layers"},
		{"qwen2.block_count", uint64(1 << 50), "block_count"},
		{"qwen2.block_count", "two", "block_count"},
		{"qwen2.attention.head_count_kv", uint32(3), "share"},
		{"qwen2.expert_count", uint32(8), "mixture"},
		{"qwen2.attention.sliding_window", uint32(64), "sliding window"},
		{"qwen2.rope.scaling.type", "longrope", "longrope"},
		{"qwen2.rope.dimension_count", uint32(4), "RoPE over"},
		{"qwen2.attention.logit_softcap", float32(30), "logit_softcap"},
		{"qwen2.embedding_length", uint32(1 << 27), "shape"},
	} {
		f, err := gguf.Open("testdata/qwen2/model.gguf")
		if err != nil {
			t.Fatal(err)
		}
		meta, found := f.Meta(), false
		for i := range meta {
			if meta[i].Key == c.key {
				meta[i].Value, found = c.to, true
			}
		}
		if !found {
			meta = append(meta, gguf.KV{Key: c.key, Value: c.to})
		}
		var b bytes.Buffer
		err = gguf.Write(&b, meta, f.Tensors())
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, fmt.Sprintf("%s = %v", c.key, c.to), loadGGUF(path), c.want)
	}
}
