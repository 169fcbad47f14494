package model

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// OpenGGUF makes a model source of an open GGUF file. The source owns the file.
func OpenGGUF(f *gguf.File) Source { return &ggufSource{f: f} }

type ggufSource struct {
	f    *gguf.File
	arch *architecture
	cfg  Config
}

func (s *ggufSource) Close() error    { return s.f.Close() }
func (s *ggufSource) Paths() []string { return s.f.Paths() }
func (s *ggufSource) Size() int64     { return s.f.Size() }
func (s *ggufSource) Forget()         { s.f.Forget() }

// metaGGUF reads the keys "<architecture>.*" and remembers which were asked for.
type metaGGUF struct {
	f    *gguf.File
	arch string
	used map[string]bool
	err  error
}

func (m *metaGGUF) fail(format string, a ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(m.f.Paths()[0]+": "+format, a...)
	}
}

func (m *metaGGUF) int(key string, or int) int {
	key = m.arch + "." + key
	m.used[key] = true
	if _, ok := m.f.Value(key); !ok {
		if or < 0 {
			m.fail("key %q is missing", key)
		}
		return or
	}
	v, ok := m.f.Uint(key)
	if !ok || v > 1<<40 {
		m.fail("key %q is not a whole number in range", key)
		return max(or, 0)
	}
	return int(v)
}

func (m *metaGGUF) float(key string, or float64) float64 {
	key = m.arch + "." + key
	m.used[key] = true
	if _, ok := m.f.Value(key); !ok {
		return or
	}
	v, ok := m.f.Float(key)
	if !ok {
		m.fail("key %q is not a number", key)
	}
	return v
}

func (m *metaGGUF) string(key string) string {
	key = m.arch + "." + key
	m.used[key] = true
	v, _ := m.f.String(key)
	return v
}

