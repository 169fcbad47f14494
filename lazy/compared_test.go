package lazy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// kmeans is Lloyd's algorithm from every triple of values as first means: the best
// of the groupings, and whether another one is as good.
func kmeans(values []float64) (highest []bool) {
	best := math.Inf(1)
	n := len(values)
	for a := range n {
		for b := range n {
			for c := range n {
				means := []float64{values[a], values[b], values[c]}
				group := make([]int, n)
				for range 100 {
					var sum, count [3]float64
					for i, v := range values {
						for k, m := range means {
							if math.Abs(v-m) < math.Abs(v-means[group[i]]) {
								group[i] = k
							}
						}
						sum[group[i]] += v
						count[group[i]]++
					}
					for k := range means {
						if count[k] > 0 {
							means[k] = sum[k] / count[k]
						}
					}
				}
				cost, top := 0.0, 0
				for i, v := range values {
					cost += (v - means[group[i]]) * (v - means[group[i]])
					if v == slices.Max(values) {
						top = group[i]
					}
				}
				if cost < best-1e-12 {
					best, highest = cost, make([]bool, n)
					for i := range values {
						highest[i] = group[i] == top
					}
				}
			}
		}
	}
	return highest
}

func TestHighestIsKMeans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		values := make([]float64, 3+r.IntN(8))
		for i := range values {
			values[i] = 0.9 + 0.03*float64(r.IntN(3)) + 0.012*r.Float64()
		}
		if got, want := highest(values), kmeans(values); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: highest %v, want %v", values, got, want)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		values []float64
		want   []bool
	}{
		{[]float64{0.5}, []bool{false}},
		{[]float64{0.5, 0.5, 0.5}, []bool{false, false, false}},
		{[]float64{nan, nan}, []bool{false, false}},
		{[]float64{0.5, 0.9}, []bool{false, true}},
		{[]float64{0.9, nan, 0.5, 0.7}, []bool{true, false, false, false}},
		{[]float64{0.1, 0.9, 0.9, 0.9}, []bool{false, true, true, true}},
	} {
		if got := highest(c.values); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: highest %v, want %v", c.values, got, c.want)
		}
	}
}

// held is what a head with a window holds after a prompt, by counting the pages in
// which there is a token that the next query needs.
func held(w kv.Window, tokens int) int {
	need := map[int]bool{}
	for j := range tokens {
		if w.Full() || j > tokens-1-w.Recent {
			need[j/kv.PageTokens] = true
		}
	}
	pages := len(need)
	if !w.Full() && w.Sink > 0 {
		pages += (w.Sink + kv.PageTokens - 1) / kv.PageTokens
	}
	return pages
}

// The layers that attention changes least get a share p of the budget, the others
// what those give up; all together the share of full attention's bytes.
func TestSqueezeBudgets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		s := Shape{Layers: 3 + r.IntN(20), Heads: 2, KVHeads: 2}
		tokens := 1100 + r.IntN(8000)
		keep, p := float64(1+r.IntN(20))/20, float64(r.IntN(11))/10
		policy := mustParse(t, fmt.Sprintf("squeeze:keep=%g,p=%g", keep, p))
		if _, err := policy.Begin(s); err != nil {
			t.Fatal(err)
		}
		cosines := make([]float64, s.Layers)
		for i := range cosines {
			cosines[i] = r.Float64()
		}
		windows := make([]kv.Window, s.Layers)
		for layer, c := range cosines {
			for _, d := range policy.Observe(Observation{Layer: layer, Tokens: tokens, Cosine: c}) {
				if layer != s.Layers-1 || d.Head.KVHead != AllHeads {
					t.Fatalf("after layer %d of %d: %+v", layer, s.Layers, d)
				}
				windows[d.Head.Layer] = d.Window
			}
		}
		small := highest(cosines)
		prompt := (tokens + kv.PageTokens - 1) / kv.PageTokens
		b, g := keep*float64(prompt), 0.0
		for _, in := range small {
			if in {
				g++
			}
		}
		low := max(p*b, 2) // a page of sinks and one of recent tokens
		high := (float64(s.Layers)*b - g*low) / (float64(s.Layers) - g)
		if high > float64(prompt) { // what full layers cannot use goes back
			high = float64(prompt)
			low = (float64(s.Layers)*b - (float64(s.Layers)-g)*high) / g
		}
		total := 0.0
		for i, w := range windows {
			pages, want := float64(held(w, tokens)), high
			if small[i] {
				want = low
			}
			total += pages
			want = max(want, 2)
			if math.Abs(pages-want) > 1.5 && pages > 2 {
				t.Errorf("%s, %d tokens, layer %d (%v): %v pages, want about %.2f", Spec(policy), tokens, i, small[i], pages, want)
			}
		}
		if low >= 2 && high >= 2 && math.Abs(total-b*float64(s.Layers)) > 2 {
			t.Errorf("%s, %d tokens: %v pages, want %.1f", Spec(policy), tokens, total, b*float64(s.Layers))
		}
	}
}

