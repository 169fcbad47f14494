package lighttransfer

import (
	"context"
	"errors"
)

// forceRows is how many tokens' logits exist at a time.
const forceRows = 32

// Force appends ids to what has been read, whatever the model would have said,
// and calls see with the logits before each: see(0) has those after what the
// session held. They are valid during the call only; several calls may run at once.
// The tokens go through the layers together, as a prompt does, but decide nothing.
// After an error the session is as it was, or if it has dropped what that takes, empty.
func (s *Session) Force(ctx context.Context, ids []int32, see func(i int, logits []float32)) error {
	if s.logits == nil {
		return errors.New("nothing has been read yet")
	}
	if len(ids) == 0 {
		return nil
	}
	if err := s.fits(len(s.ids), len(ids)); err != nil {
		return err
	}
	see(0, s.logits)
	p := &prefill{s: s, ids: ids, t0: len(s.ids)}
	if err := p.force(ctx, see); err != nil {
		return p.undo(err)
	}
	s.ids, s.pending = append(s.ids, ids...), s.pending[:0]
	return nil
}

func (p *prefill) force(ctx context.Context, see func(i int, logits []float32)) error {
	s, m := p.s, p.s.m.model
	var logits []float32 // [rows][vocab]
	from := 0
	for _, to := range cut(len(p.ids), s.o.block, 0) {
		x := make([]float32, (to-from)*m.Hidden)
		if err := m.Embed(x, p.ids[from:to]); err != nil {
			return err
		}
		for l := range m.Layers {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := m.Layer(l, x, to-from, p.t0+from, s.cache, &s.ws, nil); err != nil {
				return err
			}
			s.cache.Release(l)
		}
		for ; from < to; from += forceRows {
			n := min(forceRows, to-from)
			logits = growTo(logits, n*m.Vocab)
			m.Logits(logits, x[:n*m.Hidden], n, &s.ws)
			x = x[n*m.Hidden:]
			s.m.par.Run(n, func(i int) {
				row := logits[i*m.Vocab:][:m.Vocab]
				if next := from + i + 1; next < len(p.ids) {
					see(next, row)
				} else {
					s.logits = append(s.logits[:0], row...)
				}
			})
		}
		from = to
	}
	return nil
}
