package safetensors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The tiny model's folder, where it is at hand.
func TestTinyModel(t *testing.T) {
	dir := filepath.FromSlash("../../../shared/data/open/tiny/model")
	src, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Skip("an extra check: ", err)
	}
	var config struct {
		Hidden int `json:"hidden_size"`
		Vocab  int `json:"vocab_size"`
	}
	if err := json.Unmarshal(src, &config); err != nil {
		t.Fatal(err)
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	embed, ok := f.Tensor("model.embed_tokens.weight")
	if !ok || len(embed.Shape) != 2 || embed.Shape[0] != config.Vocab || embed.Shape[1] != config.Hidden {
		t.Errorf("embedding %v, want [%d %d]", embed.Shape, config.Vocab, config.Hidden)
	}
}
