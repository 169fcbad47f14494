package attn

import (
	"math"

	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
)

// Votes is how much the queries of b look at each key before the first of them:
// the attention weights, summed over the queries and the query heads of a KV head.
// b.LSE is what a call of [Attend] has filled; the heads must be full and whole.
// [kvHead][T0]
//
// It is a second pass over the keys, for the few queries of b and without the
// values: exp(q·k - lse).
func Votes(p *par.Pool, b *Block) [][]float32 {
	votes := make([][]float32, len(b.Heads))
	for h := range votes {
		votes[h] = make([]float32, b.T0)
	}
	pages := (b.T0 + kv.PageTokens - 1) / kv.PageTokens
	p.Run(pages*len(b.Heads), func(i int) {
		h, first := i%len(b.Heads), i/len(b.Heads)*kv.PageTokens
		_, recent := b.Heads[h].Recent()
		b.vote(votes[h][first:min(first+kv.PageTokens, b.T0)], recent[first/kv.PageTokens], h)
	})
	return votes
}

// vote fills the votes for the first keys of a page of KV head h.
func (b *Block) vote(votes []float32, pg *kv.Page, h int) {
	g, heads := b.group(), b.group()*len(b.Heads)
	scale := float32(1 / math.Sqrt(float64(b.Dim)))
	key := make([]float32, kv.PadDim(b.Dim))
	for slot := range votes {
		pg.Key(key, slot)
		k := key[:b.Dim]
		var sum float64
		for r := range b.N * g {
			row := r/g*heads + h*g + r%g
			var dot float32
			for j, q := range b.Q[row*b.Dim:][:b.Dim] {
				dot += q * k[j]
			}
			sum += math.Exp(float64(dot*scale) - float64(b.LSE[row]))
		}
		votes[slot] = float32(sum)
	}
}
