package lazy

import (
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/kv"
)

var lightTransferInfo = Info{
	Name:    "lighttransfer",
	Usage:   "lighttransfer[:lazy=0.5][,by=ratio|error][,unit=layer|head]",
	Summary: "a share of the layers, the laziest on this prompt, is found and cut while the prompt is read",
	Paper:   "LightTransfer-Test, arXiv 2410.13846; by=error and unit=head are this project's own",
}

// lightTransfer is LightTransfer-Test. While the prompt is read layer by layer, a
// queue holds the P units that stay full so far; with each layer that comes in, the
// laziest in excess leave it and are cut at once:
//
//	P = 3 of 6 layers stay full
//
//	layer read     0     1      2        3        4        5
//	lazy ratio   .97   .60    .92      .75      .99      .50
//	becomes lazy                         0        4        2
//	full so far    0   0 1  0 1 2    1 2 3    1 2 3    1 3 5
//
// So while it reads it holds P full caches and the one being filled, never all.
//
//   - lazy: share of the units that end lazy, 0 to 1, default 0.5; rounded to whole
//     units, a half up;
//   - by: ratio (default, the paper's): the highest lazy ratio leaves first; error:
//     the lowest output error does;
//   - unit: layer (default, the paper's) or head, one KV head. A KV head's ratio is
//     the mean over its query heads.
//
// Among equals the higher layer, then the higher head, is cut first: the lower stays
// full. A unit whose measure is NaN or missing is never cut; it is one of the P.
type lightTransfer struct {
	st    Settings
	share float64
	by    measure
	unit  Unit

	shape Shape
	full  int   // P
	next  int   // first layer not yet observed
	queue queue // units that are full so far
}

// A measure is what lighttransfer ranks by.
type measure int

const (
	byRatio measure = iota
	byError
)

var measureNames = []string{"ratio", "error"}

func parseLightTransfer(args string, st Settings) (Policy, error) {
	p := &lightTransfer{st: st, share: 0.5}
	err := parseArgs(args,
		shareArg("lazy", &p.share),
		choiceArg("by", &p.by, measureNames...),
		choiceArg("unit", &p.unit, UnitLayer.String(), UnitHead.String()))
	if err != nil {
		return nil, err
	}
	return p, st.validateLast()
}

func (p *lightTransfer) Name() string { return "lighttransfer" }

func (p *lightTransfer) Args() string {
	return fmt.Sprintf("lazy=%s,by=%s,unit=%s", formatFloat(p.share), measureNames[p.by], p.unit)
}

func (p *lightTransfer) Needs() Needs {
	return Needs{Ratio: p.by == byRatio, Error: p.by == byError}
}

func (p *lightTransfer) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	n := p.unit.count(s)
	p.shape, p.full, p.next, p.queue = s, n-lazyCount(p.share, n), 0, nil
	return nil, nil
}

// Bound: P units stay full.
func (p *lightTransfer) Bound(s Shape, _ int) Bound {
	n := p.unit.count(s)
	return Bound{Full: (n - lazyCount(p.share, n)) * (s.Layers * s.KVHeads / n), Cut: p.st.Window}
}

func (p *lightTransfer) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.shape.Layers {
		return nil
	}
	p.next = o.Layer + 1
	if p.unit == UnitLayer {
		p.queue.push(Head{o.Layer, AllHeads}, p.laziness(o))
	} else {
		for h := range p.shape.KVHeads {
			p.queue.push(Head{o.Layer, h}, p.headLaziness(o, h))
		}
	}
	var cut []Decision
	for len(p.queue) > p.full {
		unit, ok := p.queue.pop()
		if !ok {
			break // only units that were not measured are left
		}
		cut = append(cut, Decision{Head: unit, Window: p.st.Window})
	}
	return cut
}

// laziness is what the queue is ordered by: the higher, the sooner cut.
func (p *lightTransfer) laziness(o Observation) float64 {
	if p.by == byError {
		return -o.Error
	}
	return o.Ratio
}

func (p *lightTransfer) headLaziness(o Observation, kvHead int) float64 {
	if p.by == byError {
		if len(o.HeadError) != p.shape.KVHeads {
			return math.NaN()
		}
		return -o.HeadError[kvHead]
	}
	if len(o.HeadRatio) != p.shape.Heads {
		return math.NaN()
	}
	group := p.shape.Heads / p.shape.KVHeads
	var sum float64
	for _, r := range o.HeadRatio[kvHead*group : (kvHead+1)*group] {
		sum += r
	}
	return sum / float64(group)
}

func (p *lightTransfer) Clone() Policy {
	return &lightTransfer{st: p.st, share: p.share, by: p.by, unit: p.unit}
}
