package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// tokenizeFlags are the flags of tokenize.
type tokenizeFlags struct {
	tokenizer              string
	special, decode, jsonl bool
}

func tokenizeCommand(a *app) *cobra.Command {
	o := &tokenizeFlags{}
	c := &cobra.Command{
		Use:   "tokenize MODEL|--tokenizer FILE [TEXT|-]",
		Short: "Turn text into token ids, or back",
		Long: `Tokenize shows the tokens of a text, exactly: nothing is put before or after it. TEXT is
read from the standard input when it is "-" or missing.

--jsonl reads one JSON string per line and writes one array of ids per line; with
--decode arrays come in and strings go out.`,
		Example: `  lighttransfer tokenize SmolLM2.gguf "Hello, world"
  lighttransfer tokenize SmolLM2.gguf --special "<|im_start|>user"
  lighttransfer tokenize SmolLM2.gguf --decode "19556 28 905"
  lighttransfer tokenize --tokenizer tokenizer.json --jsonl < texts.jsonl > ids.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.tokenizer == "" {
				return arguments(1, 2, "MODEL (or --tokenizer FILE)")(nil, args)
			}
			return arguments(0, 1, "")(nil, args)
		},
		ValidArgsFunction: modelArgument,
		RunE:              func(_ *cobra.Command, args []string) error { return a.tokenize(args, o) },
	}
	c.Flags().StringVar(&o.tokenizer, "tokenizer", "", "`FILE` is a tokenizer.json, the folder of one, or a .gguf file, instead of MODEL")
	c.Flags().BoolVar(&o.special, "special", false, "read special tokens written in the text as such")
	c.Flags().BoolVar(&o.decode, "decode", false, "ids in, text out")
	c.Flags().BoolVar(&o.jsonl, "jsonl", false, "one JSON value per line in, one per line out")
	return c
}

func (a *app) tokenize(args []string, o *tokenizeFlags) error {
	source := o.tokenizer
	if source == "" {
		source, args = args[0], args[1:]
	}
	switch {
	case o.jsonl && a.json:
		return usagef("--jsonl is JSON already, line by line: leave --json out")
	case o.jsonl && len(args) > 0 && args[0] != "-":
		return usagef("--jsonl reads the standard input: leave TEXT out")
	case o.decode && o.special:
		return usagef("--special is for text, --decode reads ids")
	case (len(args) == 0 || o.jsonl) && a.typed():
		return usagef("no text: give one, or send one to the standard input")
	}
	tok, err := openTokenizer(source, o.tokenizer == "")
	if err != nil {
		return err
	}
	if o.jsonl {
		return a.eachLine(func(line []byte) (any, error) { return o.line(tok, line) })
	}
	text := "-"
	if len(args) > 0 {
		text = args[0]
	}
	if text == "-" {
		data, err := a.read("-")
		if err != nil {
			return err
		}
		text = string(data)
	}
	if o.decode {
		return a.decoded(tok, text)
	}
	return a.encoded(tok, tok.Encode(text, tokenizer.EncodeOptions{Special: o.special}))
}

// openTokenizer reads the tokenizer of a model, or a file of its own.
func openTokenizer(source string, model bool) (*tokenizer.Tokenizer, error) {
	if !model {
		if !strings.HasSuffix(source, ".gguf") {
			return tokenizer.Open(source)
		}
		f, err := gguf.Open(source)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return tokenizer.FromGGUF(f)
	}
	t, err := lighttransfer.OpenText(source)
	if err != nil {
		return nil, err
	}
	return t.Tokenizer, nil
}

// line is one line of --jsonl.
func (o *tokenizeFlags) line(tok *tokenizer.Tokenizer, line []byte) (any, error) {
	if o.decode {
		var ids []int32
		if err := json.Unmarshal(line, &ids); err != nil {
			return nil, fmt.Errorf("not an array of token ids: %w", err)
		}
		if err := known(tok, ids); err != nil {
			return nil, err
		}
		return tok.Decode(ids, false), nil
	}
	var text *string
	if err := json.Unmarshal(line, &text); err != nil || text == nil {
		return nil, errors.Join(errors.New("not a JSON string"), err)
	}
	return tok.Encode(*text, tokenizer.EncodeOptions{Special: o.special}), nil
}

// known refuses ids that the tokenizer does not have.
func known(tok *tokenizer.Tokenizer, ids []int32) error {
	for _, id := range ids {
		if id < 0 || int(id) >= tok.Size() {
			return fmt.Errorf("token id %d: the tokenizer has 0 to %d", id, tok.Size()-1)
		}
	}
	return nil
}

func (a *app) decoded(tok *tokenizer.Tokenizer, text string) error {
	var ids []int32
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]", r) }) {
		id, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no token id; write ids like: 1 2 3", s)
		}
		ids = append(ids, int32(id))
	}
	if err := known(tok, ids); err != nil {
		return err
	}
	out := tok.Decode(ids, false)
	if a.json {
		return a.print(struct {
			Text string `json:"text"`
		}{out})
	}
	_, err := io.WriteString(a.out, out)
	if a.table.IsTerminal() && !strings.HasSuffix(out, "\n") {
		fmt.Fprintln(a.out)
	}
	return err
}

func (a *app) encoded(tok *tokenizer.Tokenizer, ids []int32) error {
	pieces := make([]string, len(ids))
	for i, id := range ids {
		pieces[i] = string(tok.Piece(id))
	}
	if a.json {
		return a.print(struct {
			IDs    []int32  `json:"ids"`
			Pieces []string `json:"pieces"` // bytes that are not UTF-8 show as U+FFFD
		}{ids, pieces})
	}
	w := bufio.NewWriter(a.out)
	for i, id := range ids {
		fmt.Fprintf(w, "%8d  %q\n", id, pieces[i])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.say("%s tokens", count(len(ids)))
	return nil
}

// eachLine turns every line of the standard input into a line of JSON. What has
// been read is answered before more is waited for, so that a program can hold a
// conversation. Empty lines are left out.
func (a *app) eachLine(f func(line []byte) (any, error)) error {
	in, out := bufio.NewReaderSize(a.in, 1<<16), bufio.NewWriterSize(a.out, 1<<16)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return errors.Join(err, out.Flush())
		}
		last := err == io.EOF
		if len(strings.TrimSpace(string(line))) > 0 {
			v, err := f(line)
			if err == nil {
				err = e.Encode(v)
			}
			if err != nil {
				return errors.Join(fmt.Errorf("line %d: %w", n, err), out.Flush())
			}
		}
		if last || in.Buffered() == 0 {
			if err := out.Flush(); err != nil || last {
				return err
			}
		}
	}
}
