// Package chat turns a conversation into a prompt by the template that a model
// carries, byte for byte as Hugging Face's apply_chat_template does.
//
// A template is Jinja source found in tokenizer_config.json, in
// chat_template.jinja beside it, or in a GGUF file under tokenizer.chat_template:
//
//	t, vars, err := chat.Open("models/SmolLM2-135M-Instruct")
//	prompt, err := t.RenderMessages([]chat.Message{{Role: "user", Content: "Hello"}}, true, vars)
//
// # Text of the user against text of the template
//
// A prompt mixes two kinds of text. "<|im_end|>" ends a turn where the template
// wrote it; where a user typed it, or a document contains it, it is just ten
// characters, and reading it as the special token would let the user speak as
// the system. [Template.RenderParts] therefore says of every byte which of the
// two it is, whatever the template did with it (trimmed, joined, cut, replaced,
// put into JSON), and a tokenizer reads as special only the tokens that the
// template wrote in full:
//
//	parts, err := t.RenderParts(chat.Data(msgs, true, vars))
//	prompt, plain := chat.Join(parts)
//	ids := tok.Encode(prompt, tokenizer.EncodeOptions{Special: true, Plain: plain})
//
// What counts as the user's: every string of the data (messages, tools,
// documents, ...) but the tokenizer's own tokens (bos_token and other variables
// that end in _token, additional_special_tokens) and plain words as role,
// because templates build tokens like <|user|> out of the role.
//
// # Limits
//
// Templates come with downloaded models, so they are not trusted: a rendering
// that takes too many steps or too much memory ends with an error that wraps
// [ErrLimit] and names the template and the line.
package chat
