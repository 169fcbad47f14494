package eval

import (
	"context"
	"time"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/sample"
	"github.com/lighttransfer/lighttransfer/tokenizer"
)

// A writer is an answer on its way.
type writer struct {
	s       *lighttransfer.Session
	r       *runs.Result
	sampler *sample.Sampler
	text    *tokenizer.Decoder
	stops   *sample.Stops
	n       int
	next    int32 // to be decoded
}

// generate writes all open answers, greedily, a token of each at a time, and closes
// their sessions. A step's time is shared among those that took part.
func (a *answering) generate(ctx context.Context) error {
	m := a.l.Model
	var writers []*writer
	for _, o := range a.open {
		writers = append(writers, &writer{s: o.s, r: o.r, sampler: sample.New(sample.Params{}),
			text: m.Tokenizer().NewDecoder(true), stops: sample.NewStops(a.r.Stop...)})
	}
	var batch *lighttransfer.Batch
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var going []*writer
		for _, w := range writers {
			more, err := w.write(m, a.p.answer)
			if err != nil {
				w.r.Error = err.Error()
			} else if more {
				going = append(going, w)
			}
		}
		if len(going) == 0 {
			break
		}
		if batch == nil || len(going) < len(writers) {
			sessions := make([]*lighttransfer.Session, len(going))
			for i, w := range going {
				sessions[i] = w.s
			}
			var err error
			if batch, err = lighttransfer.NewBatch(sessions...); err != nil {
				return err
			}
		}
		if err := a.step(batch, going); err != nil {
			return err
		}
		writers = going
	}
	for _, o := range a.open {
		if err := o.s.Close(); err != nil {
			return err
		}
	}
	a.open = nil
	return nil
}

// step decodes the next token of each.
func (a *answering) step(b *lighttransfer.Batch, writers []*writer) error {
	ids := make([]int32, len(writers))
	for i, w := range writers {
		ids[i] = w.next
	}
	var t spent
	err := a.timed(&t, func() error { return b.Step(ids) })
	t.wall, t.cpu = t.wall/time.Duration(len(ids)), t.cpu/time.Duration(len(ids))
	for _, w := range writers {
		addTime(w.r, t)
	}
	return err
}

// write chooses a token and reports whether the answer goes on behind it.
func (w *writer) write(m *lighttransfer.Model, most int) (more bool, err error) {
	id, err := w.sampler.Next(w.s.Logits(), nil)
	if err != nil {
		return false, err
	}
	w.n++
	if m.Ends(id) {
		w.r.Prediction += w.stops.Flush()
		return false, nil
	}
	text, stop := w.stops.Add(w.text.Add(id))
	w.r.Prediction += text
	if stop {
		return false, nil
	}
	if w.n == most {
		text, stop = w.stops.Add(w.text.Flush())
		if w.r.Prediction += text; !stop {
			w.r.Prediction += w.stops.Flush()
		}
		return false, nil
	}
	w.next = id
	return true, nil
}
