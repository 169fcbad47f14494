package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// small is a whole tokenizer.json to change in one place.
const small = `{"version":"1.0","truncation":null,"padding":null,
"added_tokens":[{"id":5,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
"normalizer":{"type":"NFC"},
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[5],"tokens":["<s>"]}}},
"decoder":{"type":"ByteLevel"},
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4},"merges":["a b","Ġ ab"]}}`

func TestSmall(t *testing.T) {
	tok, err := FromJSON([]byte(small), []byte(`{"eos_token":"<s>"}`))
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "text", "ab abc<s>", tok.Encode("ab abc<s>", EncodeOptions{Special: true, AddBOS: true}), []int32{5, 2, 4, 5})
}

const (
	isMalformed   = "malformed"
	isUnsupported = "unsupported"
)

func checkError(t *testing.T, name string, err error, kind, word string) {
	t.Helper()
	var f *FormatError
	var u *UnsupportedError
	got := "no error"
	switch {
	case errors.As(err, &f):
		got = isMalformed
	case errors.As(err, &u):
		got = isUnsupported
	case err != nil:
		got = "untyped"
	}
	if got != kind {
		t.Errorf("%s: %s: %v; want %s", name, got, err, kind)
	} else if !strings.Contains(err.Error(), word) {
		t.Errorf("%s: %q does not name %q", name, err, word)
	}
}

