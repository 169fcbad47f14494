package chat

import "strings"

// Part is a stretch of a rendered prompt of one origin.
type Part struct {
	Text         string
	FromTemplate bool // else from the data: messages, tools, documents
}

// RenderParts renders like Render and tells the template's text from the data's.
// The texts joined are what Render returns; no part is empty and neighbours
// differ in origin.
func (t *Template) RenderParts(data map[string]any) ([]Part, error) {
	s, spans, err := t.render(data)
	if err != nil {
		return nil, err
	}
	var parts []Part
	at := 0
	for _, d := range spans {
		if at < d.Lo {
			parts = append(parts, Part{s[at:d.Lo], true})
		}
		parts = append(parts, Part{s[d.Lo:d.Hi], false})
		at = d.Hi
	}
	if at < len(s) {
		parts = append(parts, Part{s[at:], true})
	}
	return parts, nil
}

// Join returns the prompt that parts make, and the byte ranges [from, to) of it
// that came from the data: what a tokenizer must read as plain text, also where
// it looks like a special token in whole or in part.
func Join(parts []Part) (prompt string, plain [][2]int) {
	var b strings.Builder
	for _, p := range parts {
		if !p.FromTemplate {
			plain = append(plain, [2]int{b.Len(), b.Len() + len(p.Text)})
		}
		b.WriteString(p.Text)
	}
	return b.String(), plain
}
