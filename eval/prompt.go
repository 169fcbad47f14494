package eval

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/task"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// A prompt is a record as the model reads it.
//
//	read     Prompt in the chat template (or raw), and Reply: here policies decide
//	whole    the same, or read and Later; ends with the beginning of the answer and Prefix
//	target   the text that is given to the model after it
type prompt struct {
	read, whole, target []int32
	cut                 int // tokens left out in the middle of Prompt
	answer              int // most tokens of the answer
}

// checkRecord reports a record that asks nothing.
func checkRecord(r *task.Record) error {
	switch {
	case r.Task == "" || r.ID == "":
		return errors.New("a record without task or id")
	case r.Prompt == "":
		return errors.New("the prompt is empty")
	case r.MaxTokens < 0 || r.MaxTokens == 0 && r.Target == "":
		return errors.New("there is neither an answer to generate (max_tokens) nor a target to measure")
	case r.Reply != "" && r.Later == "":
		return errors.New("a reply without a later turn")
	}
	return nil
}

// newPrompt renders and tokenises a record. A Prompt longer than most tokens (0: no
// limit of its own), or than the context allows, loses its middle, as LongBench does
// it: the first and the last half of the tokens stay, as text. An answer may take
// half of the context at most.
func newPrompt(m *lighttransfer.Model, r *task.Record, most int) (*prompt, error) {
	if err := checkRecord(r); err != nil {
		return nil, err
	}
	tok := m.Tokenizer()
	text := tok.Encode(r.Prompt, tokenizer.EncodeOptions{AddBOS: tok.AddsBOS()})
	keep := len(text)
	if most > 0 {
		keep = min(keep, most)
	}
	context := m.Config().Context
	// Maths tasks allow for models with longer thoughts.
	answer := min(r.MaxTokens, context/2)
	for range 4 { // text that was cut may be tokenised anew to a little more
		p, err := render(m, r, middle(tok, r.Prompt, text, keep))
		if err != nil {
			return nil, err
		}
		p.answer = answer
		over := len(p.whole) + max(answer, len(p.target)) - context
		if over <= 0 {
			if keep < len(text) {
				p.cut = len(text) - keep/2*2
			}
			return p, nil
		}
		if keep = min(keep-over, len(text)-over); keep < 2 {
			break
		}
	}
	return nil, fmt.Errorf("%w: the model was made for %d tokens, and %d of answer or target leave no room for a prompt",
		lighttransfer.ErrContext, context, max(answer, len(r.Target)/4))
}

// middle is the text without its middle: of its tokens n are left, or n-1.
func middle(tok *tokenizer.Tokenizer, text string, ids []int32, n int) string {
	if n >= len(ids) {
		return text
	}
	return tok.Decode(ids[:n/2], true) + tok.Decode(ids[len(ids)-n/2:], true)
}

// render tokenises a record with the given text as its Prompt.
func render(m *lighttransfer.Model, r *task.Record, text string) (*prompt, error) {
	encode, first, second := plainText(m, r, text)
	if !r.Raw && m.Template() != nil {
		var err error
		if first, second, err = conversation(m, r, text); err != nil {
			return nil, err
		}
		encode = m.EncodeParts
	}
	p := &prompt{whole: encode(with(second, r.Prefix))}
	p.read = p.whole
	if r.Later != "" {
		p.read = common(encode(first), p.whole)
	}
	if r.Target != "" {
		// As one text with what comes before, where that does not change.
		if all := encode(with(with(second, r.Prefix), r.Target)); len(common(all, p.whole)) == len(p.whole) {
			p.target = all[len(p.whole):]
		} else {
			p.target = m.Tokenizer().Encode(r.Target, tokenizer.EncodeOptions{})
		}
		if len(p.target) == 0 {
			return nil, errors.New("the target has no tokens")
		}
	}
	if len(p.read) == 0 {
		return nil, errors.New("the prompt has no tokens")
	}
	return p, nil
}

// conversation is what the policy reads before it decides, and everything.
func conversation(m *lighttransfer.Model, r *task.Record, text string) (first, second []chat.Part, err error) {
	turns := []chat.Message{{Role: "user", Content: text}}
	if r.Later != "" {
		turns = append(turns, chat.Message{Role: "assistant", Content: r.Reply})
		if first, err = m.Render(turns, false); err != nil {
			return nil, nil, err
		}
		turns = append(turns, chat.Message{Role: "user", Content: r.Later})
	}
	second, err = m.Render(turns, true)
	return first, second, err
}

// plainText is the same without a template: the turns one after another.
func plainText(m *lighttransfer.Model, r *task.Record, text string) (encode func([]chat.Part) []int32, first, second []chat.Part) {
	tok := m.Tokenizer()
	encode = func(parts []chat.Part) []int32 {
		all, _ := chat.Join(parts)
		return tok.Encode(all, tokenizer.EncodeOptions{Special: true, AddBOS: tok.AddsBOS()})
	}
	first = with(nil, text)
	if r.Later != "" {
		first = with(with(first, "\n"), r.Reply)
		second = with(with(first, "\n"), r.Later)
		return encode, first, second
	}
	return encode, first, first
}

// with is parts and a text behind them.
func with(parts []chat.Part, text string) []chat.Part {
	if text == "" {
		return parts
	}
	return append(slices.Clone(parts), chat.Part{Text: text})
}

// common is the longest prefix that a and b share.
func common(a, b []int32) []int32 {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}
