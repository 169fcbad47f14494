package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The protocol: POST BASE/chat/completions for conversations, BASE/completions for
// plain text.

// A passing error may not come again: asking again makes sense, after a while.
type passing struct {
	err   error
	after time.Duration // what the server asks for, if it does
}

func (e *passing) Error() string { return e.err.Error() }
func (e *passing) Unwrap() error { return e.err }

// A reply is what came back.
type reply struct {
	text         string
	promptTokens int
}

// dialect is what the servers turned out not to take; learned from their refusals.
type dialect struct {
	mu   sync.Mutex
	lack map[string]bool // fields of the request
}

// has reports whether a field is sent.
func (d *dialect) has(field string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.lack[field]
}

// learn looks for a field that a refusal names and that was sent; not ok when
// there is none.
func (d *dialect) learn(refusal string, sent map[string]any) (ok bool) {
	for _, field := range []string{"max_tokens", "temperature", "stop"} {
		if _, there := sent[field]; there && strings.Contains(refusal, "'"+field+"'") {
			d.mu.Lock()
			if d.lack == nil {
				d.lack = map[string]bool{}
			}
			d.lack[field] = true
			d.mu.Unlock()
			return true
		}
	}
	return false
}

// body is the request, in the servers' dialect.
func (m *Remote) body(q *question) map[string]any {
	b := map[string]any{"model": m.Model}
	if q.messages != nil {
		b["messages"] = q.messages
	} else {
		b["prompt"] = q.prompt
	}
	if m.dialect.has("temperature") {
		b["temperature"] = 0
	}
	if m.dialect.has("max_tokens") {
		b["max_tokens"] = q.most
	} else {
		b["max_completion_tokens"] = q.most
	}
	if len(q.stop) > 0 && m.dialect.has("stop") {
		b["stop"] = q.stop[:min(4, len(q.stop))]
	}
	return b
}

const maxReply = 64 << 20

// post asks one endpoint once, or more often while it refuses fields by name.
func (m *Remote) post(ctx context.Context, base string, q *question) (*reply, error) {
	for {
		body := m.body(q)
		status, header, data, err := m.send(ctx, base, q, body)
		if err != nil {
			return nil, &passing{err: err}
		}
		if status == http.StatusOK {
			return parseReply(data)
		}
		if status == http.StatusBadRequest && m.dialect.learn(complaint(data), body) {
			continue
		}
		err = fmt.Errorf("HTTP status %d: %s", status, complaint(data))
		if status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 {
			return nil, &passing{err, retryAfter(header)}
		}
		return nil, err
	}
}

func (m *Remote) send(ctx context.Context, base string, q *question, body map[string]any) (status int, header http.Header, data []byte, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, nil, err
	}
	path := "/completions"
	if q.messages != nil {
		path = "/chat/completions"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if m.Key != "" {
		req.Header.Set("Authorization", "Bearer "+m.Key)
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	if data, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1)); err != nil {
		return 0, nil, nil, fmt.Errorf("the connection broke: %w", err)
	}
	if len(data) > maxReply {
		return 0, nil, nil, fmt.Errorf("the answer has more than %d bytes", maxReply)
	}
	return resp.StatusCode, resp.Header, data, nil
}

// parseReply reads an answer. One that is none may be better next time.
func parseReply(data []byte) (*reply, error) {
	var in struct {
		Choices []struct {
			Text    *string
			Message *struct{ Content *string }
		}
		Usage struct {
			PromptTokens int `json:"prompt_tokens"`
		}
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, &passing{err: fmt.Errorf("the answer is no JSON of a completion: %w", err)}
	}
	if len(in.Choices) == 0 || in.Choices[0].Text == nil && in.Choices[0].Message == nil {
		return nil, &passing{err: errors.New("the answer has no choices in it")}
	}
	r := &reply{promptTokens: in.Usage.PromptTokens}
	switch c := in.Choices[0]; {
	case c.Text != nil:
		r.text = *c.Text
	case c.Message.Content != nil: // null: nothing was said
		r.text = *c.Message.Content
	}
	return r, nil
}

// complaint is what an error's body says, in short.
func complaint(data []byte) string {
	var in struct {
		Error   json.RawMessage
		Message string
	}
	text := strings.TrimSpace(string(data))
	if json.Unmarshal(data, &in) == nil {
		var inner struct{ Message string }
		var plain string
		switch {
		case json.Unmarshal(in.Error, &inner) == nil && inner.Message != "":
			text = inner.Message
		case json.Unmarshal(in.Error, &plain) == nil && plain != "":
			text = plain
		case in.Message != "":
			text = in.Message
		}
	}
	if text == "" {
		return "no reason given"
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// retryAfter is the header of that name: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
