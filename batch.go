package lighttransfer

import (
	"errors"
	"fmt"

	"github.com/lighttransfer/lighttransfer/model"
)

// A Batch decodes several sessions of one model together: one product per weight
// for all of them, attention for each. The sessions must not be used otherwise
// during a Step.
type Batch struct {
	sessions []*Session
	segs     []model.Segment
	x        []float32 // [session][hidden]
	logits   []float32 // [session][vocab]
	ws       model.Workspace
}

// NewBatch joins sessions that have been prefilled.
func NewBatch(sessions ...*Session) (*Batch, error) {
	if len(sessions) == 0 {
		return nil, errors.New("a batch needs a session")
	}
	for i, s := range sessions {
		if s.m != sessions[0].m {
			return nil, fmt.Errorf("session %d of the batch has another model", i)
		}
	}
	return &Batch{sessions: sessions, segs: make([]model.Segment, len(sessions))}, nil
}

// Step appends ids[i] to session i and leaves the logits after it in the
// session's Logits. After an error all sessions are as before the step.
func (b *Batch) Step(ids []int32) error {
	m := b.sessions[0].m.model
	if len(ids) != len(b.sessions) {
		return fmt.Errorf("%d tokens for a batch of %d sessions", len(ids), len(b.sessions))
	}
	b.x = growTo(b.x, len(ids)*m.Hidden)
	if err := m.Embed(b.x, ids); err != nil {
		return err
	}
	for i, s := range b.sessions {
		if err := s.fits(len(s.ids), 1); err != nil {
			return fmt.Errorf("session %d of the batch: %w", i, err)
		}
		b.segs[i] = model.Segment{Cache: s.cache, T0: len(s.ids), N: 1}
	}
	for l := range m.Layers {
		if err := m.LayerBatch(l, b.x, b.segs, &b.ws); err != nil {
			for _, s := range b.sessions {
				s.cache.Truncate(len(s.ids))
			}
			return err
		}
	}
	b.logits = growTo(b.logits, len(ids)*m.Vocab)
	m.Logits(b.logits, b.x, len(ids), &b.ws)
	for i, s := range b.sessions {
		for l := range m.Layers {
			s.cache.Release(l)
		}
		s.ids, s.pending = append(s.ids, ids[i]), s.pending[:0]
		s.logits = append(s.logits[:0], b.logits[i*m.Vocab:][:m.Vocab]...)
	}
	return nil
}
