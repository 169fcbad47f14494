package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lighttransfer/lighttransfer/tokenizer/chat/internal/jinja"
)

// Error is the failure of a template: its name, the line if known, and what
// happened.
type Error = jinja.Error

var (
	// ErrLimit is wrapped by errors of templates that were stopped because they
	// ran too long, used too much memory or were nested too deeply.
	ErrLimit = jinja.ErrLimit
	// ErrRaised is wrapped by errors that a template raised itself with
	// raise_exception, because the conversation does not suit it ("roles must
	// alternate ..."): the message is meant for the user.
	ErrRaised = jinja.ErrRaised
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant", "tool"
	Content string
	// Extra holds further fields, e.g. "name" or "tool_calls", and replaces
	// Content where it has a field "content" (a list of parts, nil).
	Extra map[string]any
}

// Template is a parsed chat template. It may be used from several goroutines.
type Template struct {
	name string
	src  string
	t    *jinja.Template
	now  func() time.Time
}

// Parse parses the source of a template; name (say, the model's) is used in errors.
func Parse(name, source string) (*Template, error) {
	t, err := jinja.Parse(name, source)
	if err != nil {
		return nil, err
	}
	return &Template{name, source, t, time.Now}, nil
}

// WithClock returns the same template with another clock for strftime_now, so
// that a prompt with the date in it can be reproduced.
func (t *Template) WithClock(now func() time.Time) *Template {
	c := *t
	c.now = now
	return &c
}

// Name is the name given to Parse.
func (t *Template) Name() string { return t.name }

// Source is the source given to Parse.
func (t *Template) Source() string { return t.src }

// Render renders the template with the given variables: "messages",
// "add_generation_prompt", "tools", "bos_token", whatever the template reads.
// Values may be what a JSON decoder yields; [Decode] keeps the order of keys,
// which templates show, and a plain map comes in sorted order.
func (t *Template) Render(data map[string]any) (string, error) {
	s, _, err := t.render(data)
	return s, err
}

func (t *Template) render(data map[string]any) (string, []jinja.Span, error) {
	vars := make(map[string]jinja.Value, len(data))
	size := 0
	for k, v := range data {
		trusted := trustedRole
		if isTokenVar(k) {
			trusted = func(string, string) bool { return true }
		}
		val, n, err := jinja.Import(v, trusted)
		if err != nil {
			return "", nil, fmt.Errorf("chat template %q: variable %q: %w", t.name, k, err)
		}
		vars[k] = val
		size += n
	}
	return t.t.Render(vars, size, t.now)
}

// isTokenVar reports whether a variable holds tokens of the tokenizer.
func isTokenVar(name string) bool {
	return strings.HasSuffix(name, "_token") || name == "additional_special_tokens"
}

// trustedRole reports whether s is a role that is a plain word. Templates write
// "<|" + role + "|>"; a plain word cannot bring a special token by itself.
func trustedRole(key, s string) bool {
	if key != "role" || s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' && s[i] != '-' {
			return false
		}
	}
	return true
}

// RenderMessages renders a conversation. With addGenerationPrompt the prompt
// ends where the assistant's answer begins. vars are further variables, such as
// those [Open] returns; they may be nil.
func (t *Template) RenderMessages(msgs []Message, addGenerationPrompt bool, vars map[string]any) (string, error) {
	return t.Render(Data(msgs, addGenerationPrompt, vars))
}

// Data is the map that RenderMessages hands to Render.
func Data(msgs []Message, addGenerationPrompt bool, vars map[string]any) map[string]any {
	data := make(map[string]any, len(vars)+2)
	for k, v := range vars {
		data[k] = v
	}
	list := make([]any, len(msgs))
	for i, m := range msgs {
		o := map[string]any{"role": m.Role, "content": m.Content}
		for k, v := range m.Extra {
			o[k] = v
		}
		list[i] = o
	}
	data["messages"] = list
	data["add_generation_prompt"] = addGenerationPrompt
	return data
}

// IsRaised reports whether err is a template's own complaint about the
// conversation, and returns its message.
func IsRaised(err error) (string, bool) {
	var e *Error
	if errors.As(err, &e) && errors.Is(err, ErrRaised) {
		return e.Msg, true
	}
	return "", false
}
