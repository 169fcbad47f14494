package model

// Llama 1 to 3.x, SmolLM2, TinyLlama. Biases on attention and MLP are optional.
var llama = architecture{
	name: "llama", hf: "LlamaForCausalLM", gguf: []string{"llama"}, permuted: true,
	readHF: func(k *keys, c *Config) {
		bias := k.boolOr("attention_bias", false)
		c.QKVBias, c.OBias = bias, bias
		c.MLPBias = k.boolOr("mlp_bias", false)
	},
}
