package lazy

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

var squeezeInfo = Info{
	Name:    "squeeze",
	Usage:   "squeeze[:keep=0.5][,p=0.3]",
	Summary: "every layer streams, with a window that is small where attention changes little on this prompt, and large elsewhere",
	Paper:   "SqueezeAttention, arXiv 2404.04793",
}

// squeeze is SqueezeAttention over StreamingLLM: a budget of tokens is dealt out to
// the layers by what their attention does to the residual stream. The cosine of
// the stream before and after a layer's attention, the mean over the prompt's
// tokens, is near 1 where attention changes little. When the last layer has read
// the prompt, the cosines are put into three groups by k-means, and every layer of
// the group with the highest ones gives all but a share p of its budget to the
// layers of the other two:
//
//		budget of a layer, b on average
//		highest group   p b
//		the others      (L b − G p b) / (L − G)      G of L layers are in that group
//
//	  - keep: the share of full attention's KV bytes that is kept of the prompt, b of
//	    its length; 0 to 1, default 0.5;
//	  - p: 0 to 1, default 0.3 (the paper: 0.3 to 0.4 in most cases).
//
// Budgets are counted in the pages that storage is made of, sinks included, so that
// the sum is the share in bytes; sinks and recent tokens need at least a page each.
// A layer has use for no more than the prompt: what
// the others cannot use goes back to the group. A layer whose budget is the whole
// prompt stays full; another's window is as long as its budget allows and has the
// sinks of the configured one, whose recent part and stride are not used. Where the
// cosines do not differ there is no group and every layer has the same budget.
//
// All windows are known only after the last layer, so that the peak is that of
// full attention: this is the method's.
type squeeze struct {
	st      Settings
	keep, p float64

	cosines []float64 // [layer] so far
}

func parseSqueeze(args string, st Settings) (Policy, error) {
	p := &squeeze{st: st, keep: 0.5, p: 0.3}
	if err := parseArgs(args, shareArg("keep", &p.keep), shareArg("p", &p.p)); err != nil {
		return nil, err
	}
	return p, st.validate()
}

func (p *squeeze) Name() string { return "squeeze" }

func (p *squeeze) Args() string {
	return fmt.Sprintf("keep=%s,p=%s", formatFloat(p.keep), formatFloat(p.p))
}

func (p *squeeze) Needs() Needs { return Needs{Cosine: true} }

func (p *squeeze) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p.cosines = make([]float64, s.Layers)
	for i := range p.cosines {
		p.cosines[i] = math.NaN()
	}
	return nil, nil
}

// Bound: all layers keep the share on average.
func (p *squeeze) Bound(_ Shape, tokens int) Bound {
	return Bound{Cut: shareOf(tokens, p.keep, 1), Late: true}
}

func (p *squeeze) Observe(o Observation) []Decision {
	if o.Layer < 0 || o.Layer >= len(p.cosines) {
		return nil
	}
	p.cosines[o.Layer] = o.Cosine
	if o.Layer != len(p.cosines)-1 {
		return nil
	}
	var cut []Decision
	for layer, pages := range p.budgets(pagesOf(o.Tokens)) {
		if w := p.window(pages, o.Tokens); !w.Full() {
			cut = append(cut, Decision{Head: Head{layer, AllHeads}, Window: w})
		}
	}
	p.cosines = nil // decided
	return cut
}

// budgets deals out pages to the layers after a prompt of so many pages. [layer]
func (p *squeeze) budgets(prompt int) []int {
	least := 1 + pagesOf(p.st.Window.Sink)
	least = min(least, prompt)
	small := highest(p.cosines)
	layers, g := len(p.cosines), 0
	for _, s := range small {
		if s {
			g++
		}
	}
	total := int(p.keep * float64(layers) * float64(prompt))
	forSmall := int(p.p * p.keep * float64(g) * float64(prompt))
	forSmall = max(forSmall, total-(layers-g)*prompt, g*least)
	budgets := make([]int, layers)
	ofSmall, ofOthers := 0, 0
	for i := range budgets {
		if small[i] {
			budgets[i] = deal(forSmall, g, ofSmall)
			ofSmall++
		} else {
			budgets[i] = deal(total-forSmall, layers-g, ofOthers)
			ofOthers++
		}
		budgets[i] = min(max(budgets[i], least), prompt)
	}
	return budgets
}

// window is the largest one that holds so many pages after a prompt.
func (p *squeeze) window(pages, tokens int) kv.Window {
	prompt := pagesOf(tokens)
	if pages >= prompt {
		return kv.Window{}
	}
	recent := pages - pagesOf(p.st.Window.Sink)
	return kv.Window{Sink: p.st.Window.Sink, Recent: tokens - (prompt-recent)*kv.PageTokens}
}

// highest says which values are in the highest of three groups, by k-means: the
// cuts of the sorted values that make the sum of squared distances to the groups'
// means smallest, found by trying all of them. Values that are NaN are in no group,
// and nothing is when fewer than two different ones are left.
func highest(values []float64) []bool {
	in := make([]bool, len(values))
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(sorted)
	if len(sorted) == 0 || sorted[0] == sorted[len(sorted)-1] {
		return in
	}
	// Sums of what is before a place; from the mean, so that little is lost.
	n, mean := len(sorted), 0.0
	for _, v := range sorted {
		mean += v / float64(n)
	}
	sum, squares := make([]float64, n+1), make([]float64, n+1)
	for i, v := range sorted {
		sum[i+1], squares[i+1] = sum[i]+v-mean, squares[i]+(v-mean)*(v-mean)
	}
	spread := func(from, to int) float64 { // squared distances to the mean of a group
		if from == to {
			return 0
		}
		s := sum[to] - sum[from]
		return squares[to] - squares[from] - s*s/float64(to-from)
	}
	least, top := math.Inf(1), 0.0
	for i := range n {
		for j := max(i, 1); j < n; j++ {
			if s := spread(0, i) + spread(i, j) + spread(j, n); s < least {
				least, top = s, sorted[j]
			}
		}
	}
	for i, v := range values {
		in[i] = cmp.Compare(v, top) >= 0
	}
	return in
}

func (p *squeeze) Clone() Policy { return &squeeze{st: p.st, keep: p.keep, p: p.p} }
