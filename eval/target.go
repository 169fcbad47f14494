package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// A reference is what full attention says about the tokens of a target.
type reference struct {
	probs   [][]float32 // [token][vocab]
	entropy []float64   // [token] nats
	right   []bool      // [token] full attention puts the target's token first
}

// measureTarget gives the session the target's tokens and fills in what a result says
// of them. With a nil reference, the session has full attention and becomes it.
func measureTarget(ctx context.Context, s *lighttransfer.Session, target []int32, ref *reference, r *runs.Result) (*reference, error) {
	first := ref == nil
	if first {
		ref = &reference{make([][]float32, len(target)), make([]float64, len(target)), make([]bool, len(target))}
	}
	type measured struct {
		nll, kl float64
		right   bool
	}
	tokens := make([]measured, len(target))
	err := s.Force(ctx, target, func(i int, logits []float32) {
		top, best := largest(logits)
		if first {
			ref.probs[i], ref.entropy[i] = softmax(logits, top)
			ref.right[i] = best == target[i]
		}
		lse := float64(top) + math.Log(sumExp(logits, top))
		// KL: the sum of p (ln p - ln q), q the probabilities here.
		tokens[i] = measured{lse - float64(logits[target[i]]), max(0, lse-dot(ref.probs[i], logits)-ref.entropy[i]), best == target[i]}
	})
	if err != nil {
		return nil, err
	}
	var nll, kl float64
	right, kept := 0, 0
	for i, t := range tokens {
		nll, kl = nll+t.nll, kl+t.kl
		if ref.right[i] {
			right++
			if t.right {
				kept++
			}
		}
	}
	n := float64(len(target))
	nll, kl = nll/n, kl/n
	if math.IsNaN(nll+kl) || math.IsInf(nll+kl, 0) {
		return nil, fmt.Errorf("the logits of the target are no numbers (NLL %g, KL %g): the model's weights or the computation are broken", nll, kl)
	}
	r.NLL, r.KL, r.FullRight, r.Tokens = &nll, &kl, &right, len(target)
	if right > 0 {
		share := float64(kept) / float64(right)
		r.Kept = &share
	}
	return ref, nil
}

// largest is the largest of some logits, and whose it is.
func largest(logits []float32) (top float32, best int32) {
	top = logits[0]
	for i, v := range logits {
		if v > top {
			top, best = v, int32(i)
		}
	}
	return top, best
}

// sumExp is the sum of exp(logit - top).
func sumExp(logits []float32, top float32) (sum float64) {
	for _, v := range logits {
		sum += math.Exp(float64(v - top))
	}
	return sum
}

// softmax is the probabilities, and their entropy in nats.
func softmax(logits []float32, top float32) (probs []float32, entropy float64) {
	probs = make([]float32, len(logits))
	sum := sumExp(logits, top)
	for i, v := range logits {
		probs[i] = float32(math.Exp(float64(v-top)) / sum)
	}
	return probs, float64(top) + math.Log(sum) - dot(probs, logits)
}

func dot(x, y []float32) (sum float64) {
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}