// Without an observation of the last layer there is no decision; a layer without a
// cosine is one of the others.
func TestSqueezeUnmeasured(t *testing.T) {
	p := mustParse(t, "squeeze:keep=0.4")
	if _, err := p.Begin(Shape{4, 1, 1}); err != nil {
		t.Fatal(err)
	}
	var cut []Decision
	for layer, c := range []float64{0.9, 0.2, math.NaN(), 0.3} {
		cut = append(cut, p.Observe(Observation{Layer: layer, Tokens: 2560, Cosine: c})...)
	}
	if len(cut) != 4 || cut[0].Window.Recent >= cut[2].Window.Recent || cut[2].Window.Recent < cut[1].Window.Recent {
		t.Errorf("windows %+v", cut)
	}
}

// picks is SnapKV by definition: pool the votes, take the best one by one.
func picks(votes []float32, n, kernel int, maximum bool) []int {
	pooled := make([]float64, len(votes))
	for i := range votes {
		for j := i - kernel/2; j <= i+kernel/2; j++ {
			if j < 0 || j >= len(votes) {
				continue
			}
			if v := float64(votes[j]); !maximum {
				pooled[i] += v / float64(kernel)
			} else if v > pooled[i] {
				pooled[i] = v
			}
		}
	}
	taken := map[int]bool{}
	for range n {
		best := -1
		for i, v := range pooled {
			if !taken[i] && (best < 0 || v > pooled[best]) {
				best = i
			}
		}
		taken[best] = true
	}
	var list []int
	for i := range votes {
		if taken[i] {
			list = append(list, i)
		}
	}
	return list
}

func TestSnapKVAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		tokens int
		keep   float64
		kernel int
		pool   string
	}{{1500, 0.5, 7, "max"}, {1500, 0.5, 5, "avg"}, {1100, 0.2, 1, "max"}, {1311, 0.9, 31, "avg"}, {1310, 0.25, 99, "max"}, {1500, 1, 7, "max"}, {1500, 0, 7, "max"}} {
		s := Shape{Layers: 3, Heads: 4, KVHeads: 2}
		p := mustParse(t, fmt.Sprintf("snapkv:keep=%g,kernel=%d,pool=%s", c.keep, c.kernel, c.pool))
		if _, err := p.Begin(s); err != nil {
			t.Fatal(err)
		}
		prompt, from := (c.tokens+127)/128, c.tokens-testSettings.Last
		total := 0
		for layer := range s.Layers {
			votes := make([][]float32, s.KVHeads)
			for h := range votes {
				for range from {
					votes[h] = append(votes[h], float32(r.ExpFloat64()))
				}
			}
			var of [2]*kv.Pick
			for _, d := range p.Observe(Observation{Layer: layer, Tokens: c.tokens, Votes: votes}) {
				if d.Head.Layer != layer || d.Pick == nil || d.Pick.From != from {
					t.Fatalf("after layer %d: %+v", layer, d)
				}
				of[d.Head.KVHead] = d.Pick
			}
			for h, pick := range of {
				if pick == nil {
					total += prompt
					continue
				}
				total += (len(pick.Tokens)+127)/128 + prompt - from/128
				if want := picks(votes[h], len(pick.Tokens), c.kernel, c.pool == "max"); !slices.Equal(pick.Tokens, want) && c.pool == "max" {
					t.Errorf("%s of %d tokens: layer %d, KV head %d keeps %v, want %v", Spec(p), c.tokens, layer, h, pick.Tokens, want)
				} else if differ := difference(pick.Tokens, want); differ > 2 { // rounding of a mean may swap a pair
					t.Errorf("%s of %d tokens: layer %d, KV head %d: %d of %d tokens differ", Spec(p), c.tokens, layer, h, differ, len(want))
				}
			}
		}
		want := c.keep * float64(s.Layers*s.KVHeads*prompt)
		if least := float64(s.Layers * s.KVHeads * (prompt - from/128)); want < least {
			want = least
		}
		if math.Abs(float64(total)-want) > 1 {
			t.Errorf("%s of %d tokens: %d pages, want %.1f", Spec(p), c.tokens, total, want)
		}
		if p.Observe(Observation{Layer: 0, Tokens: c.tokens}) != nil {
			t.Errorf("%s decides twice", Spec(p))
		}
	}
}

