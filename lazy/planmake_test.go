package lazy

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

var testWindow = kv.Window{Sink: 4, Recent: 252, Stride: 8}

func layersOf(layers ...int) (picks []Head) {
	for _, layer := range layers {
		picks = append(picks, Head{layer, AllHeads})
	}
	return picks
}

func TestFromFrequency(t *testing.T) {
	s := Shape{Layers: 5, Heads: 4, KVHeads: 2}
	p, err := FromFrequency(s, UnitLayer, [][]Head{layersOf(4, 1), layersOf(1, 3), layersOf(3, 0)}, 0.6, testWindow)
	if err != nil {
		t.Fatal(err)
	}
	// 1 and 3 twice; 0 and 4 once, the lower index is taken; 2 never
	if !reflect.DeepEqual(p.LazyLayers, []int{0, 1, 3}) || !reflect.DeepEqual(p.Frequency, []int{1, 2, 0, 2, 1}) || p.Samples != 3 || p.Window != testWindow {
		t.Errorf("%+v", p)
	}
	if err := p.Validate(s); err != nil {
		t.Error(err)
	}
	p, err = FromFrequency(s, UnitHead, [][]Head{{{4, 1}, {0, 0}}, {{4, 1}, {2, 0}}}, 0.2, testWindow)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.LazyHeads, []PlanHead{{Layer: 0}, {Layer: 4, KVHead: 1}}) ||
		!reflect.DeepEqual(p.HeadFrequency, [][]int{{1, 0}, {0, 0}, {1, 0}, {0, 0}, {0, 2}}) || len(p.LazyLayers) != 0 {
		t.Errorf("%+v", p)
	}
	if err := p.Validate(s); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		unit  Unit
		picks [][]Head
		share float64
		want  string
	}{
		{UnitLayer, nil, 0.5, "no samples"},
		{UnitLayer, [][]Head{layersOf(5)}, 0.5, "layer 5"},
		{UnitLayer, [][]Head{layersOf(-1)}, 0.5, "layer -1"},
		{UnitLayer, [][]Head{{{1, 0}}}, 0.5, "layer 1.0"},
		{UnitHead, [][]Head{layersOf(2)}, 0.5, "head 2"},
		{UnitHead, [][]Head{{{1, 2}}}, 0.5, "head 1.2"},
		{UnitLayer, [][]Head{layersOf(1), layersOf(2, 2)}, 0.5, "sample 1 picked layer 2 twice"},
		{UnitLayer, [][]Head{layersOf(1)}, math.NaN(), "lazy share"},
	} {
		if _, err := FromFrequency(s, c.unit, c.picks, c.share, testWindow); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
	}
}

