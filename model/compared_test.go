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
		run(t, m, cache, c.Then, 1, nil, func(pos int, logits []float32) {
			want := c.Logits[pos-c.Tokens]
			size := slices.Max(want) - slices.Min(want)
			for i, v := range want {
				if !(math.Abs(float64(logits[i])-v) <= 2e-3*size) {
					t.Errorf("position %d, id %d: logit %g, want %g (range %g)", pos, i, logits[i], v, size)
				}
			}
		}, nil)
	})
}
