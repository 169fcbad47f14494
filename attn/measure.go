package attn

import (
	"math"

	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
)

// A Loss is what some queries would lose if their KV heads were lazy.
type Loss struct {
	Ratio []float64 // [heads] mean over the queries of the attention mass that stays visible (Eq. 1)
	Diff  []float32 // [N][heads][dim] attention output minus what the lazy window gives
}

// Measure looks at the queries of b a second time, through previews of their
// heads, and compares with b.Out and b.LSE, which a call of [Attend] has filled.
//
// The mass comes from the log-sum-exps of the two softmaxes: exp(lse of the
// window - lse of everything); no second pass over all keys. A key that is sink
// and recent at once counts once, and causality holds, because both come from
// the same visibility. With a strided window the "mass" includes the estimate
// that the samples make, and can exceed 1.
func Measure(p *par.Pool, b *Block, previews []*kv.Head) Loss {
	lazy := *b
	lazy.Heads = previews
	lazy.Out = make([]float32, len(b.Out))
	lazy.LSE = make([]float32, len(b.LSE))
	Attend(p, &lazy)
	heads := len(b.Q) / (b.N * b.Dim)
	l := Loss{Ratio: make([]float64, heads), Diff: lazy.Out}
	for i := range b.N {
		for h := range heads {
			l.Ratio[h] += math.Exp(float64(lazy.LSE[i*heads+h])-float64(b.LSE[i*heads+h])) / float64(b.N)
		}
	}
	for i, v := range b.Out {
		l.Diff[i] = v - l.Diff[i]
	}
	return l
}