func TestFromScores(t *testing.T) {
	scores := [][]float64{{0.02, 0.5}, {0.01, 0.019}, {0.5, 0}}
	p, err := FromScores(scores, UnitHead, 0.02, testWindow)
	if err != nil {
		t.Fatal(err)
	}
	// a score at the threshold stays full
	if want := []PlanHead{{Layer: 1}, {Layer: 1, KVHead: 1}, {Layer: 2, KVHead: 1}}; !reflect.DeepEqual(p.LazyHeads, want) || p.Threshold != 0.02 || !reflect.DeepEqual(p.Scores, scores) {
		t.Errorf("%+v", p)
	}
	if err := p.Validate(Shape{Layers: 3, Heads: 6, KVHeads: 2}); err != nil {
		t.Error(err)
	}
	p.Scores[0][0] = 9
	if scores[0][0] != 0.02 {
		t.Error("the plan shares memory with the scores it was given")
	}
	p, err = FromScores([][]float64{{0.1}, {0.3}, {0.2}}, UnitLayer, 0.25, testWindow)
	if err != nil || !reflect.DeepEqual(p.LazyLayers, []int{0, 2}) || p.LazyHeads != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if err := p.Validate(Shape{Layers: 3, Heads: 6, KVHeads: 2}); err != nil {
		t.Error(err)
	}

	// By share: four equal scores, two of them lazy, the lower ones stay full.
	p, err = FromScoresShare([][]float64{{0.1, 0.1}, {0.1, 0.1}}, UnitHead, 0.5, testWindow)
	if want := []PlanHead{{Layer: 1}, {Layer: 1, KVHead: 1}}; err != nil || !reflect.DeepEqual(p.LazyHeads, want) {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = FromScoresShare(scores, UnitHead, 0.67, testWindow)
	if want := []PlanHead{{}, {Layer: 1}, {Layer: 1, KVHead: 1}, {Layer: 2, KVHead: 1}}; err != nil || !reflect.DeepEqual(p.LazyHeads, want) {
		t.Errorf("%+v, %v", p, err)
	}

	for _, c := range []struct {
		scores [][]float64
		unit   Unit
		w      kv.Window
		want   string
	}{
		{nil, UnitHead, testWindow, "no scores"},
		{[][]float64{{}}, UnitHead, testWindow, "no scores"},
		{[][]float64{{1}, {1, 2}}, UnitHead, testWindow, "layer 1 has 2"},
		{[][]float64{{1}, {math.NaN()}}, UnitHead, testWindow, "layer 1, head 0 is NaN"},
		{[][]float64{{1, 2}}, UnitLayer, testWindow, "one score per layer"},
		{[][]float64{{1}}, UnitHead, kv.Window{}, "full attention"},
	} {
		if _, err := FromScores(c.scores, c.unit, 0.02, c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
		if _, err := FromScoresShare(c.scores, c.unit, 0.5, c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("by share: %v, want an error with %q", err, c.want)
		}
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := FromScores(scores, UnitHead, bad, testWindow); err == nil {
			t.Errorf("a threshold of %v is accepted", bad)
		}
	}
	if _, err := FromScoresShare(scores, UnitHead, 1.1, testWindow); err == nil {
		t.Error("a share of 1.1 is accepted")
	}
}

// Every head gets the window with the least of score and price, and so the plan has
// the least sum of scores of all that keep as much.
func TestFromChoices(t *testing.T) {
	windows := []kv.Window{{Sink: 4, Recent: 252, Stride: 8}, {Sink: 4, Recent: 60, Stride: 8}, {Sink: 4, Recent: 60, Stride: 16}, {Sink: 4, Recent: 1020, Stride: 64}}
	scores := [][][]float64{ // [window][layer][KV head]
		{{.001, .009}, {.02, .005}},
		{{.002, .011}, {.03, .005}},
		{{.003, .012}, {.04, .01}},
		{{.004, .013}, {.05, .001}},
	}
	p, err := FromChoices(scores, windows, .01, 4096)
	if err != nil {
		t.Fatal(err)
	}
	// They keep 736, 568, 316 and 1072 of 4,096 tokens, at a price of .0018, .0014, .0008
	// and .0026. 0.0 takes the first (.0028). 0.1 would lose .009 + .0018 and stays full,
	// as 1.0 does; 1.1 takes the last (.0036).
	want := []PlanHead{{0, 0, 252, 8}, {1, 1, 1020, 64}}
	if !slices.Equal(p.LazyHeads, want) {
		t.Errorf("lazy heads %v, want %v", p.LazyHeads, want)
	}
	if want := [][]float64{{.001, .009}, {.02, .001}}; !reflect.DeepEqual(p.Scores, want) {
		t.Errorf("scores %v, want %v", p.Scores, want)
	}
	// No other choice for the four heads that keeps as little loses less.
	sum := func(choice [4]int) (keeps int, loses float64) {
		for u, i := range choice {
			if i == len(windows) {
				keeps += 4096
				continue
			}
			keeps += windows[i].Tokens(4096)
			loses += scores[i][u/2][u%2]
		}
		return keeps, loses
	}
	keeps, loses := sum([4]int{0, 4, 4, 3})
	for i := range 5 * 5 * 5 * 5 {
		if k, l := sum([4]int{i % 5, i / 5 % 5, i / 25 % 5, i / 125}); k <= keeps && l < loses {
			t.Errorf("choice %d keeps %d and loses %g; the plan %d, %g", i, k, l, keeps, loses)
		}
	}
	if err := p.check(); err != nil {
		t.Error(err)
	}
	// In a text that a window holds whole, it saves nothing.
	if p, err := FromChoices(scores[3:], windows[3:], .01, 1024); err != nil || len(p.LazyHeads) != 0 {
		t.Errorf("%v, %v", p, err)
	}
	for name, bad := range map[string]func() (*Plan, error){
		"fewer scores than windows": func() (*Plan, error) { return FromChoices(scores[:3], windows, .01, 4096) },
		"no windows":                func() (*Plan, error) { return FromChoices(nil, nil, .01, 4096) },
		"no tokens":                 func() (*Plan, error) { return FromChoices(scores, windows, .01, 0) },
		"threshold 0":               func() (*Plan, error) { return FromChoices(scores, windows, 0, 4096) },
		"other sinks": func() (*Plan, error) {
			return FromChoices(scores[:2], []kv.Window{windows[0], {Sink: 8, Recent: 60}}, .01, 4096)
		},
		"other shapes": func() (*Plan, error) {
			return FromChoices([][][]float64{scores[0], scores[1][:1]}, windows[:2], .01, 4096)
		},
		"a score that is no number": func() (*Plan, error) {
			return FromChoices([][][]float64{{{math.NaN()}}}, windows[:1], .01, 4096)
		},
	} {
		if _, err := bad(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
