package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const maxConfig = 64 << 20 // bytes of a configuration file; real ones are below 10 MB

// Open reads the chat template of a Hugging Face model folder, and the variables
// its tokenizer lends to templates (bos_token, eos_token, ...). The template is
// chat_template.jinja if there is such a file, else the field chat_template of
// chat_template.json or tokenizer_config.json; of a list of named templates, the one
// called "default", whose absence is an error that names the others. A model without a template yields nil and no error.
func Open(dir string) (*Template, map[string]any, error) {
	return OpenNamed(dir, "default")
}

// OpenNamed is Open for one of several named templates, such as "tool_use". They
// stand in a list in tokenizer_config.json, or in files
// additional_chat_templates/NAME.jinja.
func OpenNamed(dir, name string) (*Template, map[string]any, error) {
	config := filepath.Join(dir, "tokenizer_config.json")
	text, err := readFile(config)
	if err != nil {
		return nil, nil, err
	}
	var fields map[string]json.RawMessage
	if text != nil {
		if err := json.Unmarshal(text, &fields); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", config, err)
		}
	}
	vars, err := tokenVars(fields)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", config, err)
	}
	label := filepath.Base(filepath.Clean(dir))
	file := filepath.Join(dir, "chat_template.jinja")
	if name != "default" {
		label += ":" + name
		if strings.ContainsAny(name, `/\`) {
			return nil, vars, fmt.Errorf("chat template name %q: a name has no slashes", name)
		}
		file = filepath.Join(dir, "additional_chat_templates", name+".jinja")
	}
	src, err := readFile(file)
	if err != nil {
		return nil, vars, err
	}
	if src != nil {
		t, err := Parse(label, string(src))
		return t, vars, err
	}
	for _, f := range []string{filepath.Join(dir, "chat_template.json"), config} {
		got := fields
		if f != config {
			text, err := readFile(f)
			if err != nil {
				return nil, vars, err
			}
			if text == nil {
				continue
			}
			got = nil
			if err := json.Unmarshal(text, &got); err != nil {
				return nil, vars, fmt.Errorf("%s: %w", f, err)
			}
		}
		raw, ok := got["chat_template"]
		if !ok || string(raw) == "null" {
			continue
		}
		src, err := Pick(raw, name)
		if err != nil {
			return nil, vars, fmt.Errorf("%s: %w", f, err)
		}
		t, err := Parse(label, src)
		return t, vars, err
	}
	if name != "default" {
		return nil, vars, fmt.Errorf("%s: no chat template is called %q: %w", dir, name, errNoName)
	}
	return nil, vars, nil
}

var errNoName = errors.New("no template of that name")

// Pick takes the template called name out of the field chat_template, which is
// one template (then it is the "default") or a list of {"name", "template"}.
func Pick(field []byte, name string) (string, error) {
	var one string
	if json.Unmarshal(field, &one) == nil {
		if name != "default" {
			return "", fmt.Errorf("chat_template: there is one template without a name, not one called %q: %w", name, errNoName)
		}
		return one, nil
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(field, &list); err != nil {
		return "", fmt.Errorf("chat_template: expected a string or a list of {name, template}: %w", err)
	}
	var names []string
	for _, t := range list {
		if t.Name == name {
			return t.Template, nil
		}
		names = append(names, t.Name)
	}
	return "", fmt.Errorf("chat_template: no template is called %q; there are: %s: %w", name, strings.Join(names, ", "), errNoName)
}

// tokenVars collects the fields that transformers hands to templates: the tokens,
// each a string or an object with the string as "content".
func tokenVars(fields map[string]json.RawMessage) (map[string]any, error) {
	vars := map[string]any{}
	var names []string
	for name := range fields {
		if strings.HasSuffix(name, "_token") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		s, ok := tokenText(fields[name])
		if ok {
			vars[name] = s
		} else if strings.HasPrefix(strings.TrimSpace(string(fields[name])), "{") {
			return nil, fmt.Errorf("%s: expected a string or an object with a field \"content\"", name)
		} // else a flag such as add_bos_token, or null
	}
	if raw, ok := fields["additional_special_tokens"]; ok && string(raw) != "null" {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("additional_special_tokens: expected a list: %w", err)
		}
		tokens := make([]any, 0, len(list))
		for _, r := range list {
			s, ok := tokenText(r)
			if !ok {
				return nil, errors.New("additional_special_tokens: expected strings")
			}
			tokens = append(tokens, s)
		}
		vars["additional_special_tokens"] = tokens
	}
	return vars, nil
}

func tokenText(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		return *s, true
	}
	var o struct{ Content *string }
	if json.Unmarshal(raw, &o) == nil && o.Content != nil {
		return *o.Content, true
	}
	return "", false
}

// readFile is os.ReadFile with a limit; a file that is not there is nil.
func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if st.Size() > maxConfig {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d a configuration may have", path, st.Size(), maxConfig)
	}
	return os.ReadFile(path)
}