func difference(a, b []int) (n int) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			n++
		}
	}
	return n + len(b) - len(a)
}

// Votes of the wrong heads, or of a prompt that is all observation window, pick
// nothing.
func TestSnapKVUnmeasured(t *testing.T) {
	for _, o := range []Observation{{Tokens: 2000}, {Tokens: 2000, Votes: make([][]float32, 1)}, {Tokens: 32, Votes: make([][]float32, 2)}} {
		p := mustParse(t, "snapkv")
		if _, err := p.Begin(Shape{1, 2, 2}); err != nil {
			t.Fatal(err)
		}
		if d := p.Observe(o); d != nil {
			t.Errorf("%+v: %+v", o, d)
		}
	}
}

// A pair is merged from the top down, as many as the share asks for, never more pages
// than it allows but where all pairs are merged.
func TestMiniCachePairs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		s := Shape{Layers: 1 + r.IntN(40), Heads: 2, KVHeads: 2}
		tokens := 128 * (1 + r.IntN(40))
		if r.IntN(2) == 0 {
			tokens += r.IntN(128)
		}
		keep := 0.5 + float64(r.IntN(11))/20
		p := mustParse(t, fmt.Sprintf("minicache:keep=%g,gamma=1", keep)) // gamma: as many retained as there is room for
		if _, err := p.Begin(s); err != nil {
			t.Fatal(err)
		}
		total, merged, pairs := float64(s.Layers*s.KVHeads*pagesOf(tokens)), 0.0, 0
		for layer := range s.Layers {
			o := Observation{Layer: layer, Tokens: tokens}
			if layer > 0 {
				for range s.KVHeads {
					d := make([]float32, tokens)
					for i := range d {
						d[i] = r.Float32()
					}
					o.KeyDistances, o.ValueDistances = append(o.KeyDistances, d), append(o.ValueDistances, d)
				}
			}
			for _, d := range p.Observe(o) {
				if d.Head.Layer != layer || d.Merge == nil || (s.Layers-1-layer)%2 != 0 {
					t.Fatalf("%+v after layer %d of %d", d, layer, s.Layers)
				}
				pairs++
				whole := float64(tokens / 128)
				merged += 2*float64(pagesOf(tokens)) - (whole + whole/32 + 2*float64(pagesOf(tokens)-tokens/128) + 2*float64(pagesOf(len(d.Merge.Retain))))
			}
		}
		pairs /= s.KVHeads
		if got := (total - merged) / total; got > keep+1e-9 && pairs < s.Layers/2 {
			t.Errorf("%s, %d tokens, %d layers: %.4f of the pages are kept with %d pairs", Spec(p), tokens, s.Layers, got, pairs)
		}
		if keep == 1 && pairs > 0 {
			t.Errorf("%d pairs are merged to keep everything", pairs)
		}
	}
}

// What is retained is what the definition says, for keys or values.
func TestMiniCacheRetains(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		n, gamma := 1+r.IntN(60), float64(r.IntN(5))/10
		keys, values := make([]float32, n), make([]float32, n)
		for i := range keys {
			keys[i], values[i] = float32(r.IntN(12))/12, r.Float32()
		}
		p := &miniCache{gamma: gamma}
		var want []int
		for i := range n {
			for _, d := range [][]float32{keys, values} {
				low, high := float64(slices.Min(d)), float64(slices.Max(d))
				if x := float64(d[i]); high > low && x > high-gamma*(high-low) && !slices.Contains(want, i) {
					want = append(want, i)
				}
			}
		}
		got := p.far(keys, values, n)
		if differ := difference(got, want); differ > 1 { // a value on the threshold itself
			t.Errorf("gamma %g: %v retained, want %v", gamma, got, want)
		}
		if few := p.far(keys, values, 3); len(few) > 3 || len(got) > 3 && len(few) != 3 || !slices.IsSorted(few) {
			t.Errorf("at most 3: %v", few)
		}
	}
	p := &miniCache{gamma: 0.5}
	if got := p.far([]float32{0.1, 0.2, 0.1, 0.19}, []float32{0.3, 0.3, 0.3, 0.3}, 1); !slices.Equal(got, []int{1}) {
		t.Errorf("the farthest is position 1, not %v", got)
	}
	if got := p.far(nil, nil, 5); got != nil {
		t.Errorf("of nothing %v is retained", got)
	}
}
