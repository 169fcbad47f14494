package lighttransfer

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// ErrMemory is wrapped by errors about work that the machine, or the budget, has
// no room for. It is found before the work starts.
var ErrMemory = errors.New("not enough memory")

// enoughMemory compares with what the machine can still give.
func enoughMemory(what string, need int64) error {
	if free, ok := mem.Available(); ok && need > free {
		return fmt.Errorf("%w: %s need %s, %s are free", ErrMemory, what, mem.FormatBytes(need), mem.FormatBytes(free))
	}
	return nil
}

// kvPeak is the most the cache holds on the way to n positions, of which the
// first so many are the prompt. While a policy
// decides, layer by layer, all heads of the layers so far are full but for those
// already cut: P full units and the layer under way.
func (s *Session) kvPeak(prompt, n int) int64 {
	c := &s.m.model.Config
	added := max(1, min(s.o.block+s.o.Last, n-s.cache.Len()))
	windows := s.cache.Windows()
	need := s.pool.Precision().PageBytes(c.HeadDim) // a head that is being cut holds one more
	if s.decides(prompt) {
		cutAtMost(windows, c, s.policy, prompt, true)
		need += s.pool.Precision().NeedBytes(windows, n, added, c.HeadDim)
	} else {
		need = s.cache.NeedBytes(n, added)
	}
	if s.o.Rewind {
		need += s.pool.Precision().HoldBytes(windows, c.HeadDim)
	}
	return need
}

// cutAtMost gives to as many heads as the policy will have cut what those keep of a
// prompt; reading: while the last layer of it is read. It does nothing where the
// policy does not tell. Which ones they are does not matter to a sum.
func cutAtMost(windows []kv.Window, c *model.Config, p lazy.Policy, prompt int, reading bool) {
	known, ok := p.(interface {
		Bound(s lazy.Shape, tokens int) lazy.Bound
	})
	if !ok {
		return
	}
	b := known.Bound(shapeOf(c), prompt)
	full := b.Full
	switch {
	case reading && b.Late:
		return
	case reading:
		full += cmp.Or(b.More, c.KVHeads)
	}
	for i := min(full, len(windows)); i < len(windows); i++ {
		if !b.Whole || windows[i].Full() {
			windows[i] = c.LazyWindow(i/c.KVHeads, b.Cut)
		}
	}
}

// admit refuses a sequence of n positions, of which the first so many are the
// prompt, that cannot be held, with the figures and what would fit.
func (s *Session) admit(prompt, n int) error {
	n = max(n, 1)
	need := s.kvPeak(prompt, n)
	limit, of := int64(math.MaxInt64), ""
	if s.o.Budget > 0 {
		limit, of = s.o.Budget, "the KV budget"
	}
	if free, ok := mem.Available(); ok {
		added := n - s.cache.Len()
		act := s.m.model.WorkspaceBytes(min(added, s.o.block+s.o.Last)) + int64(added)*int64(s.m.model.Hidden)*4
		if free = free - act + s.cache.Bytes(); free < limit {
			limit, of = free, fmt.Sprintf("the free memory less %s of activations", mem.FormatBytes(act))
		}
	}
	if need <= limit {
		return nil
	}
	fits := s.longest(limit)
	hint := "no prompt fits"
	if fits > 0 {
		hint = fmt.Sprintf("%d tokens would fit", fits)
	}
	name, _ := s.Policy()
	if name == "full" || name == "lighttransfer" || name == "threshold" {
		streaming := make([]kv.Window, len(s.cache.Windows()))
		for i := range streaming {
			streaming[i] = s.o.Window
		}
		if least := s.pool.Precision().NeedBytes(streaming, n, s.o.block, s.m.model.HeadDim); least <= limit {
			hint += ", or a lazier policy (a calibrated plan, or at least --policy streaming with " + mem.FormatBytes(least) + ")"
		}
	}
	return fmt.Errorf("%w: the KV cache of %d tokens under policy %s needs %s, %s is %s; %s", ErrMemory, n, name, mem.FormatBytes(need), of, mem.FormatBytes(limit), hint)
}

// longest is the number of positions whose cache stays within limit.
func (s *Session) longest(limit int64) int {
	lo, hi := 0, s.o.Context+1
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.kvPeak(mid, mid) <= limit {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