func (s *ggufSource) Config() (Config, error) {
	f := s.f
	path := f.Paths()[0]
	name, _ := f.String("general.architecture")
	a, err := archByGGUF(name)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	s.arch = a
	m := &metaGGUF{f: f, arch: name, used: map[string]bool{}}
	c := Config{
		Name:         strings.TrimSuffix(filepath.Base(path), ".gguf"),
		Architecture: a.name,
		Layers:       m.int("block_count", -1),
		Hidden:       m.int("embedding_length", -1),
		Heads:        m.int("attention.head_count", -1),
		FFN:          m.int("feed_forward_length", -1),
		Context:      m.int("context_length", -1),
		NormEps:      m.float("attention.layer_norm_rms_epsilon", 1e-5),
		BOS:          -1,
	}
	c.KVHeads = m.int("attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	c.HeadDim = m.int("attention.key_length", c.HeadDim)
	if v := m.int("attention.value_length", c.HeadDim); v != c.HeadDim {
		m.fail("values of %d dimensions with keys of %d are not supported", v, c.HeadDim)
	}
	if r := m.int("rope.dimension_count", c.HeadDim); r != c.HeadDim {
		m.fail("RoPE over %d of %d dimensions is not supported", r, c.HeadDim)
	}
	if n := m.int("expert_count", 0); n > 0 {
		m.fail("mixture-of-experts models are not supported (%d experts)", n)
	}
	if w := m.int("attention.sliding_window", 0); w > 0 && c.Layers > 0 && c.Layers <= 4096 {
		if a.name != llama.name { // Mistral travels as llama; others mix windows in ways a file does not tell
			m.fail("a sliding window in a GGUF file of architecture %s is not supported", a.name)
		}
		c.Sliding = slideFrom(0, w, c.Layers)
	}
	c.Rope = m.rope(c.Context)
	c.Vocab = m.int("vocab_size", 0)
	embd, ok := f.Tensor("token_embd.weight")
	if !ok || len(embd.Shape) != 2 {
		return c, fmt.Errorf("%s: no matrix token_embd.weight", path)
	}
	if c.Vocab != 0 && c.Vocab != embd.Shape[0] {
		m.fail("vocab_size is %d, but token_embd.weight has %d rows", c.Vocab, embd.Shape[0])
	}
	c.Vocab = embd.Shape[0]
	_, head := f.Tensor("output.weight")
	c.Tied = !head
	has := func(name string) bool { _, ok := f.Tensor(name); return ok }
	c.QKVBias, c.OBias, c.MLPBias = has("blk.0.attn_q.bias"), has("blk.0.attn_output.bias"), has("blk.0.ffn_gate.bias")
	if a.readGGUF != nil {
		a.readGGUF(&c)
	}
	if t, ok := f.Tensor("rope_freqs.weight"); ok {
		c.Rope.Divisors, err = divisors(t)
		if err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, key := range []string{"eos_token_id", "eot_token_id", "eom_token_id"} {
		if v, ok := f.Uint("tokenizer.ggml." + key); ok && v < uint64(c.Vocab) {
			c.addEOS(int32(v))
		}
	}
	if v, ok := f.Uint("tokenizer.ggml.bos_token_id"); ok && v < uint64(c.Vocab) {
		c.BOS = int32(v)
	}
	s.cfg = c
	return c, m.rest()
}

func divisors(t weights.Tensor) ([]float64, error) {
	n := 1
	for _, s := range t.Shape {
		n *= s
	}
	if n <= 0 || n > 1<<16 {
		return nil, fmt.Errorf("tensor %s has shape %v", t.Name, t.Shape)
	}
	v, d := make([]float32, n), make([]float64, n)
	if err := kernel.Dequantize(v, t.Type, t.Data); err != nil {
		return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	for i, x := range v {
		if d[i] = float64(x); !(d[i] > 0) {
			return nil, fmt.Errorf("tensor %s: divisor %d is %g", t.Name, i, x)
		}
	}
	return d, nil
}

func (m *metaGGUF) rope(context int) Rope {
	r := Rope{Theta: m.float("rope.freq_base", 10000), Factor: m.float("rope.scaling.factor", m.float("rope.scale_linear", 0))}
	r.OriginalContext = m.int("rope.scaling.original_context_length", context)
	r.BetaFast, r.BetaSlow = m.float("rope.scaling.yarn_beta_fast", 32), m.float("rope.scaling.yarn_beta_slow", 1)
	attention := m.float("rope.scaling.attn_factor", 1) * m.float("rope.scaling.yarn_attn_factor", 1)
	if f := m.float("rope.scaling.yarn_ext_factor", 1); f != 1 {
		m.fail("rope.scaling.yarn_ext_factor %g is not supported", f)
	}
	m.used[m.arch+".rope.scaling.finetuned"] = true // says how the model was made
	switch typ := m.string("rope.scaling.type"); typ {
	case "", "none":
		if r.Factor > 1 && typ == "" {
			r.Scaling = "linear"
		}
	case "linear", "yarn":
		r.Scaling = typ
	default:
		m.fail("RoPE scaling %q is not supported (supported: linear, llama3, yarn)", typ)
	}
	if r.Scaling == "yarn" && attention != 1 {
		r.Attention = attention * yarnAttention(r.Factor)
	}
	return r
}

// rest is an error if the file has keys of its architecture that nobody read.
func (m *metaGGUF) rest() error {
	if m.err != nil {
		return m.err
	}
	ignore := set(m.arch + ".vocab_size " + m.arch + ".tensor_data_layout " + m.arch + ".use_parallel_residual")
	var left []string
	for _, key := range m.f.Keys() {
		if strings.HasPrefix(key, m.arch+".") && !m.used[key] && !ignore[key] {
			left = append(left, key)
		}
	}
	if len(left) == 0 {
		return nil
	}
	sort.Strings(left)
	return fmt.Errorf("%s: key(s) not understood: %s; they may change results, so the model is refused", m.f.Paths()[0], strings.Join(left, ", "))
}

func (s *ggufSource) Tensor(name string) (weights.Tensor, []int, bool) {
	t, ok := s.f.Tensor(name)
	if !ok || !s.arch.permuted {
		return t, nil, ok
	}
	heads := 0
	switch {
	case strings.Contains(name, ".attn_q."):
		heads = s.cfg.Heads
	case strings.Contains(name, ".attn_k."):
		heads = s.cfg.KVHeads
	}
	if heads == 0 {
		return t, nil, true
	}
	return t, unpermute(heads, s.cfg.HeadDim), true
}

// unpermute says where a file for neighbouring RoPE pairs keeps the rows of the
// rotate-half form: row i of a head's first half is stored at 2i, of its second
// at 2i+1.
func unpermute(heads, dim int) []int {
	order := make([]int, heads*dim)
	for h := range heads {
		for i := range dim / 2 {
			order[h*dim+i] = h*dim + 2*i
			order[h*dim+dim/2+i] = h*dim + 2*i + 1
		}
	}
	return order
}
