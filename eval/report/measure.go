package report

import "github.com/lighttransfer/lighttransfer/eval/runs"

// A measure is one way of saying how good an answer is.
type measure struct {
	key     string
	title   string
	unit    string
	explain string // what it is, for those who have not met it
	digits  int
	lower   bool // less is better
	diff    bool // curves show the difference to full attention
	itself  bool // it is a difference: intervals are of the value
	log     bool // curves show it by its logarithm

	// defined is what full attention has by definition; nil: it is measured.
	defined *float64
	// value is what a result has, and how much it counts; weight 0: not measured.
	value func(r *runs.Result) (value, weight float64)
	// losses are differences to full attention that a user may accept.
	losses []float64
}

var measures = []measure{
	{key: "score", title: "Score", unit: "points", digits: 1, losses: []float64{1, 2, 5, 10},
		explain: "Score of the task's own metric, 0 to 100.",
		value: func(r *runs.Result) (float64, float64) {
			if r.Score == nil {
				return 0, 0
			}
			return 100 * *r.Score, 1
		}},
	{key: "kept", title: "Answer tokens kept", unit: "%", digits: 1, defined: new(100.0), losses: []float64{1, 2, 5, 10},
		explain: "Of the tokens of the right answer that full attention puts first, the share that the policy puts first too.",
		value: func(r *runs.Result) (float64, float64) {
			if r.Kept == nil || r.FullRight == nil || *r.FullRight <= 0 {
				return 0, 0
			}
			return 100 * *r.Kept, float64(*r.FullRight)
		}},
	{key: "nll", title: "NLL", unit: "nats", digits: 3, lower: true, diff: true, losses: []float64{0.01, 0.05, 0.1, 0.2},
		explain: "Negative log-likelihood of the target, per token.",
		value:   func(r *runs.Result) (float64, float64) { return perToken(r, r.NLL) }},
	{key: "kl", title: "KL divergence", unit: "nats", digits: 4, lower: true, itself: true, log: true, defined: new(0.0), losses: []float64{0.01, 0.02, 0.05, 0.1},
		explain: "Kullback-Leibler divergence of the next token's distribution from that of full attention, per token of the target.",
		value:   func(r *runs.Result) (float64, float64) { return perToken(r, r.KL) }},
}

// perToken is a mean over the tokens of a target.
func perToken(r *runs.Result, x *float64) (float64, float64) {
	if x == nil {
		return 0, 0
	}
	return *x, float64(max(r.Tokens, 1))
}

// of is the measure of a result that may be missing.
func (m *measure) of(r *runs.Result) (value, weight float64) {
	if r == nil {
		return 0, 0
	}
	if value, weight = m.value(r); !finite(value) {
		return 0, 0
	}
	return value, weight
}

func measureByKey(key string) *measure {
	for i := range measures {
		if measures[i].key == key {
			return &measures[i]
		}
	}
	return nil
}
