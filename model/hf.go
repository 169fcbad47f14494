package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/safetensors"
)

// ignoredHF are keys of config.json that have no influence on inference.
var ignoredHF = set(`_name_or_path architectures model_type torch_dtype dtype transformers_version use_cache initializer_range
	pad_token_id pretraining_tp attention_dropout is_llama_config rope_interleaved max_window_layers _attn_implementation
	attn_implementation return_dict output_attentions output_hidden_states unsloth_version unsloth_fixed eos_token bos_token
	id2label label2id is_decoder is_encoder_decoder problem_type task_specific_params chunk_size_feed_forward use_bfloat16
	tokenizer_class transformers.js_config resid_pdrop embd_pdrop`)

// OpenHF opens a Hugging Face folder: config.json, generation_config.json if
// there is one, and the safetensors.
func OpenHF(dir string) (Source, error) {
	w, err := safetensors.Open(dir)
	if err != nil {
		return nil, err
	}
	return &hfSource{dir: dir, weights: w}, nil
}

type hfSource struct {
	dir     string
	weights *safetensors.File
}

func (s *hfSource) Close() error    { return s.weights.Close() }
func (s *hfSource) Paths() []string { return s.weights.Paths() }
func (s *hfSource) Size() int64     { return s.weights.Size() }
func (s *hfSource) Forget()         { s.weights.Forget() }

func (s *hfSource) Config() (Config, error) {
	file := filepath.Join(s.dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		return Config{}, err
	}
	c, err := ParseHF(file, data)
	if err != nil {
		return c, err
	}
	file = filepath.Join(s.dir, "generation_config.json")
	data, err = os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	} else if err != nil {
		return c, err
	}
	k, err := parseKeys(file, data)
	if err != nil {
		return c, err
	}
	for _, id := range k.ids("eos_token_id") {
		c.addEOS(id)
	}
	return c, k.err
}

func (c *Config) addEOS(id int32) {
	for _, e := range c.EOS {
		if e == id {
			return
		}
	}
	if id >= 0 {
		c.EOS = append(c.EOS, id)
	}
}

