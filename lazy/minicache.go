package lazy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

var miniCacheInfo = Info{
	Name:    "minicache",
	Usage:   "minicache[:keep=0.75][,t=0.6][,gamma=0.05]",
	Summary: "the deeper layers share the directions of their keys and values in pairs; lengths, and tokens that differ much, are kept; slow",
	Paper:   "MiniCache, arXiv 2405.14366",
}

// miniCache is MiniCache: from some layer on, layers are merged in twos when the
// upper one has read the prompt. Of a token's two keys (and likewise values) of a KV
// head remain their lengths and one direction, on the arc between the two
// directions (spherical interpolation). Tokens whose directions differ most stay
// unmerged. Attention sees, in either layer, the common direction with the layer's
// own length, or what was retained:
//
//		e = sin((1-t)Ω)/sin(Ω) x/|x| + sin(tΩ)/sin(Ω) y/|y|      Ω the angle between x and y
//		x becomes e|x|, y becomes e|y|                          x of the lower layer, y of the upper
//		retained:  d > dmax − gamma (dmax − dmin)                d = Ω/π, over the prompt's tokens
//
//	  - keep: the share of full attention's KV bytes that is kept of the prompt, 0.5 to
//	    1, default 0.75, about what the paper's choice comes to, the deeper half of the
//	    layers. It decides how many pairs are merged, the deepest ones, and bounds how many
//	    tokens are retained: the farthest, if there is no room for all. A pair takes
//	    somewhat more than half (lengths, the prompt's last page): a share near 0.5
//	    cannot be met, every pair is merged then;
//	  - t: 0 to 1, default 0.6 (the paper's): nearer to the upper layer;
//	  - gamma: 0 to 1, default 0.05 (the paper's).
//
// A token is retained when its keys or its values are far apart. Whole pages of the
// prompt are merged; the rest of it and decoded tokens stay as they are.
//
// Merged pages are made again for every attention, which is slow: this is here to
// compare what is kept, not how fast.
type miniCache struct {
	st             Settings
	keep, t, gamma float64

	shape Shape
	next  int // first layer not yet observed
}

func parseMiniCache(args string, st Settings) (Policy, error) {
	p := &miniCache{st: st, keep: 0.75, t: 0.6, gamma: 0.05}
	if err := parseArgs(args, shareArg("keep", &p.keep), shareArg("t", &p.t), shareArg("gamma", &p.gamma)); err != nil {
		return nil, err
	}
	if p.keep < 0.5 {
		return nil, errors.New("two layers that are merged keep more than half of their bytes: keep must be 0.5 to 1")
	}
	return p, st.validate()
}

func (p *miniCache) Name() string { return "minicache" }

func (p *miniCache) Args() string {
	return fmt.Sprintf("keep=%s,t=%s,gamma=%s", formatFloat(p.keep), formatFloat(p.t), formatFloat(p.gamma))
}

func (p *miniCache) Needs() Needs { return Needs{Distances: true} }

func (p *miniCache) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p.shape, p.next = s, 0
	return nil, nil
}

// lengthPages is what the lengths of a merged page take, in pages: exact for heads
// of 64 dimensions in bf16. mostLengthPages is for heads of 32 in int8.
const (
	lengthPages     = 1.0 / 32
	mostLengthPages = 1.0 / 9
)

// pairs is how many pairs of layers are merged after a prompt, and how many pages
// of retained tokens each of the two layers may keep in a KV head.
func (p *miniCache) pairs(s Shape, tokens int) (pairs, retained int) {
	prompt, whole := pagesOf(tokens), tokens/kv.PageTokens
	rest := prompt - whole
	// Pages of a KV head, over all layers.
	give := float64(s.Layers*prompt) * (1 - p.keep)
	saved := float64(2*prompt) - float64(whole)*(1+lengthPages) - float64(2*rest)
	if p.gamma > 0 && saved > 2 {
		pairs = int(math.Ceil(give/(saved-2) - 1e-9)) // with a page of retained tokens in each of the two
	} else if saved > 0 {
		pairs = int(math.Ceil(give/saved - 1e-9))
	}
	if pairs = min(pairs, s.Layers/2); pairs == 0 {
		return 0, 0
	}
	spare := float64(pairs)*saved - give
	return pairs, min(max(0, int(spare/float64(2*pairs))), whole)
}

// Bound: the layers that are not merged stay full. One pair is full besides while
// it is read, and a layer is made whole again while attention looks at it.
func (p *miniCache) Bound(s Shape, tokens int) Bound {
	pairs, retained := p.pairs(s, tokens)
	if pairs == 0 {
		return Bound{Full: s.Layers * s.KVHeads}
	}
	prompt, whole := pagesOf(tokens), tokens/kv.PageTokens
	pages := float64(prompt-whole+retained) + float64(whole)*(1+mostLengthPages)/2
	return Bound{Full: (s.Layers - 2*pairs) * s.KVHeads, Cut: shareOf(tokens, pages/float64(prompt), 1), More: 4 * s.KVHeads, Whole: true}
}

func (p *miniCache) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.shape.Layers {
		return nil
	}
	p.next = o.Layer + 1
	pairs, retained := p.pairs(p.shape, o.Tokens)
	above := p.shape.Layers - 1 - o.Layer
	if above%2 != 0 || above/2 >= pairs || len(o.KeyDistances) != p.shape.KVHeads || len(o.ValueDistances) != p.shape.KVHeads {
		return nil
	}
	var merge []Decision
	for h := range p.shape.KVHeads {
		whole := o.Tokens / kv.PageTokens * kv.PageTokens
		far := p.far(o.KeyDistances[h][:whole], o.ValueDistances[h][:whole], retained*kv.PageTokens)
		merge = append(merge, Decision{Head: Head{o.Layer, h}, Merge: &kv.Merge{T: p.t, Retain: far}})
	}
	return merge
}

// far are the positions, ascending, whose keys or values are beyond the threshold;
// at most so many, those that are farthest beyond it, among equals the earlier ones.
func (p *miniCache) far(keys, values []float32, most int) []int {
	beyond := make([]float64, len(keys)) // above the threshold: positive, as a share of the range
	for i := range beyond {
		beyond[i] = -1
	}
	for _, d := range [][]float32{keys, values} {
		if len(d) == 0 {
			return nil
		}
		low, high := float64(slices.Min(d)), float64(slices.Max(d))
		if !(high > low) {
			continue
		}
		for i, x := range d {
			beyond[i] = max(beyond[i], p.gamma-(high-float64(x))/(high-low))
		}
	}
	var list []int
	for i, b := range beyond {
		if b > 0 {
			list = append(list, i)
		}
	}
	if len(list) > most {
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(beyond[b], beyond[a]) })
		list = list[:most]
		slices.Sort(list)
	}
	return list
}

func (p *miniCache) Clone() Policy {
	return &miniCache{st: p.st, keep: p.keep, t: p.t, gamma: p.gamma}
}
