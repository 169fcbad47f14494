package tiny

import (
	"encoding/json"
	"io/fs"
	"os"
	"testing"
)

func TestFiles(t *testing.T) {
	for _, name := range []string{"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} {
		if info, err := fs.Stat(Files(), name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The documentation's figure: 1,706,112 parameters in bf16, and a header.
	info, err := fs.Stat(Files(), "model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if header := info.Size() - 2*1706112; header < 0 || header > 16<<10 {
		t.Errorf("model.safetensors: %d bytes do not fit 1,706,112 bf16 parameters", info.Size())
	}
}

func TestGoldensParse(t *testing.T) {
	data, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var goldens []struct {
		Text   string
		IDs    []int32
		Greedy []int32   `json:"greedy_ids"`
		Gap    []float32 `json:"greedy_margin_top1_top2"`
	}
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	if len(goldens) != 5 {
		t.Fatalf("%d goldens, README.md says 5", len(goldens))
	}
	for _, g := range goldens {
		if len(g.IDs) == 0 || g.IDs[0] != 0 || len(g.Greedy) != 24 || len(g.Gap) != 24 {
			t.Errorf("%.30q: %d ids, %d greedy ids, %d gaps", g.Text, len(g.IDs), len(g.Greedy), len(g.Gap))
		}
	}
}
