package lazy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/kv"
)

var snapKVInfo = Info{
	Name:    "snapkv",
	Usage:   "snapkv[:keep=0.5][,pool=max|avg][,kernel=7]",
	Summary: "every KV head keeps the tokens of the prompt that its last queries look at, and all that come later",
	Paper:   "SnapKV, arXiv 2404.14469",
}

// snapKV is SnapKV: the prompt's last queries, its observation window, vote for what
// a KV head keeps. A key's votes are the attention weights of those queries on it,
// summed over the queries and over the query heads that share the KV head (in the
// paper's models each query head has its own). Pooled over neighbours, so that
// what surrounds a hit stays with it, the keys with the most votes are kept, and
// the observation window itself; decoded tokens are all kept.
//
//   - keep: the share of full attention's KV bytes that is kept of the prompt, 0 to
//     1, default 0.5. It is counted in the pages that storage is made of;
//   - pool: max (default) or avg of the votes around a key, beyond the ends nothing;
//   - kernel: how many neighbours are pooled, the key included, an odd number;
//     default 7 (the paper's for LongBench, with max).
//
// The observation window is the run's Last (32, as in the paper). Among equal votes
// the earlier key is kept. The configured window is not used, but for this: a
// prompt that fits into it stays as it is.
//
// A layer is cut before the next one is filled: the peak is one full layer more
// than what is kept.
type snapKV struct {
	st     Settings
	keep   float64
	pool   pooling
	kernel int

	shape Shape
	next  int // first layer not yet observed
}

// A pooling is how the votes around a key become one.
type pooling int

const (
	poolMax pooling = iota
	poolAvg
)

var poolingNames = []string{"max", "avg"}

func parseSnapKV(args string, st Settings) (Policy, error) {
	p := &snapKV{st: st, keep: 0.5, kernel: 7}
	err := parseArgs(args,
		shareArg("keep", &p.keep),
		choiceArg("pool", &p.pool, poolingNames...),
		oddArg("kernel", &p.kernel))
	if err != nil {
		return nil, err
	}
	return p, st.validateLast()
}

func (p *snapKV) Name() string { return "snapkv" }

func (p *snapKV) Args() string {
	return fmt.Sprintf("keep=%s,pool=%s,kernel=%d", formatFloat(p.keep), poolingNames[p.pool], p.kernel)
}

func (p *snapKV) Needs() Needs { return Needs{Votes: true} }

func (p *snapKV) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p.shape, p.next = s, 0
	return nil, nil
}

// Bound: every head keeps the share.
func (p *snapKV) Bound(_ Shape, tokens int) Bound {
	return Bound{Cut: shareOf(tokens, p.keep, p.st.Last), Whole: true}
}

func (p *snapKV) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.shape.Layers {
		return nil
	}
	p.next = o.Layer + 1
	from := o.Tokens - p.st.Last
	if len(o.Votes) != p.shape.KVHeads || from < 1 {
		return nil
	}
	prompt, heads := pagesOf(o.Tokens), p.shape.Layers*p.shape.KVHeads
	total := int(p.keep * float64(heads) * float64(prompt))
	var cut []Decision
	for h, votes := range o.Votes {
		pages := deal(total, heads, o.Layer*p.shape.KVHeads+h)
		if pages >= prompt {
			continue // all of it is kept
		}
		most := max(0, pages-(prompt-from/kv.PageTokens)) * kv.PageTokens // beside the observation window
		pick := kv.Pick{Tokens: mostVotes(p.pooled(votes), most), From: from}
		cut = append(cut, Decision{Head: Head{o.Layer, h}, Pick: &pick})
	}
	return cut
}

// pooled is the maximum, or the mean, of the votes around each key.
func (p *snapKV) pooled(votes []float32) []float32 {
	half := p.kernel / 2
	out := make([]float32, len(votes))
	for i := range votes {
		around := votes[max(0, i-half):min(len(votes), i+half+1)]
		if p.pool == poolMax {
			out[i] = slices.Max(around)
			continue
		}
		var sum float64
		for _, v := range around {
			sum += float64(v)
		}
		out[i] = float32(sum / float64(p.kernel))
	}
	return out
}

// mostVotes are the n positions with the most votes, ascending; among equals the
// earlier ones.
func mostVotes(votes []float32, n int) []int {
	order := make([]int, len(votes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(votes[b], votes[a]) })
	order = slices.Clone(order[:min(n, len(order))])
	slices.Sort(order)
	return order
}

func (p *snapKV) Clone() Policy {
	return &snapKV{st: p.st, keep: p.keep, pool: p.pool, kernel: p.kernel}
}
