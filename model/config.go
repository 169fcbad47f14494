package model

import (
	"fmt"

	"github.com/lighttransfer/lighttransfer/kv"
)

// Config is the shape of a model and everything its arithmetic depends on.
type Config struct {
	Name         string // as the file or folder calls it
	Architecture string // "llama", "mistral", "qwen2", "qwen3"

	Layers  int
	Hidden  int // width of the residual stream
	Heads   int // query heads
	KVHeads int // key/value heads; Heads/KVHeads query heads share one (GQA)
	HeadDim int
	FFN     int // width of the MLP
	Vocab   int
	Context int // positions the model was made for

	NormEps float64
	Rope    Rope
	Tied    bool // the output head is the embedding
	QKVBias bool
	OBias   bool
	MLPBias bool
	QKNorm  bool // RMSNorm on every query and key head before RoPE

	// Sliding is the model's own window per layer: positions a query sees, its
	// own included; 0 means all. nil: all layers see all.
	Sliding []int

	EOS []int32 // ids that end a text
	BOS int32   // -1: none
}

// Validate reports the first thing about the configuration that cannot be.
func (c *Config) Validate() error {
	positive := []struct {
		name string
		v    int
	}{{"layers", c.Layers}, {"hidden size", c.Hidden}, {"attention heads", c.Heads}, {"KV heads", c.KVHeads},
		{"head dimension", c.HeadDim}, {"MLP width", c.FFN}, {"vocabulary", c.Vocab}, {"context", c.Context}}
	for _, p := range positive {
		if p.v <= 0 || p.v > 1<<28 {
			return fmt.Errorf("model configuration: %s is %d", p.name, p.v)
		}
	}
	switch {
	case c.Layers > 4096:
		return fmt.Errorf("model configuration: %d layers", c.Layers)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("model configuration: %d attention heads cannot share %d KV heads evenly", c.Heads, c.KVHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("model configuration: head dimension %d is odd; RoPE needs pairs", c.HeadDim)
	case !(c.NormEps > 0 && c.NormEps < 1):
		return fmt.Errorf("model configuration: RMSNorm epsilon is %g", c.NormEps)
	case c.Sliding != nil && len(c.Sliding) != c.Layers:
		return fmt.Errorf("model configuration: sliding windows for %d of %d layers", len(c.Sliding), c.Layers)
	}
	return c.Rope.validate()
}

// Windows are the windows of the model itself, before any policy: full, or the
// sliding window it was trained with. [layer][kvHead]
func (c *Config) Windows() []kv.Window {
	ws := make([]kv.Window, c.Layers*c.KVHeads)
	for i := range ws {
		if c.Sliding != nil {
			ws[i].Recent = c.Sliding[i/c.KVHeads]
		}
	}
	return ws
}

// LazyWindow is what a lazy head of a layer keeps when w is asked for: w itself,
// or, in a layer that slides, no more than the model's own window shows.
func (c *Config) LazyWindow(layer int, w kv.Window) kv.Window {
	if c.Sliding == nil || c.Sliding[layer] == 0 || w.Full() {
		return w
	}
	return kv.Window{Recent: min(w.Recent, c.Sliding[layer])}
}