// ParseHF reads a config.json; file names it in errors.
func ParseHF(file string, data []byte) (Config, error) {
	k, err := parseKeys(file, data)
	if err != nil {
		return Config{}, err
	}
	if q := k.sub("quantization_config"); q != nil {
		return Config{}, fmt.Errorf("%s: weights quantised by %q are not supported; use the original weights or a GGUF file",
			file, q.stringOr("quant_method", "unknown"))
	}
	a, err := archByHF(k.stringOr("model_type", ""))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	c := Config{
		Name:         filepath.Base(filepath.Dir(file)),
		Architecture: a.name,
		Layers:       k.int("num_hidden_layers"),
		Hidden:       k.int("hidden_size"),
		Heads:        k.int("num_attention_heads"),
		FFN:          k.int("intermediate_size"),
		Vocab:        k.int("vocab_size"),
		Context:      k.int("max_position_embeddings"),
		NormEps:      k.floatOr("rms_norm_eps", 1e-6),
		Tied:         k.boolOr("tie_word_embeddings", false),
		BOS:          -1,
	}
	c.KVHeads = k.intOr("num_key_value_heads", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	c.HeadDim = k.intOr("head_dim", c.HeadDim)
	if act := k.stringOr("hidden_act", "silu"); act != "silu" {
		k.fail("activation %q is not supported (supported: silu)", act)
	}
	for _, id := range k.ids("eos_token_id") {
		c.addEOS(id)
	}
	if b := k.ids("bos_token_id"); len(b) > 0 {
		c.BOS = b[0]
	}
	c.Rope = readRope(k, c.Context)
	if k.err != nil {
		return c, k.err
	}
	if err := c.Validate(); err != nil { // before anything is made as large as it says
		return c, fmt.Errorf("%s: %w", file, err)
	}
	a.readHF(k, &c)
	k.layerTypes(&c)
	return c, k.rest(ignoredHF)
}

// layerTypes reads the list that newer files carry in place of max_window_layers.
func (k *keys) layerTypes(c *Config) {
	var types []string
	if !k.get("layer_types", &types) {
		return
	}
	window := k.intOr("sliding_window", 0)
	if len(types) != c.Layers {
		k.fail("layer_types has %d entries for %d layers", len(types), c.Layers)
		return
	}
	c.Sliding = nil
	for l, t := range types {
		switch {
		case t == "full_attention":
		case t == "sliding_attention" && window > 0:
			if c.Sliding == nil {
				c.Sliding = make([]int, c.Layers)
			}
			c.Sliding[l] = window
		default:
			k.fail("layer_types: %q (with sliding_window %d) is not supported", t, window)
		}
	}
}

// readRope reads rope_theta and rope_scaling, or rope_parameters, which holds both.
func readRope(k *keys, context int) Rope {
	r := Rope{Theta: k.floatOr("rope_theta", 10000)}
	s := k.sub("rope_scaling")
	if p := k.sub("rope_parameters"); p != nil {
		s = p
		r.Theta = s.floatOr("rope_theta", r.Theta)
	}
	if f := k.floatOr("partial_rotary_factor", 1); f != 1 {
		k.fail("partial_rotary_factor %g is not supported", f)
	}
	if s == nil {
		return r
	}
	typ := s.stringOr("type", "default")
	typ = s.stringOr("rope_type", typ)
	if f := s.floatOr("partial_rotary_factor", 1); f != 1 {
		k.fail("partial_rotary_factor %g is not supported", f)
	}
	switch typ {
	case "default":
	case "linear":
		r.Scaling = typ
		r.Factor = s.floatOr("factor", 0)
	case "llama3":
		r.Scaling = typ
		r.Factor = s.floatOr("factor", 0)
		r.LowFreq, r.HighFreq = s.floatOr("low_freq_factor", 0), s.floatOr("high_freq_factor", 0)
		r.OriginalContext = s.intOr("original_max_position_embeddings", context)
	case "yarn":
		r.Scaling = typ
		r.Factor = s.floatOr("factor", 0)
		r.BetaFast, r.BetaSlow = s.floatOr("beta_fast", 32), s.floatOr("beta_slow", 1)
		r.Attention = s.floatOr("attention_factor", 0)
		r.OriginalContext = s.intOr("original_max_position_embeddings", context)
		if !s.boolOr("truncate", true) {
			k.fail("rope_scaling: yarn with truncate=false is not supported")
		}
	default:
		k.fail("RoPE scaling %q is not supported (supported: linear, llama3, yarn)", typ)
		return r
	}
	if err := s.rest(set("original_max_position_embeddings")); err != nil && k.err == nil {
		k.err = err
	}
	return r
}

// namesHF maps the last part of a GGUF tensor name to the Hugging Face one.
var namesHF = map[string]string{
	"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
	"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
	"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
	"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

// nameHF turns "blk.3.attn_q.weight" into "model.layers.3.self_attn.q_proj.weight".
func nameHF(name string) string {
	switch name {
	case "token_embd.weight":
		return "model.embed_tokens.weight"
	case "output_norm.weight":
		return "model.norm.weight"
	case "output.weight":
		return "lm_head.weight"
	}
	p := strings.Split(name, ".") // blk, layer, part, weight|bias
	if len(p) != 4 {
		return name
	}
	if _, err := strconv.Atoi(p[1]); err != nil {
		return name
	}
	return "model.layers." + p[1] + "." + namesHF[p[2]] + "." + p[3]
}

func (s *hfSource) Tensor(name string) (weights.Tensor, []int, bool) {
	t, ok := s.weights.Tensor(nameHF(name))
	t.Name = nameHF(name) // for errors, also when it is missing
	return t, nil, ok
}
