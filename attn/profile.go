package attn

import (
	"sync/atomic"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/prof"
	"github.com/lighttransfer/lighttransfer/kv"
)

// tally counts the work of one call of Attend, by all threads, while somebody
// measures.
type tally struct {
	mark prof.Mark
	keys atomic.Int64 // pairs of a row and a key that it sees
	read atomic.Int64 // bytes of pages
}

func begin() *tally { return &tally{mark: prof.Start()} }

// add counts the work of one piece.
func (t *tally) add(s *scratch, rows int) {
	if !prof.On() {
		return
	}
	var keys, read int
	for i := range s.spans {
		sp := &s.spans[i]
		if sp.Lo == nil {
			keys += rows * kv.PageTokens
		}
		for r := range sp.Lo {
			keys += int(max(0, sp.Hi[r]-sp.Lo[r]))
		}
		read += 2*len(sp.K) + 2*len(sp.V) + len(sp.K8) + len(sp.V8) + 4*len(sp.KScale) + 4*len(sp.VScale)
	}
	t.keys.Add(int64(keys))
	t.read.Add(int64(read))
}

// stop ends the call: split means that the time goes into reading the pages, else
// it goes into two multiplications and additions per dimension of every pair.
func (t *tally) stop(split bool, dim int) {
	if split {
		t.mark.Stop("attention, one token", prof.Read, float64(t.read.Load()))
		return
	}
	t.mark.Stop("attention, many tokens", kernel.AttentionUnit(), 4*float64(dim)*float64(t.keys.Load()))
}
