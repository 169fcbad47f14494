package lighttransfer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/lighttransfer/lighttransfer/sample"
)

// A Request says what to generate.
type Request struct {
	Prompt    string  // a user's turn if the model has a chat template, else plain text
	Raw       bool    // Prompt is plain text: no template; special tokens written in it are read as such
	System    string  // system message of a new conversation
	Fresh     bool    // a new conversation (or text) instead of the next turn; what the cache holds of it is still used
	IDs       []int32 // the whole context as token ids, instead of Prompt
	MaxTokens int     // 0: until the text ends or the context is full
	Stop      []string
	IgnoreEOS bool // go on after an end-of-text token
}

// A Token is one step of generation.
type Token struct {
	ID   int32
	Text string // what is new and final; may be empty in the middle of a character or of what may be a stop text
}

// Why a generation ended.
const (
	FinishStop   = "stop"   // an end-of-text token or a stop text
	FinishLength = "length" // MaxTokens, or the context is full
)

// Generate answers a prompt: the next turn of the conversation if the model has
// a chat template, else the continuation of the text. Breaking out of the loop
// ends the answer; the session can go on. Check Err afterwards.
func (s *Session) Generate(ctx context.Context, prompt string) iter.Seq[Token] {
	return s.Run(ctx, Request{Prompt: prompt})
}

// Err is the error that ended the last Run or Generate, nil if it ended well.
func (s *Session) Err() error { return s.err }

// FinishReason says why the last Run ended.
func (s *Session) FinishReason() string { return s.finish }

// Run generates what the request asks for. The prompt is read when the loop
// starts. Cancelling ctx ends the loop with ctx's error; what was generated until
// then stays in the conversation.
func (s *Session) Run(ctx context.Context, r Request) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		s.finish = ""
		s.err = s.run(ctx, r, yield)
	}
}

func (s *Session) run(ctx context.Context, r Request, yield func(Token) bool) error {
	s.report.Decode = Speed{}
	ids, err := s.context(&r)
	if err != nil {
		return err
	}
	if err := s.fits(len(ids), 0); err != nil {
		return err
	}
	if err := s.admit(len(ids), min(s.o.Context, len(ids)+r.MaxTokens)); err != nil {
		return err
	}
	if err := s.Prefill(ctx, ids); err != nil {
		return err
	}
	s.asked(&r)
	s.pending = s.pending[:0]
	g := generation{s: s, r: &r, yield: yield, text: s.m.tok.NewDecoder(true), stops: sample.NewStops(r.Stop...)}
	err = g.loop(ctx)
	s.report.Decode = speed(g.decoded, g.spent)
	s.report.Decode.Tokens = g.n
	s.answered(g.raw)
	return err
}

// generation is one answer on its way.
type generation struct {
	s     *Session
	r     *Request
	yield func(Token) bool
	text  interface {
		Add(id int32) string
		Flush() string
	}
	stops *sample.Stops
	n     int
	raw   []int32 // all that was sampled

	decoded int // decode steps: the first token comes from the prefill
	spent   time.Duration
}

func (g *generation) loop(ctx context.Context) error {
	s := g.s
	for g.r.MaxTokens == 0 || g.n < g.r.MaxTokens {
		id, err := s.sampler.Next(s.logits, s.ids)
		if err != nil {
			return fmt.Errorf("after %d tokens: %w", len(s.ids), err)
		}
		g.n++
		g.raw = append(g.raw, id)
		s.pending = append(s.pending[:0], id)
		if !g.r.IgnoreEOS && s.m.Ends(id) {
			s.finish = FinishStop
			g.yield(Token{ID: id, Text: g.stops.Flush()})
			return nil
		}
		text, stop := g.stops.Add(g.text.Add(id))
		if stop {
			s.finish = FinishStop
		}
		if g.n == g.r.MaxTokens && !stop {
			text += g.rest()
		}
		if !g.yield(Token{ID: id, Text: text}) || stop || g.n == g.r.MaxTokens {
			break
		}
		if len(s.ids) >= s.o.Context {
			if rest := g.rest(); rest != "" {
				g.yield(Token{ID: id, Text: rest})
			}
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := s.decode(id); err != nil {
			return err
		}
		g.decoded++
		g.spent += time.Since(start)
	}
	if s.finish == "" {
		s.finish = FinishLength
	}
	return nil
}

// rest is the text that was held back.
func (g *generation) rest() string {
	text, stop := g.stops.Add(g.text.Flush())
	if stop {
		g.s.finish = FinishStop
		return text
	}
	return text + g.stops.Flush()
}

// Ends reports whether an id ends a text.
func (m *Model) Ends(id int32) bool {
	return slices.Contains(m.model.EOS, id) || slices.Contains(m.tok.EOS(), id)
}

// decode appends one token and computes the logits after it.
func (s *Session) decode(id int32) error {
	m := s.m.model
	s.x = growTo(s.x, m.Hidden)
	if err := m.Embed(s.x, []int32{id}); err != nil {
		return err
	}
	n := len(s.ids)
	for l := range m.Layers {
		if _, err := m.Layer(l, s.x, 1, n, s.cache, &s.ws, nil); err != nil {
			s.cache.Truncate(n) // one token back is always there
			return err
		}
	}
	for l := range m.Layers {
		s.cache.Release(l)
	}
	s.ids = append(s.ids, id)
	s.pending = s.pending[:0]
	m.Logits(s.logits, s.x, 1, &s.ws)
	return nil
}
