package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	jsonFile   = "tokenizer.json"
	configFile = "tokenizer_config.json"
	// maxFile is some twenty times the largest tokenizer.json there is.
	maxFile = 512 << 20
)

// Open reads a tokenizer.json, or the one in a folder, and the
// tokenizer_config.json beside it if there is one.
func Open(path string) (*Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if info.IsDir() {
		path = filepath.Join(path, jsonFile)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	config, err := readFile(filepath.Join(filepath.Dir(path), configFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return FromJSON(data, config)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, malformed(filepath.Base(path), "", "%d bytes are too many for a tokenizer (at most %d)", info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// FromJSON makes a tokenizer of the contents of a tokenizer.json and of the
// tokenizer_config.json that comes with it (nil: none; then there is no EOS).
//
// The errors are a *FormatError for a damaged file, also where the two
// contradict each other, and an *UnsupportedError for what would need code
// that is not here. No key is passed over silently.
func FromJSON(tokenizerJSON, configJSON []byte) (*Tokenizer, error) {
	var file struct {
		Version       json.RawMessage   `json:"version"`
		Truncation    json.RawMessage   `json:"truncation"` // how to cut batches: not ours
		Padding       json.RawMessage   `json:"padding"`    // how to fill batches: not ours
		AddedTokens   []json.RawMessage `json:"added_tokens"`
		Normalizer    json.RawMessage   `json:"normalizer"`
		PreTokenizer  json.RawMessage   `json:"pre_tokenizer"`
		PostProcessor json.RawMessage   `json:"post_processor"`
		Decoder       json.RawMessage   `json:"decoder"`
		Model         json.RawMessage   `json:"model"`
	}
	if err := strict(jsonFile, "", tokenizerJSON, &file); err != nil {
		return nil, err
	}
	if v := string(file.Version); v != `"1.0"` && v != "" {
		return nil, unsupported(jsonFile, "version", "version "+clip(v), `only "1.0" is`)
	}
	d := &definition{file: jsonFile, bos: -1, unk: -1}
	if err := d.readPreTokenizer("pre_tokenizer", file.PreTokenizer); err != nil {
		return nil, err
	}
	if err := d.readModel(file.Model, max(len(tokenizerJSON), 1<<18)); err != nil {
		return nil, err
	}
	if err := d.readNormalizer("normalizer", file.Normalizer); err != nil {
		return nil, err
	}
	if err := d.readDecoder("decoder", file.Decoder); err != nil {
		return nil, err
	}
	for i, raw := range file.AddedTokens {
		where := fmt.Sprintf("added_tokens[%d]", i)
		t, err := readAddedToken(jsonFile, where, raw)
		if err != nil {
			return nil, err
		}
		if err := d.addTokenJSON(where, t, max(len(tokenizerJSON), 1<<18)); err != nil {
			return nil, err
		}
	}
	if err := d.readPostProcessor("post_processor", file.PostProcessor); err != nil {
		return nil, err
	}
	if len(d.prefix) > 0 {
		d.bos = d.prefix[0]
	}
	if configJSON != nil {
		if err := d.readConfig(configJSON); err != nil {
			return nil, err
		}
	}
	return d.build()
}

// readModel reads the vocabulary and the merges. An id may not be above limit,
// so that a small file cannot ask for a large table.
func (d *definition) readModel(raw json.RawMessage, limit int) error {
	kind, err := typeOf("model", raw)
	if err != nil {
		return err
	}
	if kind != "BPE" && kind != "" { // old files leave it out
		return unsupported(jsonFile, "model.type", "model "+clip(kind), "only BPE is")
	}
	var m struct {
		Type         string           `json:"type"`
		Vocab        map[string]int64 `json:"vocab"`
		Merges       mergeList        `json:"merges"`
		Dropout      *float64         `json:"dropout"`
		UnkToken     *string          `json:"unk_token"`
		FuseUnk      bool             `json:"fuse_unk"`
		ByteFallback bool             `json:"byte_fallback"`
		IgnoreMerges bool             `json:"ignore_merges"`
		Prefix       *string          `json:"continuing_subword_prefix"`
		Suffix       *string          `json:"end_of_word_suffix"`
	}
	if err := strict(jsonFile, "model", raw, &m); err != nil {
		return err
	}
	switch {
	case len(m.Vocab) == 0:
		return malformed(jsonFile, "model.vocab", "missing or empty")
	case m.Dropout != nil && *m.Dropout != 0:
		return unsupported(jsonFile, "model.dropout", fmt.Sprintf("dropout %g", *m.Dropout), "only null or 0 is")
	case m.Prefix != nil && *m.Prefix != "":
		return unsupported(jsonFile, "model.continuing_subword_prefix", clip(*m.Prefix), "only an empty one is")
	case m.Suffix != nil && *m.Suffix != "":
		return unsupported(jsonFile, "model.end_of_word_suffix", clip(*m.Suffix), "only an empty one is")
	case m.ByteFallback && d.byteLevel:
		return unsupported(jsonFile, "model.byte_fallback", "byte_fallback with a ByteLevel pre_tokenizer", "one or the other is")
	case m.IgnoreMerges && !d.byteLevel:
		return unsupported(jsonFile, "model.ignore_merges", "ignore_merges without a ByteLevel pre_tokenizer", "")
	}
	size := 0
	for s, id := range m.Vocab {
		if id < 0 || id >= int64(min(limit, maxTokens)) {
			return malformed(jsonFile, "model.vocab", "id %d of %q is out of range (the file of %d tokens may use 0 to %d)", id, s, len(m.Vocab), min(limit, maxTokens)-1)
		}
		size = max(size, int(id)+1)
	}
	d.tokens = make([]string, size)
	d.symbols = make(map[string]int32, len(m.Vocab))
	for s, id := range m.Vocab {
		if s == "" {
			continue // no text becomes an empty token
		}
		if have := d.tokens[id]; have != "" {
			return malformed(jsonFile, "model.vocab", "%q and %q have the same id %d", min(have, s), max(have, s), id)
		}
		d.tokens[id] = s
		d.symbols[s] = int32(id)
	}
	if m.ByteFallback {
		d.bytes = make([]bool, size)
		for id, s := range d.tokens {
			_, d.bytes[id] = parseByteToken(s)
		}
	}
	if m.UnkToken != nil {
		id, ok := d.symbols[*m.UnkToken]
		if !ok {
			return malformed(jsonFile, "model.unk_token", "%q is not in the vocabulary", *m.UnkToken)
		}
		d.unk, d.fuseUnk = id, m.FuseUnk
	}
	d.ignoreMerges = m.IgnoreMerges
	d.merges = make([]merge, 0, len(m.Merges))
	for i, p := range m.Merges {
		if err := d.addMerge(fmt.Sprintf("model.merges[%d]", i), p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// mergeList reads merges in both forms there are: "a b" and ["a", "b"].
type mergeList [][2]string

func (l *mergeList) UnmarshalJSON(raw []byte) error {
	var lines []string
	if json.Unmarshal(raw, &lines) == nil {
		for i, line := range lines {
			left, right, ok := strings.Cut(line, " ")
			if !ok || left == "" || right == "" || strings.Contains(right, " ") {
				return fmt.Errorf("merge %d is %q and not two tokens with a space between", i, line)
			}
			*l = append(*l, [2]string{left, right})
		}
		return nil
	}
	var pairs [][]string
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return err
	}
	for i, p := range pairs {
		if len(p) != 2 || p[0] == "" || p[1] == "" {
			return fmt.Errorf("merge %d is %q and not two tokens", i, p)
		}
		*l = append(*l, [2]string{p[0], p[1]})
	}
	return nil
}

// addTokenJSON is addToken with the range of the id checked first.
func (d *definition) addTokenJSON(where string, t addedToken, limit int) error {
	if t.id < 0 || int(t.id) >= min(limit, maxTokens) {
		return malformed(d.file, where, "id %d of %q is out of range (0 to %d)", t.id, t.content, min(limit, maxTokens)-1)
	}
	if err := d.addToken(where, t); err != nil {
		return err
	}
	if d.bytes != nil {
		d.bytes = append(d.bytes, make([]bool, len(d.tokens)-len(d.bytes))...)
	}
	return nil
}

func readAddedToken(file, where string, raw json.RawMessage) (addedToken, error) {
	var t struct {
		ID         *int32  `json:"id"`
		Content    *string `json:"content"`
		SingleWord bool    `json:"single_word"`
		LStrip     bool    `json:"lstrip"`
		RStrip     bool    `json:"rstrip"`
		Normalized *bool   `json:"normalized"`
		Special    bool    `json:"special"`
		Type       string  `json:"__type"` // "AddedToken" in old configurations
	}
	if err := strict(file, where, raw, &t); err != nil {
		return addedToken{}, err
	}
	if t.Content == nil {
		return addedToken{}, malformed(file, where, "an added token without content")
	}
	out := addedToken{
		id: -1, content: *t.Content, special: t.Special,
		lstrip: t.LStrip, rstrip: t.RStrip, singleWord: t.SingleWord,
		normalized: !t.Special, // when it does not say
	}
	if t.Normalized != nil {
		out.normalized = *t.Normalized
	}
	if t.ID != nil {
		out.id = *t.ID
	}
	return out, nil
}

// strict decodes all of raw into v, whose keys must be all there are.
func strict(file, where string, raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		return malformed(file, where, "something follows the end of the JSON value at byte %d", dec.InputOffset())
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return malformed(file, where, "the JSON ends too early, after %d bytes (is the file complete?)", len(raw))
	case errors.As(err, &syntax):
		return &FormatError{file, where, fmt.Sprintf("not JSON at byte %d", syntax.Offset), err}
	case errors.As(err, &kind):
		return &FormatError{file, join(where, kind.Field), fmt.Sprintf("a %s where %s is expected", kind.Value, describe(kind.Type.String())), nil}
	}
	if _, key, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return unsupported(file, where, "key "+key, "it could change the ids")
	}
	return &FormatError{file, where, "not readable", err}
}

func describe(goType string) string {
	switch strings.TrimLeft(goType, "*[]") {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "int32", "int64", "float64", "uint8":
		return "a number"
	}
	return "an object or a list"
}

func join(where, field string) string {
	switch {
	case where == "":
		return field
	case field == "":
		return where
	}
	return where + "." + field
}

// typeOf returns the "type" of an object; "" when it has none or is null.
func typeOf(where string, raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	var v struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", &FormatError{jsonFile, where, "not an object with a type", err}
	}
	return v.Type, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// clip quotes a part of a file for an error message.
func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
