package lighttransfer

import (
	"errors"
	"strings"

	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// conversation is what has been said, and how it reads in the cache.
type conversation struct {
	messages []chat.Message
	text     string // rendered messages and answers, as the cache (with pending) holds them
	next     string // text once the request under way has been read
}

// context turns a request into the ids of the whole context: what the session
// holds, and what is new. A turn whose rendering begins with what is already
// there is appended to it id by id, so that nothing is tokenised twice in
// different ways; otherwise all is rendered anew and Prefill keeps what matches.
func (s *Session) context(r *Request) ([]int32, error) {
	if r.IDs != nil {
		s.talk = conversation{}
		return r.IDs, nil
	}
	if r.Fresh {
		s.talk, s.pending = conversation{}, nil
	}
	var held []int32
	if !r.Fresh {
		held = append(append(held, s.ids...), s.pending...)
	}
	if r.Raw || s.m.chat == nil {
		s.talk.next = s.talk.text + r.Prompt
		return append(held, s.m.tok.Encode(r.Prompt, tokenizer.EncodeOptions{Special: true, AddBOS: len(held) == 0 && s.m.tok.AddsBOS()})...), nil
	}
	if s.talk.text == "" && len(held) > 0 {
		return nil, errors.New("the session holds plain text, not a conversation; continue it as plain text, or start afresh")
	}
	parts, err := s.m.Render(s.talk.with(r), true)
	if err != nil {
		return nil, err
	}
	all, _ := chat.Join(parts)
	s.talk.next = all
	if s.talk.text == "" || !strings.HasPrefix(all, s.talk.text) {
		return s.m.EncodeParts(parts), nil
	}
	return append(held, s.m.EncodeParts(skip(parts, len(s.talk.text)))...), nil
}

// with is the conversation and the request's turn.
func (c *conversation) with(r *Request) []chat.Message {
	var m []chat.Message
	if len(c.messages) == 0 && r.System != "" {
		m = append(m, chat.Message{Role: "system", Content: r.System})
	}
	m = append(m, c.messages...)
	return append(m, chat.Message{Role: "user", Content: r.Prompt})
}

// asked notes that the request has been read, answered what was generated.
func (s *Session) asked(r *Request) {
	s.talk.text = s.talk.next
	if r.IDs == nil && !r.Raw && s.m.chat != nil {
		s.talk.messages = s.talk.with(r)
	}
}

func (s *Session) answered(ids []int32) {
	s.talk.text += s.m.tok.Decode(ids, false)
	if len(s.talk.messages) > 0 {
		s.talk.messages = append(s.talk.messages, chat.Message{Role: "assistant", Content: s.m.tok.Decode(ids, true)})
	}
}

// Encode turns messages into ids by the model's chat template, ready for the
// answer. Special tokens written in the messages are plain text.
func (m *Model) Encode(messages []chat.Message) ([]int32, error) {
	if m.chat == nil {
		return nil, errors.New("the model has no chat template")
	}
	parts, err := m.Render(messages, true)
	if err != nil {
		return nil, err
	}
	return m.EncodeParts(parts), nil
}

// Render writes messages by the model's chat template, which it must have, with or
// without the beginning of the answer.
func (m *Model) Render(messages []chat.Message, answer bool) ([]chat.Part, error) {
	return m.chat.RenderParts(chat.Data(messages, answer, m.vars))
}

// EncodeParts tokenises a rendered prompt as one text. Special tokens are read as such
// only in what the template wrote, not in what came from the messages.
func (m *Model) EncodeParts(parts []chat.Part) []int32 {
	text, plain := chat.Join(parts)
	return m.tok.Encode(text, tokenizer.EncodeOptions{Special: true, Plain: plain})
}

// skip drops the first n bytes.
func skip(parts []chat.Part, n int) []chat.Part {
	var out []chat.Part
	for _, p := range parts {
		cut := min(n, len(p.Text))
		n -= cut
		if p.Text = p.Text[cut:]; p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}
