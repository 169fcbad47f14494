package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// golden is testdata/*/golden.json; see testdata/README.md.
type golden struct {
	Layers    int                `json:"layers"`
	KVHeads   int                `json:"kv_heads"`
	GGUF      string             `json:"gguf"`
	EOS       []int32            `json:"eos"`
	Logits    string             `json:"logits"`
	Sequences map[string][]int32 `json:"sequences"`
	Cases     []goldenCase       `json:"cases"`
	Measures  []goldenMeasure    `json:"measures"`
}

type goldenCase struct {
	Name     string       `json:"name"`
	Sequence string       `json:"sequence"`
	Tokens   int          `json:"tokens"`
	Prompt   int          `json:"prompt"` // lazy heads are cut after so many tokens of full prefill; 0: they stream
	Lazy     []goldenLazy `json:"lazy"`
	Position []int        `json:"positions"`
	Offset   int          `json:"offset"`
	Range    float64      `json:"range"`
}

type goldenLazy struct {
	Layer  int       `json:"layer"`
	KVHead *int      `json:"kv_head"`
	Window kv.Window `json:"window"`
}

type goldenMeasure struct {
	Sequence   string      `json:"sequence"`
	Tokens     int         `json:"tokens"`
	Window     kv.Window   `json:"window"`
	Last       int         `json:"last"`
	Keys       string      `json:"keys"` // "prompt": one window for all queries; "query": each its own
	RatioLayer []float64   `json:"ratio_layer"`
	RatioHead  [][]float64 `json:"ratio_head"`
	ErrorLayer []float64   `json:"error_layer"`
	ErrorHead  [][]float64 `json:"error_head"`
}

