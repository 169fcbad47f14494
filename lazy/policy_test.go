package lazy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

var testSettings = Settings{Window: kv.Window{Sink: 4, Recent: 1020}, Last: 32}

func mustParse(t testing.TB, spec string) Policy {
	t.Helper()
	p, err := Parse(spec, testSettings)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// measured is what a model would observe, by layer.
type measured struct {
	ratio, err         []float64   // [layer]
	headRatio, headErr [][]float64 // [layer][query head], [layer][KV head]
}

// run feeds all layers to a policy and returns [layer, KV head, after layer].
func run(t testing.TB, p Policy, s Shape, m measured) (order [][3]int) {
	t.Helper()
	if _, err := p.Begin(s); err != nil {
		t.Fatal(err)
	}
	for layer := range s.Layers {
		o := Observation{Layer: layer, Ratio: math.NaN(), Error: math.NaN()}
		if n := p.Needs(); n.Ratio && m.ratio != nil {
			o.Ratio = m.ratio[layer]
		} else if n.Error && m.err != nil {
			o.Error = m.err[layer]
		}
		if p.Needs().Ratio && m.headRatio != nil {
			o.HeadRatio = m.headRatio[layer]
		}
		if p.Needs().Error && m.headErr != nil {
			o.HeadError = m.headErr[layer]
		}
		for _, d := range p.Observe(o) {
			if d.Window != testSettings.Window {
				t.Fatalf("%s cut %v to %v, want %v", Spec(p), d.Head, d.Window, testSettings.Window)
			}
			order = append(order, [3]int{d.Head.Layer, d.Head.KVHead, layer})
		}
		if again := p.Observe(o); again != nil {
			t.Fatalf("%s: layer %d decided a second time: %v", Spec(p), layer, again)
		}
	}
	return order
}

func sortedLayers(order [][3]int) []int {
	layers := []int{}
	for _, x := range order {
		layers = append(layers, x[0])
	}
	slices.Sort(layers)
	return layers
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// The queue on a real model's measures: the order of decisions, the layer after
// which each was made, and the sets, against an independent implementation.
func TestGoldenSmolLM2(t *testing.T) {
	var goldens []struct {
		Prompt     string
		Recent     int
		RatioLayer []float64   `json:"ratio_layer"`
		ErrorLayer []float64   `json:"error_layer"`
		ErrorHead  [][]float64 `json:"error_head"`
		Queues     []struct {
			By   string
			Full int
			Pops [][2]int
		}
		LazyHeads68 [][2]int `json:"lazy_heads_68"`
	}
	readJSON(t, "testdata/smollm2.json", &goldens)
	shape := Shape{Layers: 30, Heads: 9, KVHeads: 3}
	share := map[int]string{22: "0.25", 15: "0.5", 7: "0.75"}
	for _, g := range goldens {
		m := measured{ratio: g.RatioLayer, err: g.ErrorLayer, headErr: g.ErrorHead}
		for _, q := range g.Queues {
			t.Run(fmt.Sprintf("%s/recent=%d/by=%s/full=%d", g.Prompt, g.Recent, q.By, q.Full), func(t *testing.T) {
				var want [][3]int
				for _, pop := range q.Pops {
					want = append(want, [3]int{pop[0], AllHeads, pop[1]})
				}
				got := run(t, mustParse(t, "lighttransfer:lazy="+share[q.Full]+",by="+q.By), shape, m)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			})
		}
		t.Run(fmt.Sprintf("%s/recent=%d/heads", g.Prompt, g.Recent), func(t *testing.T) {
			var got [][2]int
			for _, x := range run(t, mustParse(t, "lighttransfer:lazy=0.75,by=error,unit=head"), shape, m) {
				got = append(got, [2]int{x[0], x[1]})
			}
			slices.SortFunc(got, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
			if !reflect.DeepEqual(got, g.LazyHeads68) {
				t.Errorf("got  %v\nwant %v", got, g.LazyHeads68)
			}
		})
	}
}

// On the tiny model the laziest half is the same on every prompt.
func TestGoldenTiny(t *testing.T) {
	var goldens []struct {
		Tokens, Recent int
		RatioLayer     []float64 `json:"ratio_layer"`
	}
	readJSON(t, "testdata/tiny.json", &goldens)
	shape := Shape{Layers: 8, Heads: 2, KVHeads: 1}
	for _, g := range goldens {
		for share, want := range map[string][]int{"0.25": {1, 3}, "0.5": {0, 1, 3, 5}} {
			got := sortedLayers(run(t, mustParse(t, "lighttransfer:lazy="+share), shape, measured{ratio: g.RatioLayer}))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d tokens, recent %d, share %s: lazy %v, want %v", g.Tokens, g.Recent, share, got, want)
			}
		}
	}
}

// bruteForce is the queue by its definition: all units seen so far that are still
// full; while they are more than full, the laziest measured one goes, among equals
// the last in unit order.
func bruteForce(scores []float64, perLayer, full int) (order [][3]int) {
	var in []int
	for layer := 0; layer*perLayer < len(scores); layer++ {
		for u := layer * perLayer; u < (layer+1)*perLayer; u++ {
			in = append(in, u)
		}
		for len(in) > full {
			best := -1
			for i, u := range in {
				if !math.IsNaN(scores[u]) && (best < 0 || scores[u] >= scores[in[best]]) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			u := in[best]
			in = slices.Delete(in, best, best+1)
			order = append(order, [3]int{u / perLayer, u % perLayer, layer})
		}
	}
	return order
}

func TestQueueAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 400 {
		s := Shape{Layers: 1 + r.IntN(12), KVHeads: 1 + r.IntN(3)}
		s.Heads = s.KVHeads * (1 + r.IntN(3))
		group := s.Heads / s.KVHeads
		share := float64(r.IntN(21)) / 20
		value := func() float64 { // few values, so that there are ties, and some unknown
			if r.IntN(15) == 0 {
				return math.NaN()
			}
			return float64(r.IntN(6)) / 8
		}
		var m measured
		var byHeadRatio, byHeadErr, negErr []float64
		for range s.Layers {
			m.ratio, m.err = append(m.ratio, value()), append(m.err, value())
			negErr = append(negErr, -m.err[len(m.err)-1])
			var ratios, errs []float64
			for range s.KVHeads {
				sum := 0.0
				for range group {
					x := value()
					ratios = append(ratios, x)
					sum += x
				}
				byHeadRatio = append(byHeadRatio, sum/float64(group))
				e := value()
				errs, byHeadErr = append(errs, e), append(byHeadErr, -e)
			}
			m.headRatio, m.headErr = append(m.headRatio, ratios), append(m.headErr, errs)
		}
		for _, c := range []struct {
			args   string
			scores []float64
			unit   Unit
		}{
			{"by=ratio,unit=layer", m.ratio, UnitLayer},
			{"by=error,unit=layer", negErr, UnitLayer},
			{"by=ratio,unit=head", byHeadRatio, UnitHead},
			{"by=error,unit=head", byHeadErr, UnitHead},
		} {
			n := c.unit.count(s)
			want := bruteForce(c.scores, n/s.Layers, n-lazyCount(share, n))
			if c.unit == UnitLayer {
				for i := range want {
					want[i][1] = AllHeads
				}
			}
			p := mustParse(t, "lighttransfer:lazy="+formatFloat(share)+","+c.args)
			if got := run(t, p, s, m); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s of %+v with scores %v:\ngot  %v\nwant %v", Spec(p), s, c.scores, got, want)
			}
		}
	}
}

func TestLazyCount(t *testing.T) {
	for _, c := range []struct {
		share   float64
		n, want int
	}{{0.5, 30, 15}, {0.25, 30, 8}, {0.75, 30, 23}, {0.75, 90, 68}, {0, 30, 0}, {1, 30, 30}, {0.5, 1, 1}, {0.49, 1, 0}, {0.5, 64, 32}} {
		if got := lazyCount(c.share, c.n); got != c.want {
			t.Errorf("%v of %d: %d lazy, want %d", c.share, c.n, got, c.want)
		}
	}
}

// A layer without a measure stays full and is one of the P; the wrong number of
// heads is no measure.
func TestUnmeasuredStaysFull(t *testing.T) {
	s := Shape{Layers: 4, Heads: 2, KVHeads: 1}
	nan := math.NaN()
	got := run(t, mustParse(t, "lighttransfer:lazy=0.5"), s, measured{ratio: []float64{nan, 0.9, 0.2, 0.4}})
	if want := [][3]int{{1, AllHeads, 2}, {3, AllHeads, 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	all := []float64{nan, nan, nan, nan}
	heads := [][]float64{{1}, {1}, {1}, {1}}
	for _, spec := range []string{"lighttransfer:lazy=1", "lighttransfer:lazy=1,by=error", "threshold:0", "lighttransfer:lazy=1,unit=head", "lighttransfer:lazy=1,by=error,unit=head"} {
		m := measured{ratio: all, err: all, headRatio: heads}
		if strings.Contains(spec, "by=error") {
			m.headErr = [][]float64{{1, 1}, nil, nil, {1, 1}}
		}
		if got := run(t, mustParse(t, spec), s, m); got != nil {
			t.Errorf("%s made %v lazy", spec, got)
		}
	}
}

func TestThreshold(t *testing.T) {
	s := Shape{Layers: 5, Heads: 1, KVHeads: 1}
	got := run(t, mustParse(t, "threshold:0.9"), s, measured{ratio: []float64{0.95, 0.9, 0.1, 1, 0.9000001}})
	if want := [][3]int{{0, AllHeads, 0}, {3, AllHeads, 3}, {4, AllHeads, 4}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v (above, not at, the threshold)", got, want)
	}
}

func TestRandom(t *testing.T) {
	s := Shape{Layers: 30, Heads: 1, KVHeads: 1}
	draw := func(spec string) []int { return sortedLayers(run(t, mustParse(t, spec), s, measured{})) }
	one, two := draw("random"), draw("random:seed=2")
	if len(one) != 15 || reflect.DeepEqual(one, two) || !reflect.DeepEqual(one, draw("random:lazy=0.5,seed=1")) {
		t.Errorf("seed 1 draws %v, seed 2 %v", one, two)
	}
	// The draw is part of what a seed means: results name it.
	if want := []int{1, 3, 8, 9, 11, 13, 15, 17, 19, 22, 23, 24, 26, 27, 29}; !reflect.DeepEqual(one, want) {
		t.Errorf("seed 1 draws %v, want %v", one, want)
	}
	// Over many seeds each layer is drawn about as often.
	counts := make([]int, 30)
	for seed := range 600 {
		for _, layer := range draw(fmt.Sprintf("random:seed=%d", seed)) {
			counts[layer]++
		}
	}
	if slices.Min(counts) < 230 || slices.Max(counts) > 370 {
		t.Errorf("drawn of 600 times, expected about 300 each: %v", counts)
	}
}

func TestPyramid(t *testing.T) {
	for _, layers := range []int{1, 2, 7, 30} {
		for _, recent := range []int{1, 7, 20, 1020} {
			for _, share := range []string{"0.5", "1"} {
				st := testSettings
				st.Window.Recent = recent
				p, err := Parse("pyramid:lazy="+share, st)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Begin(Shape{layers, 1, 1}); err != nil {
					t.Fatal(err)
				}
				var sizes []int
				total := 0
				for layer := range layers {
					for _, d := range p.Observe(Observation{Layer: layer}) {
						if d.Head != (Head{layer, AllHeads}) || d.Window.Sink != 4 || d.Window.Recent < 1 {
							t.Fatalf("decision %+v after layer %d", d, layer)
						}
						sizes = append(sizes, d.Window.Recent)
						total += d.Window.Recent
					}
				}
				k := layers
				if share == "0.5" {
					k = lazyCount(0.5, layers)
				}
				if len(sizes) != k || total != k*recent || !slices.IsSortedFunc(sizes, func(a, b int) int { return b - a }) {
					t.Errorf("%d layers, recent %d, share %s: windows %v, want %d falling ones with a mean of %d", layers, recent, share, sizes, k, recent)
				}
			}
		}
	}
}

func TestFixedShapes(t *testing.T) {
	pattern := func(spec string, layers int) string {
		s := Shape{layers, 4, 2}
		p := mustParse(t, spec)
		if p.Needs() != (Needs{}) || p.Observe(Observation{Ratio: 1}) != nil {
			t.Errorf("%s wants to decide while prefilling", spec)
		}
		ws, err := p.Begin(s)
		if err != nil {
			t.Fatal(err)
		}
		if ws == nil {
			return strings.Repeat("F", layers)
		}
		if len(ws) != 2*layers {
			t.Fatalf("%s: %d windows for %d heads", spec, len(ws), 2*layers)
		}
		var b strings.Builder
		for i := range layers {
			switch {
			case ws[2*i] != ws[2*i+1]:
				b.WriteByte('?')
			case ws[2*i] == kv.Window{}:
				b.WriteByte('F')
			case ws[2*i] == testSettings.Window:
				b.WriteByte('l')
			}
		}
		return b.String()
	}
	for _, c := range []struct {
		spec   string
		layers int
		want   string
	}{
		{"full", 3, "FFF"},
		{"streaming", 3, "lll"},
		{"longgen", 9, "lllFFFlll"},
		{"longgen", 8, "llFFFlll"},
		{"longgen", 1, "F"},
		{"longgen", 2, "Fl"},
		{"longgen", 32, strings.Repeat("l", 10) + strings.Repeat("F", 11) + strings.Repeat("l", 11)},
	} {
		if got := pattern(c.spec, c.layers); got != c.want {
			t.Errorf("%s of %d layers: %s, want %s", c.spec, c.layers, got, c.want)
		}
	}
}

// Every policy: Parse reads what Spec writes and gives an equal policy, Clone and a
// second Begin start over, and what it lists of itself is true.
func TestPolicies(t *testing.T) {
	specs := map[string][]string{
		"full":          {"full"},
		"lighttransfer": {"lighttransfer", "lighttransfer:lazy=0.75", "lighttransfer:unit=head,by=error,lazy=1e-1", "lighttransfer:lazy=0"},
		"plan":          {"plan:qwq-32b-lighttransfer", "plan:qwq-32b-lighttransfer,cut=after"},
		"threshold":     {"threshold:0.9", "threshold:1", "threshold:0"},
		"streaming":     {"streaming"},
		"random":        {"random", "random:seed=18446744073709551615", "random:lazy=0.3,seed=0"},
		"pyramid":       {"pyramid", "pyramid:lazy=1"},
		"longgen":       {"longgen"},
		"squeeze":       {"squeeze", "squeeze:p=0.4,keep=0.25", "squeeze:keep=0,p=1"},
		"minicache":     {"minicache", "minicache:keep=0.5,t=0.5,gamma=0"},
		"snapkv":        {"snapkv", "snapkv:kernel=5,pool=avg", "snapkv:keep=0.1,kernel=1"},
	}
	s := Shape{Layers: 64, Heads: 40, KVHeads: 8}
	var m measured
	r := rand.New(rand.NewPCG(1, 1))
	for range s.Layers {
		m.ratio, m.err = append(m.ratio, r.Float64()), append(m.err, r.Float64())
		var a, b []float64
		for range s.Heads {
			a = append(a, r.Float64())
		}
		for range s.KVHeads {
			b = append(b, r.Float64())
		}
		m.headRatio, m.headErr = append(m.headRatio, a), append(m.headErr, b)
	}
	votes, distances := make([][]float32, s.KVHeads), make([][]float32, s.KVHeads)
	for h := range votes {
		for range 2000 - testSettings.Last {
			votes[h] = append(votes[h], r.Float32())
		}
		for range 2000 {
			distances[h] = append(distances[h], r.Float32())
		}
	}
	observe := func(p Policy) (out []Decision) {
		for i := range s.Layers {
			out = append(out, p.Observe(Observation{Layer: i, Tokens: 2000, Ratio: m.ratio[i], HeadRatio: m.headRatio[i], Error: m.err[i], HeadError: m.headErr[i],
				Cosine: m.ratio[i], Votes: votes, KeyDistances: distances, ValueDistances: distances})...)
		}
		return out
	}
	for _, info := range Policies() {
		if info.Summary == "" || !strings.HasPrefix(info.Usage, info.Name) || len(specs[info.Name]) == 0 {
			t.Errorf("%+v: incomplete or untested", info)
		}
		for _, spec := range specs[info.Name] {
			p := mustParse(t, spec)
			q := mustParse(t, Spec(p))
			if p.Name() != info.Name || Spec(p) != Spec(q) || !reflect.DeepEqual(p, q) {
				t.Errorf("%s writes %s, which reads as %s", spec, Spec(p), Spec(q))
			}
			w1, err1 := p.Begin(s)
			d1 := observe(p)
			c := p.Clone()
			if c.Observe(Observation{Ratio: 1}) != nil {
				t.Errorf("%s: a clone that has not begun decides", spec)
			}
			w2, err2 := c.Begin(s)
			d2 := observe(c)
			w3, err3 := p.Begin(s)
			d3 := observe(p)
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Errorf("%s: %v", spec, err)
			}
			if !reflect.DeepEqual(w1, w2) || !reflect.DeepEqual(d1, d2) || !reflect.DeepEqual(w1, w3) || !reflect.DeepEqual(d1, d3) {
				t.Errorf("%s: the clone or the second sequence is decided differently", spec)
			}
			if p.Needs() == (Needs{}) && d1 != nil {
				t.Errorf("%s needs nothing and decides", spec)
			}
			for _, bad := range []Shape{{}, {Layers: 1, Heads: 3, KVHeads: 2}, {Layers: -1, Heads: 1, KVHeads: 1}} {
				if _, err := p.Clone().Begin(bad); err == nil {
					t.Errorf("%s begins with the shape %+v", spec, bad)
				}
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"":                              "choose one of full, lighttransfer[:lazy=0.5]",
		"Full":                          "unknown policy",
		"lightning":                     "threshold:RATIO",
		"full:":                         "nothing after the colon",
		"full:lazy=1":                   "it takes none",
		"streaming:x":                   "it takes none",
		"longgen:x":                     "it takes none",
		"lighttransfer:":                "nothing after the colon",
		"lighttransfer:lazy":            "has no value",
		"lighttransfer:lazy=":           "from 0 to 1",
		"lighttransfer:lazy=1.5":        "from 0 to 1",
		"lighttransfer:lazy=-0":         "from 0 to 1",
		"lighttransfer:lazy=NaN":        "from 0 to 1",
		"lighttransfer:lazy=50%":        "from 0 to 1",
		"lighttransfer:lazy=0.5,":       "unknown argument",
		"lighttransfer:by=mass":         "must be ratio or error",
		"lighttransfer:unit=heads":      "must be layer or head",
		"lighttransfer:lazy=0,lazy=1":   "given twice",
		"lighttransfer:share=0.5":       "it takes lazy, by, unit",
		"random:seed=-1":                "whole number",
		"random:lazy=0.5,seed=1,seed=1": "given twice",
		"pyramid:seed=1":                "it takes lazy",
		"threshold":                     "Llama-3 0.9",
		"threshold:2":                   "from 0 to 1",
		"plan":                          "no plan is named",
		"plan:nowhere.json":             "presets: qwq-32b-lighttransfer",
		"squeeze:p=2":                   "from 0 to 1",
		"squeeze:lazy=0.5":              "it takes keep, p",
		"snapkv:kernel=4":               "odd number",
		"snapkv:pool=min":               "must be max or avg",
		"minicache:keep=0.4":            "more than half",
		"minicache:lazy=0.5":            "it takes keep, t, gamma",
	} {
		p, err := Parse(spec, testSettings)
		if err == nil || p != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v; want an error with %q", spec, p, err, want)
		}
	}
	if _, err := Parse("auto", testSettings); !errors.Is(err, ErrAuto) {
		t.Errorf("auto: %v", err)
	}
	for _, st := range []Settings{{Last: 32}, {Window: kv.Window{Sink: 4}, Last: 32}, {Window: kv.Window{Recent: 8, Stride: 1}, Last: 32}, {Window: kv.Window{Recent: 1 << 40}, Last: 32}} {
		for _, spec := range []string{"lighttransfer", "threshold:0.9", "streaming", "random", "pyramid", "longgen", "squeeze", "snapkv", "minicache"} {
			if p, err := Parse(spec, st); err == nil || p != nil {
				t.Errorf("%s with the window %v is accepted", spec, st.Window)
			}
		}
	}
	for _, spec := range []string{"lighttransfer", "snapkv"} {
		if _, err := Parse(spec, Settings{Window: kv.Window{Recent: 8}}); err == nil {
			t.Errorf("%s observes no queries and is accepted", spec)
		}
	}
	if _, err := Parse("full", Settings{}); err != nil {
		t.Errorf("full needs no window: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"full", "lighttransfer:lazy=0.5,by=error,unit=head", "threshold:0.9", "random:lazy=0.5,seed=1", "pyramid", "plan:qwq-32b-lighttransfer", "lighttransfer:lazy=1e-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if strings.HasPrefix(spec, "plan:") && spec != "plan:qwq-32b-lighttransfer" {
			t.Skip("names a file")
		}
		p, err := Parse(spec, testSettings)
		if err != nil {
			return
		}
		q, err := Parse(Spec(p), testSettings)
		if err != nil || Spec(q) != Spec(p) || !reflect.DeepEqual(p, q) {
			t.Fatalf("%q writes %q, which reads as %v, %v", spec, Spec(p), q, err)
		}
	})
}

func TestPlanPolicyFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a plan, mine=yes.json")
	if err := os.WriteFile(path, []byte(`{"model":"m","layers":2,"lazy_layers":[1],"window":{"sink":1,"recent":9,"stride":4},"lazy_heads":[[0,1],[1,0,77,0]]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	p := mustParse(t, "plan:"+path)
	if p.Name() != "plan" || p.Args() != path {
		t.Errorf("it is called %s", Spec(p))
	}
	ws, err := p.Begin(Shape{2, 4, 2})
	own := kv.Window{Sink: 1, Recent: 9, Stride: 4}
	if want := []kv.Window{{}, own, {Sink: 1, Recent: 77}, own}; err != nil || !reflect.DeepEqual(ws, want) {
		t.Errorf("windows %v, %v; want %v", ws, err, want)
	}
	if _, err := p.Begin(Shape{3, 4, 2}); err == nil || !strings.Contains(err.Error(), "2 layers, the model has 3") {
		t.Errorf("a plan for another model: %v", err)
	}
	if _, err := Parse("plan:"+filepath.Dir(path), testSettings); err == nil {
		t.Error("a folder is read as a plan")
	}
}
