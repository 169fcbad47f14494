package chat

import (
	"slices"
	"strings"
)

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

// Segment is a stretch of a prompt to be tokenised as one piece.
type Segment struct {
	Text    string
	Special bool // Text is one special token; else no special token is meant in Text
}

// Segments cuts a prompt at the special tokens which the template wrote in full.
// All other text, template and data alike, comes in stretches as long as
// possible, so that tokens may reach over the border between the two as they do
// in training. Where special tokens overlap, the leftmost counts and of those
// that begin together the longest, as in Hugging Face's tokenizers; a candidate
// that holds any byte of data does not count at all. The texts joined are the prompt.
func Segments(parts []Part, special []string) []Segment {
	var b strings.Builder
	var data [][2]int // byte ranges from the data
	for _, p := range parts {
		if !p.FromTemplate {
			data = append(data, [2]int{b.Len(), b.Len() + len(p.Text)})
		}
		b.WriteString(p.Text)
	}
	s := b.String()
	byFirst := map[byte][]string{} // longest first
	for _, t := range special {
		if t != "" {
			byFirst[t[0]] = append(byFirst[t[0]], t)
		}
	}
	for _, l := range byFirst {
		slices.SortFunc(l, func(a, b string) int { return len(b) - len(a) })
	}
	var out []Segment
	from := 0
	for i := 0; i < len(s); {
		for len(data) > 0 && data[0][1] <= i {
			data = data[1:]
		}
		if len(data) > 0 && data[0][0] <= i {
			i = data[0][1]
			continue
		}
		limit := len(s)
		if len(data) > 0 {
			limit = data[0][0]
		}
		n := 0
		for _, t := range byFirst[s[i]] {
			if strings.HasPrefix(s[i:limit], t) {
				n = len(t)
				break
			}
		}
		if n == 0 {
			i++
			continue
		}
		if from < i {
			out = append(out, Segment{s[from:i], false})
		}
		out = append(out, Segment{s[i : i+n], true})
		i += n
		from = i
	}
	if from < len(s) {
		out = append(out, Segment{s[from:], false})
	}
	return out
}