// openGolden loads a test model, from its folder or its GGUF file.
func openGolden(t *testing.T, dir, file string, p *par.Pool) *Model {
	t.Helper()
	var src Source
	var err error
	if file == "" {
		src, err = OpenHF(dir)
	} else {
		var f *gguf.File
		if f, err = gguf.Open(filepath.Join(dir, file)); err == nil {
			src = OpenGGUF(f)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(src, Options{Pool: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func eachGolden(t *testing.T, f func(t *testing.T, g *golden, m *Model, logits []float32)) {
	files, _ := filepath.Glob("testdata/*/golden.json")
	if len(files) < 10 {
		t.Fatalf("only %d goldens found", len(files))
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, g.Logits))
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, len(raw)/4)
		for i := range logits {
			logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		for _, from := range []string{"", g.GGUF} {
			if from == "" || from == g.GGUF && g.GGUF != "" {
				t.Run(filepath.Base(dir)+"/"+map[bool]string{true: "hf", false: "gguf"}[from == ""], func(t *testing.T) {
					f(t, &g, openGolden(t, dir, from, nil), logits)
				})
			}
		}
	}
}

// run feeds tokens in blocks of b and calls see with the logits of every position.
func run(t *testing.T, m *Model, c *kv.Cache, ids []int32, b int, probe *Probe, see func(pos int, logits []float32), seen func(*Observation)) {
	t.Helper()
	var w Workspace
	for len(ids) > 0 {
		n, t0 := min(b, len(ids)), c.Len()
		x, logits := make([]float32, n*m.Hidden), make([]float32, n*m.Vocab)
		if err := m.Embed(x, ids[:n]); err != nil {
			t.Fatal(err)
		}
		for l := range m.Layers {
			p := probe
			if n < len(ids) {
				p = nil
			}
			o, err := m.Layer(l, x, n, t0, c, &w, p)
			if err != nil {
				t.Fatal(err)
			}
			if o != nil {
				seen(o)
			}
			c.Release(l)
		}
		m.Logits(logits, x, n, &w)
		for i := range n {
			if see != nil {
				see(t0+i, logits[i*m.Vocab:][:m.Vocab])
			}
		}
		ids = ids[n:]
	}
}

func (l goldenLazy) heads(kvHeads int) []int {
	if l.KVHead != nil {
		return []int{*l.KVHead}
	}
	var hs []int
	for h := range kvHeads {
		hs = append(hs, h)
	}
	return hs
}

// Logits at every golden position, full and lazy, in prefill and decode, in
// several block sizes, within 1e-3 of the logit range of transformers.
func TestLogitsAgainstTransformers(t *testing.T) {
	worst := 0.0
	eachGolden(t, func(t *testing.T, g *golden, m *Model, logits []float32) {
		for _, c := range g.Cases {
			for _, block := range []int{1 << 20, 33, 1} {
				t.Run(fmt.Sprintf("%s/block=%d", c.Name, block), func(t *testing.T) {
					windows := m.Windows()
					if c.Prompt == 0 {
						for _, l := range c.Lazy {
							for _, h := range l.heads(g.KVHeads) {
								windows[l.Layer*g.KVHeads+h] = l.Window
							}
						}
					}
					cache, err := kv.NewCache(kv.NewPool(m.HeadDim, kv.BF16, 0), m.Layers, m.KVHeads, m.HeadDim, windows)
					if err != nil {
						t.Fatal(err)
					}
					want := map[int][]float32{}
					for i, p := range c.Position {
						want[p] = logits[c.Offset+i*m.Vocab:][:m.Vocab]
					}
					check := func(pos int, got []float32) {
						if want[pos] == nil {
							return
						}
						for i, v := range got {
							e := math.Abs(float64(v-want[pos][i])) / c.Range
							worst = max(worst, e)
							if !(e <= 1e-3) {
								t.Fatalf("position %d, id %d: logit %g, want %g: off by %.2g of the range", pos, i, v, want[pos][i], e)
							}
						}
						delete(want, pos)
					}
					ids := g.Sequences[c.Sequence][:c.Tokens]
					if c.Prompt > 0 {
						run(t, m, cache, ids[:c.Prompt], block, nil, check, nil)
						for _, l := range c.Lazy {
							for _, h := range l.heads(g.KVHeads) {
								if err := cache.Demote(l.Layer, h, l.Window); err != nil {
									t.Fatal(err)
								}
							}
						}
						ids, block = ids[c.Prompt:], min(block, 7)
					}
					run(t, m, cache, ids, block, nil, check, nil)
					if len(want) > 0 {
						t.Fatalf("%d positions were never reached", len(want))
					}
				})
			}
		}
	})
	t.Logf("largest error: %.2g of the logit range, kernels %s", worst, kernel.Tier())
}

// Lazy ratio and output error, per layer and head, of the definitions.
func TestMeasuresAgainstTransformers(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, m *Model, _ []float32) {
		for i, c := range g.Measures {
			cache, _ := kv.NewCache(kv.NewPool(m.HeadDim, kv.BF16, 0), m.Layers, m.KVHeads, m.HeadDim, m.Windows())
			p := &Probe{Window: c.Window, Last: c.Last, PerQuery: c.Keys == "query", Ratio: true, Error: true}
			layers := 0
			run(t, m, cache, g.Sequences[c.Sequence][:c.Tokens], 1<<20, p, nil, func(o *Observation) {
				layers++
				near := func(what string, got, want, tol float64) {
					if !(math.Abs(got-want) <= tol) {
						t.Errorf("measure %d (%d tokens, window %s, last %d, %s), layer %d: %s %g, want %g", i, c.Tokens, c.Window, c.Last, c.Keys, o.Layer, what, got, want)
					}
				}
				if c.RatioLayer != nil { // with samples there is no ratio, only an error
					near("ratio", o.Ratio, c.RatioLayer[o.Layer], 0.005)
					for h, want := range c.RatioHead[o.Layer] {
						near(fmt.Sprintf("ratio of head %d", h), o.HeadRatio[h], want, 0.01)
					}
				}
				near("error", o.Error, c.ErrorLayer[o.Layer], 0.002+0.02*c.ErrorLayer[o.Layer])
				for h, want := range c.ErrorHead[o.Layer] {
					near(fmt.Sprintf("error of KV head %d", h), o.HeadError[h], want, 0.002+0.02*want)
				}
			})
			if layers != m.Layers {
				t.Errorf("measure %d: %d layers observed", i, layers)
			}
		}
	})
}
