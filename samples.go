package lighttransfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// A Sample is one text to analyze or calibrate on: plain text, a prompt with its
// answer, or a conversation (whose last message is the answer if it is the
// assistant's). With an answer this is LightTransfer-Train's setting: question
// and answer are read together.
type Sample struct {
	Text     string
	Prompt   string
	Answer   string
	Messages []chat.Message
}

// check reports a sample that says nothing, or more than one thing.
func (s *Sample) check() error {
	n := 0
	for _, is := range []bool{s.Text != "", s.Prompt != "", len(s.Messages) > 0} {
		if is {
			n++
		}
	}
	switch {
	case n == 0:
		return errors.New(`no text: it needs "text", "prompt" or "messages"`)
	case n > 1:
		return errors.New(`give one of "text", "prompt" and "messages", not several`)
	case s.Answer != "" && s.Prompt == "":
		return errors.New(`"answer" belongs to "prompt"`)
	}
	for i, m := range s.Messages {
		if m.Role == "" {
			return fmt.Errorf(`message %d has no "role"`, i+1)
		}
	}
	return nil
}

// ReadSamples reads the contents of a file called name: JSONL, one [Sample] a line,
// when the name ends in .jsonl or the first line begins like an object; else plain
// text, one sample. Blank lines are skipped; a line that is no sample is an error
// with its number.
func ReadSamples(name string, data []byte) ([]Sample, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s is not text in UTF-8", name)
	}
	first := strings.TrimSpace(string(data[:min(len(data), 256)]))
	if after, ok := strings.CutPrefix(first, "{"); !strings.HasSuffix(name, ".jsonl") && (!ok || !strings.HasPrefix(strings.TrimLeft(after, " \t"), `"`)) {
		if first == "" && len(bytes.TrimSpace(data)) == 0 {
			return nil, fmt.Errorf("%s is empty", name)
		}
		return []Sample{{Text: string(data)}}, nil
	}
	var samples []Sample
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		s, err := readSample(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		samples = append(samples, s)
	}
	if samples == nil {
		return nil, fmt.Errorf("%s is empty", name)
	}
	return samples, nil
}

func readSample(line []byte) (s Sample, err error) {
	var in struct {
		Text, Prompt, Answer string
		Messages             []map[string]any
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		if unknown, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return s, fmt.Errorf(`unknown key %s; a line is {"text"}, {"prompt", "answer"} or {"messages"}`, unknown)
		}
		return s, fmt.Errorf(`not a JSON object like {"text": "..."}: %w`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("something follows the object; one object a line")
	}
	s = Sample{Text: in.Text, Prompt: in.Prompt, Answer: in.Answer}
	for _, m := range in.Messages {
		s.Messages = append(s.Messages, message(m))
	}
	return s, s.check()
}

// message keeps what is not plain text (tool calls, lists of parts) as it is.
func message(fields map[string]any) (m chat.Message) {
	for key, v := range fields {
		text, ok := v.(string)
		switch {
		case ok && key == "role":
			m.Role = text
		case ok && key == "content":
			m.Content = text
		default:
			if m.Extra == nil {
				m.Extra = map[string]any{}
			}
			m.Extra[key] = v
		}
	}
	return m
}
