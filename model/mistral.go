package model

// Mistral 7B and its kin: Llama's block; v0.1 slides a window of 4,096 over all
// layers. GGUF files carry these models as "llama".
var mistral = architecture{
	name: "mistral", hf: "MistralForCausalLM",
	readHF: func(k *keys, c *Config) {
		if w := k.intOr("sliding_window", 0); w > 0 {
			c.Sliding = slideFrom(0, w, c.Layers)
		}
	},
}

// slideFrom gives layers first.. a window of w positions.
func slideFrom(first, w, layers int) []int {
	s := make([]int, layers)
	for i := max(first, 0); i < layers; i++ {
		s[i] = w
	}
	return s
}
