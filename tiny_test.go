package lighttransfer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/tiny"
	"github.com/lighttransfer/lighttransfer/kv"
)

// openTiny loads the embedded model once for all tests.
func openTiny(t testing.TB) *Model {
	t.Helper()
	m, err := Options{Threads: 2}.Open("tiny")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// generate collects the ids of one request.
func generate(t testing.TB, s *Session, r Request) (ids []int32, text string) {
	t.Helper()
	for tok := range s.Run(context.Background(), r) {
		ids = append(ids, tok.ID)
		text += tok.Text
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return ids, text
}

type tinyGolden struct {
	Text    string    `json:"text"`
	IDs     []int32   `json:"ids"`
	Answer  string    `json:"answer"`
	Greedy  []int32   `json:"greedy_ids"`
	Margins []float64 `json:"greedy_margin_top1_top2"`
	Ratio   []float64 `json:"lazy_ratio_sink4_recent124"`
	Top     []int32   `json:"top10_ids"`
	Logits  []float64 `json:"top10_logits"`
	LT50    tinyLazy  `json:"lt50_sink4_recent124"`
	LT25    tinyLazy  `json:"lt25_sink4_recent124"`
	Stream  tinyLazy  `json:"stream_sink4_recent124"`
}

// tinyLazy is a hybrid run: 8 answer tokens count, what follows is free text.
type tinyLazy struct {
	Layers []int     `json:"lazy_layers"`
	IDs    []int32   `json:"greedy_ids"`
	Top    []int32   `json:"top10_ids"`
	Logits []float64 `json:"top10_logits"`
}

func tinyGoldens(t *testing.T) []tinyGolden {
	data, err := os.ReadFile("internal/tiny/testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var g []tinyGolden
	if err := json.Unmarshal(data, &g); err != nil || len(g) < 5 {
		t.Fatalf("%d goldens, %v", len(g), err)
	}
	return g
}

// tinyWindow is the window of the embedded model's goldens.
var tinyWindow = kv.Window{Sink: 4, Recent: 124}

// The embedded model agrees with transformers: ids, logits, ratios, lazy layers,
// greedy tokens.
func TestTinyAgainstTransformers(t *testing.T) {
	m := openTiny(t)
	long := 0
	for i, g := range tinyGoldens(t) {
		s, err := m.NewSession(SessionOptions{Policy: "full", Window: tinyWindow, Measure: true})
		if err != nil {
			t.Fatal(err)
		}
		generate(t, s, Request{Prompt: strings.TrimPrefix(g.Text, "<|bos|>"), Raw: true, MaxTokens: 1})
		if got := s.IDs(); !slices.Equal(got, g.IDs) {
			t.Fatalf("golden %d: ids %v, want %v", i, got, g.IDs)
		}
		compareTop(t, fmt.Sprintf("golden %d", i), s.Logits(), g.Top, g.Logits)
		for l, r := range s.Report().LazyRatio {
			if r == nil || math.Abs(*r-g.Ratio[l]) > 4e-3 {
				t.Errorf("golden %d: ratio of layer %d is %g, want %g", i, l, *r, g.Ratio[l])
			}
		}
		ids, _ := generate(t, s, Request{IDs: g.IDs, MaxTokens: len(g.Greedy), IgnoreEOS: true})
		compareGreedy(t, fmt.Sprintf("golden %d", i), ids, g.Greedy, g.Margins)
		s.Close()
		if g.LT50.IDs == nil {
			continue
		}
		long++
		for policy, want := range map[string]tinyLazy{"lighttransfer:lazy=0.5": g.LT50, "lighttransfer:lazy=0.25": g.LT25} {
			s, _ := m.NewSession(SessionOptions{Policy: policy, Window: tinyWindow})
			ids, _ := generate(t, s, Request{IDs: g.IDs, MaxTokens: 8, IgnoreEOS: true})
			if got := s.Report().LazyLayers; !slices.Equal(got, want.Layers) {
				t.Errorf("golden %d: %s: layers %v, want %v", i, policy, got, want.Layers)
			}
			if !slices.Equal(ids, want.IDs[:8]) {
				t.Errorf("golden %d: %s answers %v, want %v", i, policy, ids, want.IDs)
			}
			s.Close()
		}
		s, _ = m.NewSession(SessionOptions{Policy: "streaming", Window: tinyWindow})
		generate(t, s, Request{IDs: g.IDs, MaxTokens: 1})
		compareTop(t, fmt.Sprintf("golden %d, streaming", i), s.Logits(), g.Stream.Top, g.Stream.Logits)
		s.Close()
	}
	if long < 3 {
		t.Errorf("only %d goldens with lazy layers", long)
	}
}

// compareGreedy allows a difference only where the two best logits nearly tie,
// and compares nothing after it.
func compareGreedy(t *testing.T, what string, got, want []int32, margins []float64) {
	t.Helper()
	for i := range want {
		if i >= len(got) {
			t.Errorf("%s: only %d of %d tokens", what, len(got), len(want))
			return
		}
		if got[i] != want[i] {
			if margins[i] >= 0.05 {
				t.Errorf("%s: token %d is %d, want %d (margin %g)", what, i, got[i], want[i], margins[i])
			}
			return
		}
	}
}

// compareTop bounds the error of the best logits. Keys and values in bf16 alone
// cost up to 0.0124 here (measured with all arithmetic in float32).
func compareTop(t *testing.T, what string, logits []float32, ids []int32, want []float64) {
	t.Helper()
	if len(ids) != 10 {
		t.Errorf("%s: %d golden logits", what, len(ids))
	}
	for k, id := range ids {
		if e := math.Abs(float64(logits[id]) - want[k]); !(e <= 0.02) {
			t.Errorf("%s: logit of id %d off by %g", what, id, e)
		}
	}
}

// What makes the method worth having, on the embedded model: with half of the
// layers lazy every needle is found that full attention finds; when all stream,
// only those in the window are.
func TestTinyNeedles(t *testing.T) {
	m := openTiny(t)
	for _, n := range []int{512, 2048} {
		found := map[string]int{}
		count := 20
		if kernel.Tier() == "generic" { // the oracle is slow
			count = 3
		}
		for i := range count {
			rnd := rand.New(rand.NewPCG(uint64(n), uint64(i)))
			depth := []float64{.1, .3, .5, .7, .9}[i%5]
			bos, _ := m.tok.BOS()
			ids, needle, want := tiny.Haystack(coder{m}.Encode, bos, rnd, n, depth)
			for _, policy := range []string{"full", "lighttransfer:lazy=0.5", "streaming"} {
				s, err := m.NewSession(SessionOptions{Policy: policy, Window: tinyWindow})
				if err != nil {
					t.Fatal(err)
				}
				if _, text := generate(t, s, Request{IDs: ids, MaxTokens: 8}); strings.TrimSpace(text) == want {
					found[policy]++
					if policy == "streaming" && needle < n-tinyWindow.Recent {
						t.Errorf("%d tokens: streaming found a needle at %d, outside of its window", n, needle)
					}
				}
				s.Close()
			}
		}
		if found["full"] != count || found["lighttransfer:lazy=0.5"] != count || found["streaming"] > count/3 {
			t.Errorf("%d tokens: found %v of %d", n, found, count)
		}
	}
}

// The embedded model is loaded from a temporary folder that is gone before it is used.
func TestNothingIsLeftBehind(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("mapped files cannot be removed here before they are closed")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	m := openTiny(t)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	generate(t, session(t, m, SessionOptions{}), Request{Prompt: "The magic", MaxTokens: 2})
}
