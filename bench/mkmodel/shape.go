package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// A shape is a llama-architecture model without its numbers. The output matrix
// is the embedding's.
type shape struct {
	layers, hidden, heads, kvHeads, headDim, ffn, vocab, context int
	theta                                                        float32
}

// The shapes of two models many people have. The second has a vocabulary of
// 32,000 instead of 128,256, as its words are not made here.
var shapes = map[string]shape{
	"smollm2-135m": {30, 576, 9, 3, 64, 1536, 49152, 32768, 100000},
	"llama-3.2-1b": {16, 2048, 32, 8, 64, 8192, 32000, 131072, 500000},
}

// meta is what a reader needs to know, tokenizer included.
func (s shape) meta(name string, f format) []gguf.KV {
	pieces, kinds := vocabulary(s.vocab)
	return []gguf.KV{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.name", Value: "random-" + name},
		{Key: "general.file_type", Value: f.fileType},
		{Key: "llama.block_count", Value: uint32(s.layers)},
		{Key: "llama.context_length", Value: uint32(s.context)},
		{Key: "llama.embedding_length", Value: uint32(s.hidden)},
		{Key: "llama.feed_forward_length", Value: uint32(s.ffn)},
		{Key: "llama.attention.head_count", Value: uint32(s.heads)},
		{Key: "llama.attention.head_count_kv", Value: uint32(s.kvHeads)},
		{Key: "llama.attention.key_length", Value: uint32(s.headDim)},
		{Key: "llama.attention.value_length", Value: uint32(s.headDim)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "llama.rope.dimension_count", Value: uint32(s.headDim)},
		{Key: "llama.rope.freq_base", Value: s.theta},
		{Key: "llama.vocab_size", Value: uint32(s.vocab)},
		{Key: "tokenizer.ggml.model", Value: "gpt2"},
		{Key: "tokenizer.ggml.pre", Value: "default"},
		{Key: "tokenizer.ggml.tokens", Value: pieces},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
		{Key: "tokenizer.ggml.merges", Value: []string{"t h"}},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(s.vocab - 2)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(s.vocab - 1)},
		{Key: "tokenizer.ggml.add_bos_token", Value: false},
	}
}

// vocabulary is byte-level: one token per byte, written as GPT-2 writes it (bytes
// that are no visible character become the runes from 256 on), one merge, names
// for the rest. The last two tokens begin and end a text.
func vocabulary(n int) (pieces []string, kinds []int32) {
	const normal, control = 1, 3
	pieces, kinds = make([]string, n), make([]int32, n)
	other := rune(256)
	for i := range n {
		pieces[i], kinds[i] = fmt.Sprintf("<t%d>", i), normal
		switch r := rune(i); {
		case i >= 256:
		case r >= '!' && r <= '~', r >= '¡' && r <= '¬', r >= '®':
			pieces[i] = string(r)
		default:
			pieces[i] = string(other)
			other++
		}
	}
	pieces[256] = "th"
	kinds[n-2], kinds[n-1] = control, control
	return pieces, kinds
}

func (s shape) tensors(f format) []weights.Tensor {
	rnd := rand.NewChaCha8([32]byte([]byte("random weights of a given shape.")))
	var all []weights.Tensor
	matrix := func(name string, rows, cols int) {
		t := weights.Tensor{Name: name + ".weight", Type: f.dtype, Shape: []int{rows, cols}}
		size, _ := f.dtype.Bytes(rows * cols)
		t.Data = make([]byte, 0, size)
		// uniform in [-a, a], with a variance of 1/cols: products stay of size one
		a := math.Sqrt(3 / float64(cols))
		for len(t.Data) < size {
			t.Data = f.block(t.Data, rnd, a)
		}
		all = append(all, t)
	}
	ones := func(name string) {
		t := weights.Tensor{Name: name + ".weight", Type: weights.F32, Shape: []int{s.hidden}}
		for range s.hidden {
			t.Data = appendF32(t.Data, 1)
		}
		all = append(all, t)
	}
	q, kv := s.heads*s.headDim, s.kvHeads*s.headDim
	matrix("token_embd", s.vocab, s.hidden)
	for l := range s.layers {
		blk := fmt.Sprintf("blk.%d.", l)
		ones(blk + "attn_norm")
		matrix(blk+"attn_q", q, s.hidden)
		matrix(blk+"attn_k", kv, s.hidden)
		matrix(blk+"attn_v", kv, s.hidden)
		matrix(blk+"attn_output", s.hidden, q)
		ones(blk + "ffn_norm")
		matrix(blk+"ffn_gate", s.ffn, s.hidden)
		matrix(blk+"ffn_up", s.ffn, s.hidden)
		matrix(blk+"ffn_down", s.hidden, s.ffn)
	}
	ones("output_norm")
	return all
}
