package model

import (
	"fmt"
	"strings"
)

// An architecture is a row of the table of what can be run.
type architecture struct {
	name string   // model_type in config.json
	hf   string   // the class in "architectures" of config.json
	gguf []string // general.architecture values that mean it

	// readHF reads the keys that only this architecture has, and sets what it
	// implies; the common ones are read already.
	readHF func(k *keys, c *Config)
	// readGGUF sets what a GGUF file of this architecture implies.
	readGGUF func(c *Config)
	// permuted says that GGUF files hold the rows of Q and K of each head in the
	// order that RoPE over neighbouring pairs wants.
	permuted bool
}

var architectures = []architecture{llama, mistral, qwen2, qwen3}

func supported() string {
	var names []string
	for _, a := range architectures {
		names = append(names, a.name)
	}
	return strings.Join(names, ", ")
}

func archByHF(modelType string) (*architecture, error) {
	for i := range architectures {
		if architectures[i].name == modelType {
			return &architectures[i], nil
		}
	}
	return nil, fmt.Errorf("architecture %q is not supported (supported: %s)", modelType, supported())
}

func archByGGUF(name string) (*architecture, error) {
	for i := range architectures {
		for _, g := range architectures[i].gguf {
			if g == name {
				return &architectures[i], nil
			}
		}
	}
	return nil, fmt.Errorf("architecture %q is not supported (supported: %s)", name, supported())
}
