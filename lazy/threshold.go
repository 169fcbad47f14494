package lazy

import (
	"errors"

	"github.com/lighttransfer/lighttransfer/kv"
)

var thresholdInfo = Info{
	Name:    "threshold",
	Usage:   "threshold:RATIO",
	Summary: "a layer becomes lazy when its lazy ratio is above RATIO, however many that are",
	Paper:   "SimLayerKV, arXiv 2410.13846v1",
}

// threshold is SimLayerKV, the first version of LightTransfer: no queue, a layer is
// cut as soon as its lazy ratio is seen to be above a threshold. The published
// thresholds are per model family:
//
//	Llama-3  0.9      Qwen     0.85
//	Mistral  0.8      Llama-2  0.65
//
// SimLayerKV looks at the first decoded token; here the last queries of the prompt
// decide, as in Eq. 1 of the paper's later versions, so that a layer is cut before
// the next one is filled. The argument, 0 to 1, has no default: it depends on the
// model.
type threshold struct {
	st    Settings
	ratio float64

	next, layers int // first layer not yet observed, number of layers
}

var errThreshold = errors.New("the ratio must be a number from 0 to 1 (published: Llama-3 0.9, Qwen 0.85, Mistral 0.8, Llama-2 0.65)")

func parseThreshold(args string, st Settings) (Policy, error) {
	ratio, err := parseShare(args)
	if err != nil {
		return nil, errThreshold
	}
	return &threshold{st: st, ratio: ratio}, st.validateLast()
}

func (p *threshold) Name() string { return "threshold" }
func (p *threshold) Args() string { return formatFloat(p.ratio) }
func (p *threshold) Needs() Needs { return Needs{Ratio: true} }

func (p *threshold) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p.next, p.layers = 0, s.Layers
	return nil, nil
}

func (p *threshold) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.layers {
		return nil
	}
	p.next = o.Layer + 1
	if !(o.Ratio > p.ratio) { // a NaN keeps its layer full
		return nil
	}
	return []Decision{{Head: Head{o.Layer, AllHeads}, Window: p.st.Window}}
}

func (p *threshold) Clone() Policy { return &threshold{st: p.st, ratio: p.ratio} }
