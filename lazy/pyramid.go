package lazy

import (
	"fmt"

	"github.com/lighttransfer/lighttransfer/kv"
)

var pyramidInfo = Info{
	Name:    "pyramid",
	Usage:   "pyramid[:lazy=0.5]",
	Summary: "the deeper the layer, the smaller its window; as many bytes as lighttransfer with the same share",
	Paper:   "PyramidKV, arXiv 2406.02069; ablation in LightTransfer, arXiv 2410.13846",
}

// pyramid gives deeper layers less. The last k layers, a share lazy of them, are
// cut once they have read the prompt; the others stay full. The number of recent
// tokens falls linearly over those k from about twice the configured one, R, to a
// twentieth of it, with a mean of exactly R:
//
//	recent
//	full  ████████████
//	2R    ............\
//	R                   \        k windows, mean R
//	R/20                  \
//	      layer 0 ──────── L−1
//
// So at every prompt length it holds the bytes that lighttransfer holds with the
// same share and window, and only the shape is compared. With lazy=1 every layer
// is windowed. Sinks and stride are those of the configured window everywhere.
//
//   - lazy: share of the layers, 0 to 1, default 0.5.
//
// It asks for the lazy ratio, which it does not use, so that the layers are cut
// after the prompt as lighttransfer cuts them.
type pyramid struct {
	st    Settings
	share float64

	layers, k int
	next      int // first layer not yet observed
}

func parsePyramid(args string, st Settings) (Policy, error) {
	p := &pyramid{st: st, share: 0.5}
	if err := parseArgs(args, shareArg("lazy", &p.share)); err != nil {
		return nil, err
	}
	return p, st.validateLast()
}

func (p *pyramid) Name() string { return "pyramid" }
func (p *pyramid) Args() string { return fmt.Sprintf("lazy=%s", formatFloat(p.share)) }
func (p *pyramid) Needs() Needs { return Needs{Ratio: true} }

func (p *pyramid) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p.layers, p.k, p.next = s.Layers, lazyCount(p.share, s.Layers), 0
	return nil, nil
}

// Bound: the first layers stay full, the windows of the others have the configured
// one as their mean.
func (p *pyramid) Bound(s Shape, _ int) Bound {
	return Bound{Full: (s.Layers - lazyCount(p.share, s.Layers)) * s.KVHeads, Cut: p.st.Window}
}

func (p *pyramid) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.layers {
		return nil
	}
	p.next = o.Layer + 1
	i := o.Layer - (p.layers - p.k)
	if i < 0 {
		return nil
	}
	w := p.st.Window
	w.Recent = pyramidRecent(w.Recent, p.k, i)
	return []Decision{{Head: Head{o.Layer, AllHeads}, Window: w}}
}

// pyramidRecent is the i-th of k window sizes that fall linearly around a mean of
// exactly mean. They pair up, first with last: each pair adds up to 2 mean.
func pyramidRecent(mean, k, i int) int {
	low := max(1, mean/20)
	high := 2*mean - low
	switch j := k - 1 - i; {
	case i == j:
		return mean
	case i < j:
		return high - (high-low)*i/(k-1)
	default:
		return 2*mean - (high - (high-low)*j/(k-1))
	}
}

func (p *pyramid) Clone() Policy { return &pyramid{st: p.st, share: p.share} }
