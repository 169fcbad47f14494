package lazy

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

var randomInfo = Info{
	Name:    "random",
	Usage:   "random[:lazy=0.5][,seed=1]",
	Summary: "a share of the layers, drawn by chance, becomes lazy as each has read the prompt; what any cleverer choice has to beat",
	Paper:   "ablation in LightTransfer, arXiv 2410.13846",
}

// random makes layers lazy by chance. It differs from lighttransfer in nothing but
// the choice: the layers read the whole prompt and are cut after it.
//
//   - lazy: share of the layers, 0 to 1, default 0.5;
//   - seed: default 1; the same seed and number of layers draw the same layers.
//
// It asks for the lazy ratio, which it does not use, so that what it dropped can be
// reported beside what lighttransfer would have.
type random struct {
	st    Settings
	share float64
	seed  uint64

	lazy []bool // [layer] chosen and not yet cut
}

func parseRandom(args string, st Settings) (Policy, error) {
	p := &random{st: st, share: 0.5, seed: 1}
	if err := parseArgs(args, shareArg("lazy", &p.share), seedArg("seed", &p.seed)); err != nil {
		return nil, err
	}
	return p, st.validateLast()
}

func (p *random) Name() string { return "random" }
func (p *random) Args() string { return fmt.Sprintf("lazy=%s,seed=%d", formatFloat(p.share), p.seed) }
func (p *random) Needs() Needs { return Needs{Ratio: true} }

func (p *random) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	// Every layer draws a number; the lowest become lazy.
	draw := rand.NewPCG(p.seed, 0)
	keys := make([]uint64, s.Layers)
	order := make([]int, s.Layers)
	for i := range keys {
		keys[i], order[i] = draw.Uint64(), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	p.lazy = make([]bool, s.Layers)
	for _, layer := range order[:lazyCount(p.share, s.Layers)] {
		p.lazy[layer] = true
	}
	return nil, nil
}

// Bound: the layers that were not drawn stay full.
func (p *random) Bound(s Shape, _ int) Bound {
	return Bound{Full: (s.Layers - lazyCount(p.share, s.Layers)) * s.KVHeads, Cut: p.st.Window}
}

func (p *random) Observe(o Observation) []Decision {
	if o.Layer < 0 || o.Layer >= len(p.lazy) || !p.lazy[o.Layer] {
		return nil
	}
	p.lazy[o.Layer] = false
	return []Decision{{Head: Head{o.Layer, AllHeads}, Window: p.st.Window}}
}

func (p *random) Clone() Policy { return &random{st: p.st, share: p.share, seed: p.seed} }