func TestDamagedJSON(t *testing.T) {
	for _, c := range []struct{ old, new, kind, word string }{
		{`"1.0"`, `"2.0"`, isUnsupported, "2.0"},
		{`"padding":null`, `"padding":null,"spacing":1`, isUnsupported, "spacing"},
		{`{"type":"NFC"}`, `{"type":"NFKC"}`, isUnsupported, "NFKC"},
		{`{"type":"NFC"}`, `{"type":"NFC","strict":true}`, isUnsupported, "strict"},
		{`{"type":"NFC"}`, `{"type":"Sequence","normalizers":[{"type":"Lowercase"}]}`, isUnsupported, "Lowercase"},
		{`{"type":"NFC"}`, `{"type":"Sequence","normalizers":7}`, isMalformed, "normalizers"},
		{`{"type":"NFC"}`, `{"type":"Sequence"}`, isMalformed, "normalizers"},
		{`{"type":"NFC"}`, `{"type":"Replace","pattern":{"Regex":"x+"},"content":"y"}`, isUnsupported, "x+"},
		{`{"type":"NFC"}`, `{"type":"Replace","pattern":{},"content":"y"}`, isMalformed, "pattern"},
		{`{"type":"NFC"}`, `"NFC"`, isMalformed, "normalizer"},
		{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Whitespace"}`, isUnsupported, "Whitespace"},
		{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":false}`, isUnsupported, "_"},
		{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Metaspace","replacement":"▁"}`, isUnsupported, "split"},
		{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}`, isUnsupported, `\\d+`},
		{`"add_prefix_space":false`, `"add_prefix_space":true`, isUnsupported, "add_prefix_space"},
		{`"use_regex":true`, `"use_regex":false`, isUnsupported, "use_regex"},
		{`"use_regex":true`, `"use_regex":"yes"`, isMalformed, "use_regex"},
		{`"decoder":{"type":"ByteLevel"}`, `"decoder":null`, isUnsupported, "decoder"},
		{`"decoder":{"type":"ByteLevel"}`, `"decoder":{"type":"WordPiece"}`, isUnsupported, "WordPiece"},
		{`"type":"TemplateProcessing"`, `"type":"BertProcessing"`, isUnsupported, "BertProcessing"},
		{`"ids":[5]`, `"ids":[6]`, isMalformed, "6"},
		{`"ids":[5]`, `"ids":[-1]`, isMalformed, "-1"},
		{`{"Sequence":{"id":"A","type_id":0}}`, `{"Sequence":{"id":"B","type_id":0}}`, isMalformed, "single"},
		{`,{"Sequence":{"id":"A","type_id":0}}`, ``, isMalformed, "single"},
		{`"special_tokens":{"<s>"`, `"special_tokens":{"<x>"`, isMalformed, "<s>"},
		{`"type":"BPE"`, `"type":"Unigram"`, isUnsupported, "Unigram"},
		{`"dropout":null`, `"dropout":0.1`, isUnsupported, "dropout"},
		{`"unk_token":null`, `"unk_token":"<unk>"`, isMalformed, "<unk>"},
		{`"unk_token":null`, `"unk_token":5`, isMalformed, "unk_token"},
		{`"end_of_word_suffix":null`, `"end_of_word_suffix":"</w>"`, isUnsupported, "</w>"},
		{`"continuing_subword_prefix":null`, `"continuing_subword_prefix":"##"`, isUnsupported, "##"},
		{`"byte_fallback":false`, `"byte_fallback":true`, isUnsupported, "byte_fallback"},
		{`"fuse_unk":false`, `"fuse_unk":false,"max_input_chars":100`, isUnsupported, "max_input_chars"},
		{`"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4}`, `"vocab":{}`, isMalformed, "vocab"},
		{`"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4}`, `"vocab":["a"]`, isMalformed, "vocab"},
		{`"b":1`, `"b":0`, isMalformed, "same id"},
		{`"b":1`, `"b":-1`, isMalformed, "-1"},
		{`"b":1`, `"b":4000000000`, isMalformed, "4000000000"},
		{`"b":1`, `"b":1e99`, isMalformed, "vocab"},
		{`"b":1`, `"b":"1"`, isMalformed, "vocab"},
		{`"a b"`, `"a x"`, isMalformed, `"x"`},
		{`"a b"`, `"b a"`, isMalformed, `"ba"`},
		{`"a b"`, `"ab"`, isMalformed, "merge 0"},
		{`"a b"`, `"a b c"`, isMalformed, "merge 0"},
		{`"a b"`, `["a","b"]`, isMalformed, "merges"},
		{`["a b","Ġ ab"]`, `[["a"]]`, isMalformed, "merge 0"},
		{`["a b","Ġ ab"]`, `5`, isMalformed, "merges"},
		{`"id":5,"content":"<s>"`, `"id":4,"content":"<s>"`, isMalformed, "Ġab"},
		{`"id":5,"content":"<s>"`, `"id":5,"content":""`, isMalformed, "0 bytes"},
		{`"id":5,"content":"<s>"`, `"id":5,"content":"ab"`, isMalformed, "ab"},
		{`"id":5,"content":"<s>"`, `"id":5`, isMalformed, "content"},
		{`"id":5,"content":"<s>"`, `"content":"<s>"`, isMalformed, "-1"},
		{`"id":5,"content":"<s>"`, `"id":2000000000,"content":"<s>"`, isMalformed, "2000000000"},
		{`"special":true`, `"special":true,"blink":true`, isUnsupported, "blink"},
		{`"special":true`, `"special":1`, isMalformed, "special"},
	} {
		name := fmt.Sprintf("%s -> %s", c.old, c.new)
		if strings.Count(small, c.old) == 0 {
			t.Fatalf("%s: nothing to replace", name)
		}
		_, err := FromJSON([]byte(strings.Replace(small, c.old, c.new, 1)), nil)
		checkError(t, name, err, c.kind, c.word)
	}
	for _, s := range []string{"", "null", "[]", "7", "{}", small + "x", small + small, "\xff\xfe"} {
		if _, err := FromJSON([]byte(s), nil); err == nil {
			t.Errorf("%.20q is no error", s)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ config, kind, word string }{
		{`{"bos_token":"<x>"}`, isMalformed, "<x>"},
		{`{"eos_token":5}`, isMalformed, "eos_token"},
		{`{"eos_token":{"content":"<y>","lstrip":false}}`, isMalformed, "<y>"},
		{`{"eos_token":{"lstrip":false}}`, isMalformed, "content"},
		{`{"add_bos_token":"yes"}`, isMalformed, "add_bos_token"},
		{`{"tokenizer_class":"LlamaTokenizer","add_bos_token":true}`, isMalformed, "bos_token"},
		{`{"tokenizer_class":"LlamaTokenizer","add_eos_token":true}`, isMalformed, "eos_token"},
		{`{"tokenizer_class":1}`, isMalformed, "tokenizer_class"},
		{`{"add_prefix_space":true}`, isUnsupported, "add_prefix_space"},
		{`{"do_lower_case":true}`, isUnsupported, "do_lower_case"},
		{`{"split_special_tokens":true}`, isUnsupported, "split_special_tokens"},
		{`{"auto_map":{"AutoTokenizer":["x.py",null]}}`, isUnsupported, "auto_map"},
		{`{"additional_special_tokens":["<s>","<u>"]}`, isMalformed, "<u>"},
		{`{"additional_special_tokens":"<s>"}`, isMalformed, "additional_special_tokens"},
		{`{"extra_special_tokens":["<u>"]}`, isUnsupported, "extra_special_tokens"},
		{`{"reverse_text":true}`, isUnsupported, "reverse_text"},
		{`{"added_tokens_decoder":{"x":{"content":"<z>"}}}`, isMalformed, `"x"`},
		{`{"added_tokens_decoder":{"-3":{"content":"<z>"}}}`, isMalformed, "-3"},
		{`{"added_tokens_decoder":{"999999999":{"content":"<z>"}}}`, isMalformed, "range"},
		{`{"added_tokens_decoder":{"6":{"content":"<s>"}}}`, isMalformed, "two ids"},
		{`{"added_tokens_decoder":{"0":{"content":"<z>"}}}`, isMalformed, "<z>"},
		{`{"added_tokens_decoder":[]}`, isMalformed, "added_tokens_decoder"},
		{`{"bos_token"`, isMalformed, "too early"},
		{`[]`, isMalformed, "object"},
	} {
		_, err := FromJSON([]byte(small), []byte(c.config))
		checkError(t, c.config, err, c.kind, c.word)
	}

	tok, err := FromJSON([]byte(small), []byte(`{"tokenizer_class":"LlamaTokenizerFast","bos_token":null,"eos_token":"<t>","image_token":"<i>","additional_special_tokens":["<s>",{"content":"<t>"}],"extra_special_tokens":{},
		"chat_template":"","add_eos_token":true,"add_bos_token":false,"added_tokens_decoder":{"6":{"content":"<t>","special":true},"5":{"content":"<s>","rstrip":true,"special":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "text", "<s>  a<t>", tok.Encode("<s>  a<t>", EncodeOptions{Special: true, AddBOS: true}), []int32{5, 0, 6, 6})
}

// TestCutShort cuts a file at every byte.
func TestCutShort(t *testing.T) {
	data := []byte(small)
	for n := range len(data) {
		_, err := FromJSON(data[:n], nil)
		checkError(t, fmt.Sprint("first bytes: ", n), err, isMalformed, "too early")
	}
}

// TestWrongTypes replaces every value of a file by values of other types.
func TestWrongTypes(t *testing.T) {
	var root any
	if err := json.Unmarshal([]byte(small), &root); err != nil {
		t.Fatal(err)
	}
	var try func(get any, set func(any))
	tries := 0
	try = func(v any, set func(any)) {
		for _, wrong := range []any{nil, 1e18, -1, 0.5, "x", "", true, []any{}, []any{[]any{1}}, map[string]any{}, map[string]any{"type": "x"}} {
			set(wrong)
			data, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			if tok, err := FromJSON(data, nil); err == nil { // harmless
				tok.Decode(tok.Encode("ab <s> é", EncodeOptions{Special: true, AddBOS: true}), false)
			}
			tries++
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				try(e, func(x any) { v[k] = x })
			}
		case []any:
			for i, e := range v {
				try(e, func(x any) { v[i] = x })
			}
		}
	}
	try(root, func(x any) { root = x })
	if tries < 500 {
		t.Errorf("only %d", tries)
	}
}

func TestDamagedGGUF(t *testing.T) {
	for _, c := range []struct {
		base, key string
		value     any // nil: deleted
		kind      string
	}{
		{"gpt-2", "model", nil, isMalformed},
		{"gpt-2", "model", "bert", isUnsupported},
		{"gpt-2", "model", uint64(1), isMalformed},
		{"gpt-2", "pre", "tekken", isUnsupported},
		{"gpt-2", "pre", true, isMalformed},
		{"gpt-2", "tokens", nil, isMalformed},
		{"gpt-2", "tokens", []string{}, isMalformed},
		{"gpt-2", "tokens", []string{"a", "b"}, isMalformed},
		{"gpt-2", "token_type", []int64{1}, isMalformed},
		{"gpt-2", "token_type", "x", isMalformed},
		{"gpt-2", "merges", nil, isMalformed},
		{"gpt-2", "merges", []string{"a"}, isMalformed},
		{"gpt-2", "merges", []string{"a nothing"}, isMalformed},
		{"gpt-2", "bos_token_id", uint64(1 << 40), isMalformed},
		{"gpt-2", "eos_token_id", "2", isMalformed},
		{"gpt-2", "add_bos_token", true, isMalformed}, // there is none
		{"gpt-2", "add_eos_token", true, isMalformed},
		{"gpt-2", "add_space_prefix", true, isUnsupported},
		{"gpt-2", "add_sep_token", true, isUnsupported},
		{"gpt-2", "shuffle", true, isUnsupported},
		{"", "scores", nil, isMalformed},
		{"", "scores", []float64{1}, isMalformed},
		{"", "remove_extra_whitespaces", true, isUnsupported},
		{"", "precompiled_charsmap", []int64{1}, isUnsupported},
	} {
		name := "gpt2"
		if c.base == "" {
			name = "llama2"
		}
		src := ggufOf(t, name, c.base)
		if _, err := FromGGUF(src); err != nil {
			t.Fatal(err)
		}
		if c.value == nil {
			delete(src, ggufPrefix+c.key)
		} else {
			src[ggufPrefix+c.key] = c.value
		}
		_, err := FromGGUF(src)
		word := c.key
		if c.key == "tokens" {
			word = "token"
		}
		checkError(t, fmt.Sprintf("%s = %v", c.key, c.value), err, c.kind, word)
	}
	src := ggufOf(t, "gpt2", "tekken")
	if _, err := FromGGUF(src); err == nil || !strings.Contains(err.Error(), "tekken") || !strings.Contains(err.Error(), "llama-bpe, ") {
		t.Errorf("%v does not say what is supported", err)
	}
}

func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	write := func(name, s string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(jsonFile, small)
	if tok, err := Open(dir); err != nil || len(tok.EOS()) != 0 {
		t.Error(err)
	}
	write(configFile, `{"eos_token":"<s>"}`)
	tok, err := Open(filepath.Join(dir, jsonFile))
	if err != nil || len(tok.EOS()) != 1 {
		t.Error(err)
	}
	write(configFile, `{"eos_token":`)
	_, err = Open(dir)
	checkError(t, "config", err, isMalformed, configFile)
}

func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(small), []byte(`{"eos_token":"<s>"}`), "ab <s>é")
	f.Add(bytes.ReplaceAll([]byte(small), []byte("ByteLevel"), []byte("Metaspace")), []byte("null"), " ")
	f.Fuzz(func(t *testing.T, data, config []byte, text string) {
		tok, err := FromJSON(data, config)
		if err != nil {
			return
		}
		ids := tok.Encode(text, EncodeOptions{Special: true, AddBOS: true})
		tok.Decode(ids, true)
	})
}
