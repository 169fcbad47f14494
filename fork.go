package lighttransfer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/model"
)

// ErrFork is wrapped by the error of a [Session.Fork] that cannot be: the policy
// changes what reading computes, or the session no longer holds what it has read.
// The prompt must then be read again, in a session of its own.
var ErrFork = errors.New("cannot fork")

// kept is what a prefill leaves for forks.
type kept struct {
	queries []model.Queries                      // [layer] the prompt's last ones
	cosines []float64                            // [layer] of the whole prompt; nil if not all of it was read at once
	seen    map[model.Probe][]*model.Observation // [layer] measured since, by what was asked
}

// Fork returns a new session that has read what s has read, and under its own
// policy has kept what that would have kept: the same decisions and the same bits
// as if it had read it all itself. Policies that decide while they read do not
// change what reading computes, so one reading serves all of them.
//
// s must have been read with Forks and full attention, and nothing may have been
// added to it since; o's policy must not stream while it reads, and its precision
// and Last must be those of s. Else the error wraps [ErrFork].
func (s *Session) Fork(o SessionOptions) (*Session, error) {
	if s.kept == nil || s.logits == nil || len(s.ids) != s.report.PromptTokens {
		return nil, fmt.Errorf("%w: read a prompt with Forks first, and fork before anything is added to it", ErrFork)
	}
	f, err := s.m.NewSession(o)
	if err != nil {
		return nil, err
	}
	if err := f.become(s); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Forks reports whether sessions with these options can be forks of one that has
// read the prompt with full attention.
func (m *Model) Forks(o SessionOptions) (bool, error) {
	s, err := m.NewSession(o)
	if err != nil {
		return false, err
	}
	defer s.Close()
	return slices.Equal(s.cache.Windows(), m.model.Windows()), nil
}

// become makes f, which is empty, a fork of s. It goes layer by layer, as reading
// does, and holds no more at its peak than that.
func (f *Session) become(s *Session) error {
	c := &f.m.model.Config
	switch name, _ := f.Policy(); {
	case f.pool.Precision() != s.pool.Precision() || f.o.Last != s.o.Last || f.o.block != s.o.block:
		return fmt.Errorf("%w: the session was read with a %s cache and last %d", ErrFork, s.pool.Precision(), s.o.Last)
	case !slices.Equal(f.cache.Windows(), c.Windows()):
		return fmt.Errorf("%w: policy %s streams from the first token", ErrFork, name)
	case !slices.Equal(s.cache.Windows(), c.Windows()):
		return fmt.Errorf("%w: the session was not read with full attention", ErrFork)
	}
	n := len(s.ids)
	for l := range c.Layers {
		if !s.wholeLayer(l) {
			return fmt.Errorf("%w: layer %d has dropped tokens", ErrFork, l)
		}
	}
	if err := f.fits(n, 0); err != nil {
		return err
	}
	if err := f.admit(n, n); err != nil {
		return err
	}
	f.report.observe(c.Layers)
	probe := f.probe(f.decides(n))
	if probe.Cosine && s.kept.cosines == nil {
		return fmt.Errorf("%w: policy %s looks at all of the prompt, which was not read at once", ErrFork, f.policy.Name())
	}
	for l := range c.Layers {
		if err := f.cache.CopyLayer(s.cache, l); err != nil {
			return err
		}
		o, err := s.seen(l, &probe)
		if err != nil {
			return err
		}
		if err := f.observed(o); err != nil {
			return err
		}
	}
	if f.decides(n) {
		f.decided = true
		f.pool.Shrink()
	}
	f.adoptText(s)
	return nil
}

// seen is what layer l of s answers to a probe about the prompt it holds.
func (s *Session) seen(l int, p *model.Probe) (*model.Observation, error) {
	k := s.kept
	if k.seen == nil {
		k.seen = map[model.Probe][]*model.Observation{}
	}
	if k.seen[*p] == nil {
		k.seen[*p] = make([]*model.Observation, s.m.model.Layers)
	}
	o := &k.seen[*p][l]
	var err error
	if *o == nil {
		if *o, err = s.m.model.ObserveAgain(l, &k.queries[l], s.cache, p); err != nil {
			return nil, err
		}
		if p.Cosine {
			(*o).Cosine = k.cosines[l]
		}
	}
	return *o, nil
}

// Copy returns an equal session, which goes on by itself.
func (s *Session) Copy() (*Session, error) {
	f, err := s.m.NewSession(s.o)
	if err != nil {
		return nil, err
	}
	for l := range s.m.model.Layers {
		if err := f.cache.CopyLayer(s.cache, l); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	f.decided = s.decided
	f.report = s.report
	f.adoptText(s)
	return f, nil
}

// adoptText takes over what has been read.
func (f *Session) adoptText(s *Session) {
	f.ids, f.pending, f.logits = slices.Clone(s.ids), slices.Clone(s.pending), slices.Clone(s.logits)
	f.talk = conversation{messages: slices.Clone(s.talk.messages), text: s.talk.text, next: s.talk.next}
	f.report.PromptTokens, f.report.Prefill = s.report.PromptTokens, s.report.Prefill
}
