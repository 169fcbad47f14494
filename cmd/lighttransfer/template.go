package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// templateFlags are the flags of template.
type templateFlags struct {
	template, input string
	jsonl           bool
}

func templateCommand(a *app) *cobra.Command {
	o := &templateFlags{}
	c := &cobra.Command{
		Use:   "template MODEL|--template FILE",
		Short: "Turn a conversation into a prompt by the chat template",
		Long: `Template reads a JSON object like

  {"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": true}

(whatever the template knows may be in it: tools, documents, bos_token, ...) and writes
the prompt that the chat template makes of it, byte for byte.

--jsonl reads one {"template": "...", "data": {...}} per line, where the template may be
left out if MODEL or --template gives one, and writes one JSON string, or one
{"error": "..."}, per line.`,
		Example: `  echo '{"messages": [{"role": "user", "content": "Hello"}]}' | lighttransfer template SmolLM2.gguf
  lighttransfer template --template chat_template.jinja --json-input conversation.json
  lighttransfer template --jsonl < cases.jsonl > prompts.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.template != "" || o.jsonl {
				most := 1
				if o.template != "" {
					most = 0
				}
				return arguments(0, most, "")(nil, args)
			}
			return arguments(1, 1, "MODEL (or --template FILE)")(nil, args)
		},
		ValidArgsFunction: modelArgument,
		RunE:              func(_ *cobra.Command, args []string) error { return a.template(args, o) },
	}
	c.Flags().StringVar(&o.template, "template", "", "a `FILE` of Jinja source instead of MODEL")
	c.Flags().StringVar(&o.input, "json-input", "", "read the object from `FILE` (default: the standard input)")
	c.Flags().BoolVar(&o.jsonl, "jsonl", false, "one case per line in, one prompt per line out")
	return c
}

func (a *app) template(args []string, o *templateFlags) error {
	switch {
	case o.jsonl && a.json:
		return usagef("--jsonl is JSON already, line by line: leave --json out")
	case o.jsonl && o.input != "":
		return usagef("--jsonl reads the standard input: leave --json-input out")
	case (o.input == "" || o.input == "-") && a.typed():
		return usagef("no conversation: name its file with --json-input, or send it to the standard input")
	}
	var r renderer
	var err error
	switch {
	case o.template != "":
		var src []byte
		if src, err = a.read(o.template); err == nil {
			r.own, err = chat.Parse(filepath.Base(o.template), string(src))
		}
	case len(args) > 0:
		var t *lighttransfer.Text
		if t, err = lighttransfer.OpenText(args[0]); err == nil {
			if r.own, r.vars = t.Template, t.Vars; t.Template == nil && !o.jsonl {
				err = fmt.Errorf("%s has no chat template; give one with --template FILE", args[0])
			}
		}
	}
	if err != nil {
		return err
	}
	if o.jsonl {
		return a.eachLine(r.line)
	}
	data, err := a.read(orStdin(o.input))
	if err != nil {
		return err
	}
	prompt, err := r.render(r.own, data)
	if err != nil {
		return err
	}
	if a.json {
		return a.print(struct {
			Prompt string `json:"prompt"`
		}{prompt})
	}
	_, err = io.WriteString(a.out, prompt)
	return err
}

func orStdin(name string) string {
	if name == "" {
		return "-"
	}
	return name
}

// A renderer fills templates in.
type renderer struct {
	own  *chat.Template // of the model or the file; nil: none
	vars map[string]any // what the model's tokenizer lends to templates

	last   *chat.Template // parsed last, for lines that repeat it
	source string
}

func (r *renderer) render(t *chat.Template, object []byte) (string, error) {
	data, err := chat.Decode(object)
	if err != nil {
		return "", err
	}
	all := maps.Clone(r.vars)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, data)
	return t.Render(all)
}

// line is one line of --jsonl. What is wrong with a case is its result; a line
// that is no case is an error.
func (r *renderer) line(line []byte) (any, error) {
	var c struct {
		Template *string
		Data     json.RawMessage
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, fmt.Errorf(`not an object like {"template": "...", "data": {...}}: %w`, err)
	}
	prompt, err := func() (string, error) {
		t := r.own
		if c.Template != nil {
			if r.last == nil || r.source != *c.Template {
				parsed, err := chat.Parse("template", *c.Template)
				if err != nil {
					return "", err
				}
				r.last, r.source = parsed, *c.Template
			}
			t = r.last
		}
		if t == nil {
			return "", errors.New(`no chat template: the line has none, and neither MODEL nor --template gives one`)
		}
		return r.render(t, c.Data)
	}()
	if err != nil {
		return struct {
			Error string `json:"error"`
		}{err.Error()}, nil
	}
	return prompt, nil
}
