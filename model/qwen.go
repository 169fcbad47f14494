package model

// Qwen2 and Qwen2.5, QwQ-32B: biases on Q, K and V only; optionally the layers
// from max_window_layers on slide.
var qwen2 = architecture{
	name: "qwen2", hf: "Qwen2ForCausalLM", gguf: []string{"qwen2"},
	readHF:   func(k *keys, c *Config) { c.QKVBias = true; qwenSliding(k, c) },
	readGGUF: func(c *Config) { c.QKVBias = true },
}

// Qwen3: Qwen2 without biases and with an RMSNorm on every query and key head.
var qwen3 = architecture{
	name: "qwen3", hf: "Qwen3ForCausalLM", gguf: []string{"qwen3"},
	readHF: func(k *keys, c *Config) {
		c.QKNorm = true
		bias := k.boolOr("attention_bias", false)
		c.QKVBias, c.OBias = bias, bias
		qwenSliding(k, c)
	},
	readGGUF: func(c *Config) { c.QKNorm = true },
}

func qwenSliding(k *keys, c *Config) {
	use, w, from := k.boolOr("use_sliding_window", false), k.intOr("sliding_window", 0), k.intOr("max_window_layers", 0)
	if use && w > 0 {
		c.Sliding = slideFrom(from, w, c.Layers)
	}
}
