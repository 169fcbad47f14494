package lazy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

// FromFrequency makes a plan as LightTransfer-Train does: each sample picks lazy
// layers (or KV heads), the share of units that was picked most often is lazy for
// good, ties going to the lower index. picks is [sample][units in any order]; a
// unit of layers is Head{Layer, AllHeads}.
func FromFrequency(s Shape, unit Unit, picks [][]Head, share float64, w kv.Window) (*Plan, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(picks) == 0 {
		return nil, errors.New("plan from frequencies: no samples")
	}
	counts := make([]int, unit.count(s)) // [unit]
	last := make([]int, len(counts))     // [unit] the sample, from 1, that picked it last
	for i, heads := range picks {
		for _, h := range heads {
			n := h.Layer
			if unit == UnitHead {
				n = h.Layer*s.KVHeads + h.KVHead
			}
			if n < 0 || n >= len(counts) || unit.head(s, n) != h {
				return nil, fmt.Errorf("plan from frequencies: sample %d picked %s %s, which the model does not have", i, unit, h)
			}
			if last[n] == i+1 {
				return nil, fmt.Errorf("plan from frequencies: sample %d picked %s %s twice", i, unit, h)
			}
			last[n] = i + 1
			counts[n]++
		}
	}
	lazy, err := takeShare(len(counts), share, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	if err != nil {
		return nil, err
	}
	p, err := newPlan(s, unit, lazy, w)
	if err != nil {
		return nil, err
	}
	p.Samples = len(picks)
	p.MadeBy = fmt.Sprintf("frequency over %d samples, %s of the %ss lazy", len(picks), formatFloat(share), unit)
	if unit == UnitLayer {
		p.Frequency = counts
	} else {
		p.HeadFrequency = slices.Collect(slices.Chunk(counts, s.KVHeads))
	}
	return p, nil
}

// FromScores makes a plan from what each unit loses when it is lazy (the calibrated
// output error; for the attention mass, 1 − lazy ratio): units whose score is below
// the threshold are lazy, the rest full. scores is [layer][KV head], or with
// UnitLayer [layer][1].
func FromScores(scores [][]float64, unit Unit, threshold float64, w kv.Window) (*Plan, error) {
	s, flat, err := flatScores(scores, unit)
	if err != nil {
		return nil, err
	}
	if !finite(threshold) || threshold <= 0 {
		return nil, fmt.Errorf("plan from scores: the threshold is %v, must be above 0", threshold)
	}
	var lazy []int
	for i, x := range flat {
		if x < threshold {
			lazy = append(lazy, i)
		}
	}
	p, err := newPlan(s, unit, lazy, w)
	if err != nil {
		return nil, err
	}
	p.Scores, p.Threshold = cloneScores(scores), threshold
	p.MadeBy = fmt.Sprintf("scores, %ss below %s lazy", unit, formatFloat(threshold))
	return p, nil
}

// FromScoresShare makes a plan from the same scores by a share: that share of the
// units, those with the lowest scores, is lazy. Among equals the lower stays full.
func FromScoresShare(scores [][]float64, unit Unit, share float64, w kv.Window) (*Plan, error) {
	s, flat, err := flatScores(scores, unit)
	if err != nil {
		return nil, err
	}
	lazy, err := takeShare(len(flat), share, func(a, b int) int {
		return cmp.Or(cmp.Compare(flat[a], flat[b]), cmp.Compare(b, a))
	})
	if err != nil {
		return nil, err
	}
	p, err := newPlan(s, unit, lazy, w)
	if err != nil {
		return nil, err
	}
	p.Scores = cloneScores(scores)
	p.MadeBy = fmt.Sprintf("scores, %s of the %ss lazy", formatFloat(share), unit)
	return p, nil
}

// FromChoices makes a plan in which every lazy KV head has a window of its own. Each
// head weighs what it loses against what it keeps: of everything and all windows it
// takes the one with the least
//
//	score + threshold * share of the given number of tokens that it keeps
//
// so that of all plans that keep as much this one has the least sum of scores. A head
// loses less than the threshold, or it is full; among equals the one that keeps more
// is taken. scores is [window][layer][KV head]; all windows have the same sinks.
//
// The plan's scores are what each lazy head loses under its own window, and what a
// full one would lose at best.
func FromChoices(scores [][][]float64, windows []kv.Window, threshold float64, tokens int) (*Plan, error) {
	if len(windows) == 0 || len(scores) != len(windows) {
		return nil, fmt.Errorf("plan from choices: scores of %d windows, and %d windows", len(scores), len(windows))
	}
	if !finite(threshold) || threshold <= 0 {
		return nil, fmt.Errorf("plan from choices: the threshold is %v, must be above 0", threshold)
	}
	if tokens < 1 {
		return nil, fmt.Errorf("plan from choices: shares of %d tokens", tokens)
	}
	flat := make([][]float64, len(windows)) // [window][unit]
	var s Shape
	for i, w := range windows {
		shape, f, err := flatScores(scores[i], UnitHead)
		if err != nil {
			return nil, err
		}
		if i > 0 && shape != s {
			return nil, errors.New("plan from choices: the scores of the windows differ in shape")
		}
		if w.Sink != windows[0].Sink {
			return nil, fmt.Errorf("plan from choices: windows %s and %s differ in their sinks", w, windows[0])
		}
		s, flat[i] = shape, f
	}
	p, err := newPlan(s, UnitHead, nil, windows[0])
	if err != nil {
		return nil, err
	}
	p.Scores = cloneScores(scores[0])
	count := map[kv.Window]int{}
	for u := range flat[0] {
		h, best, least := UnitHead.head(s, u), -1, 0
		cost, keeps := threshold, tokens // of a full head
		for i, w := range windows {
			if flat[i][u] < flat[least][u] {
				least = i
			}
			k := w.Tokens(tokens)
			c := flat[i][u] + threshold*float64(k)/float64(tokens)
			if c < cost || c == cost && k > keeps {
				best, cost, keeps = i, c, k
			}
		}
		if best < 0 {
			p.Scores[h.Layer][h.KVHead] = flat[least][u]
			continue
		}
		w := windows[best]
		p.Scores[h.Layer][h.KVHead] = flat[best][u]
		p.LazyHeads = append(p.LazyHeads, PlanHead{Layer: h.Layer, KVHead: h.KVHead, Recent: w.Recent, Stride: w.Stride})
		if count[w]++; count[w] > count[p.Window] {
			p.Window = w
		}
	}
	p.Threshold = threshold
	p.MadeBy = fmt.Sprintf("scores under %d windows, each head weighs them against the share it keeps, times %s", len(windows), formatFloat(threshold))
	return p, nil
}

// takeShare are the first of n units in the given order, a share of them, ascending.
func takeShare(n int, share float64, order func(a, b int) int) ([]int, error) {
	if !(share >= 0 && share <= 1) {
		return nil, fmt.Errorf("plan: the lazy share is %v, must be from 0 to 1", share)
	}
	units := make([]int, n)
	for i := range units {
		units[i] = i
	}
	slices.SortFunc(units, order)
	units = units[:lazyCount(share, n)]
	slices.Sort(units)
	return units, nil
}

// flatScores are the scores in unit order, and the shape they imply.
func flatScores(scores [][]float64, unit Unit) (Shape, []float64, error) {
	if len(scores) == 0 || len(scores[0]) == 0 {
		return Shape{}, nil, errors.New("plan from scores: no scores")
	}
	n := len(scores[0])
	if unit == UnitLayer && n != 1 {
		return Shape{}, nil, fmt.Errorf("plan from scores of layers: one score per layer wanted, not %d", n)
	}
	var flat []float64
	for layer, row := range scores {
		if len(row) != n {
			return Shape{}, nil, fmt.Errorf("plan from scores: layer %d has %d scores, layer 0 has %d", layer, len(row), n)
		}
		for head, x := range row {
			if !finite(x) {
				return Shape{}, nil, fmt.Errorf("plan from scores: the score of layer %d, head %d is %v", layer, head, x)
			}
		}
		flat = append(flat, row...)
	}
	return Shape{Layers: len(scores), Heads: n, KVHeads: n}, flat, nil
}

// newPlan is a plan with the given units lazy.
func newPlan(s Shape, unit Unit, lazy []int, w kv.Window) (*Plan, error) {
	if err := (Settings{Window: w}).validate(); err != nil {
		return nil, err
	}
	p := &Plan{Layers: s.Layers, LazyLayers: []int{}, Window: w, Frequency: []int{}}
	for _, i := range lazy {
		if h := unit.head(s, i); unit == UnitHead {
			p.LazyHeads = append(p.LazyHeads, PlanHead{Layer: h.Layer, KVHead: h.KVHead})
		} else {
			p.LazyLayers = append(p.LazyLayers, h.Layer)
		}
	}
	return p, nil
}

func cloneScores(scores [][]float64) [][]float64 {
	c := make([][]float64, len(scores))
	for i := range scores {
		c[i] = slices.Clone(scores[i])
	}
	return c
}
