package model

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// goldenCompared is testdata/*/compared.json.
type goldenCompared struct {
	Sequence string
	Tokens   int
	Last     int
	Cosine   []float64     // [layer]
	Votes    [][][]float64 // [layer][KV head][Tokens-Last]
	Picks    [][][]int     // [layer][KV head] the quarter with the most votes
	Then     []int32       // tokens that follow
	Logits   [][]float64   // after each of them, seeing what was picked
	Merged   *goldenMerged // of longer prompts
}

// goldenMerged is what becomes of a model whose last two layers are merged over the
// first Whole tokens.
type goldenMerged struct {
	Whole    int
	T        float64
	Keys     [][]float64 `json:"key_distances"`   // [KV head][Whole]
	Values   [][]float64 `json:"value_distances"` // [KV head][Whole]
	Retained [][]int     // [KV head]
	Logits   [][]float64 // after each of the tokens that follow
}

// eachCompared calls f with what transformers made of the methods we compare with.
func eachCompared(t *testing.T, f func(t *testing.T, m *Model, ids []int32, c *goldenCompared)) {
	files, _ := filepath.Glob("testdata/*/compared.json")
	if len(files) < 4 {
		t.Fatalf("only %d goldens found", len(files))
	}
	for _, file := range files {
		var g golden
		var cases []goldenCompared
		for path, to := range map[string]any{file: &cases, filepath.Join(filepath.Dir(file), "golden.json"): &g} {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, to); err != nil {
				t.Fatal(err)
			}
		}
		m := openGolden(t, filepath.Dir(file), "", nil)
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/%s/%d", filepath.Base(filepath.Dir(file)), c.Sequence, c.Tokens), func(t *testing.T) {
				f(t, m, g.Sequences[c.Sequence][:c.Tokens], &c)
			})
		}
	}
}

// Cosine and votes are those of transformers' hidden states and attention weights,
// and so are the logits when the heads keep what was picked.
func TestComparedAgainstTransformers(t *testing.T) {
	eachCompared(t, func(t *testing.T, m *Model, ids []int32, c *goldenCompared) {
		cache, _ := kv.NewCache(kv.NewPool(m.HeadDim, kv.BF16, 0), m.Layers, m.KVHeads, m.HeadDim, m.Windows())
		layers := 0
		run(t, m, cache, ids, 1<<20, &Probe{Last: c.Last, Cosine: true, Votes: true}, nil, func(o *Observation) {
			layers++
			if o.Tokens != c.Tokens || !math.IsNaN(o.Ratio) || !math.IsNaN(o.Error) || o.HeadRatio != nil || o.HeadError != nil {
				t.Errorf("layer %d: %+v", o.Layer, o)
			}
			if want := c.Cosine[o.Layer]; !(math.Abs(o.Cosine-want) <= 1e-4) {
				t.Errorf("layer %d: cosine %g, want %g", o.Layer, o.Cosine, want)
			}
			for h, want := range c.Votes[o.Layer] {
				if len(o.Votes[h]) != len(want) {
					t.Fatalf("layer %d, KV head %d: %d votes, want %d", o.Layer, h, len(o.Votes[h]), len(want))
				}
				for i, v := range want {
					if got := float64(o.Votes[h][i]); !(math.Abs(got-v) <= 0.002+0.02*v) {
						t.Errorf("layer %d, KV head %d, key %d: %g votes, want %g", o.Layer, h, i, got, v)
					}
				}
			}
		})
		if layers != m.Layers {
			t.Errorf("%d layers observed", layers)
		}
		for l, heads := range c.Picks {
			for h, tokens := range heads {
				if err := cache.Pick(l, h, kv.Pick{Tokens: tokens, From: c.Tokens - c.Last}); err != nil {
					t.Fatal(err)
				}
			}
		}
		goOn(t, m, cache, c, c.Logits)
	})
}

// goOn feeds what follows a prompt and compares the logits.
func goOn(t *testing.T, m *Model, cache *kv.Cache, c *goldenCompared, logits [][]float64) {
	t.Helper()
	run(t, m, cache, c.Then, 1, nil, func(pos int, got []float32) {
		want := logits[pos-c.Tokens]
		size := slices.Max(want) - slices.Min(want)
		for i, v := range want {
			if !(math.Abs(float64(got[i])-v) <= 2e-3*size) {
				t.Errorf("position %d, id %d: logit %g, want %g (range %g)", pos, i, got[i], v, size)
			}
		}
	}, nil)
}

// Distances between the keys and values of two layers are those of transformers',
// and so are the logits when the layers are merged.
func TestMergedAgainstTransformers(t *testing.T) {
	merged := 0
	eachCompared(t, func(t *testing.T, m *Model, ids []int32, c *goldenCompared) {
		if c.Merged == nil {
			t.Skip("too short to be merged")
		}
		merged++
		cache, _ := kv.NewCache(kv.NewPool(m.HeadDim, kv.BF16, 0), m.Layers, m.KVHeads, m.HeadDim, m.Windows())
		run(t, m, cache, ids, 1<<20, &Probe{Distances: true}, nil, func(o *Observation) {
			if o.Layer == 0 && o.KeyDistances != nil || o.Layer > 0 && (len(o.KeyDistances) != m.KVHeads || len(o.ValueDistances) != m.KVHeads) {
				t.Fatalf("layer %d: distances of %d and %d KV heads", o.Layer, len(o.KeyDistances), len(o.ValueDistances))
			}
			if o.Layer != m.Layers-1 {
				return
			}
			for h := range m.KVHeads {
				for i := range c.Merged.Whole {
					if e := math.Abs(float64(o.KeyDistances[h][i]) - c.Merged.Keys[h][i]); !(e <= 0.003) {
						t.Errorf("KV head %d, token %d: keys %g apart, want %g", h, i, o.KeyDistances[h][i], c.Merged.Keys[h][i])
					}
					if e := math.Abs(float64(o.ValueDistances[h][i]) - c.Merged.Values[h][i]); !(e <= 0.003) {
						t.Errorf("KV head %d, token %d: values %g apart, want %g", h, i, o.ValueDistances[h][i], c.Merged.Values[h][i])
					}
				}
			}
		})
		for h, retained := range c.Merged.Retained {
			if err := cache.Merge(m.Layers-1, h, kv.Merge{T: c.Merged.T, Retain: retained}); err != nil {
				t.Fatal(err)
			}
		}
		goOn(t, m, cache, c, c.Merged.Logits)
	})
	if merged < 4 {
		t.Errorf("%d models were merged", merged)
	}
}
