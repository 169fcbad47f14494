package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// MetaSource is the metadata of a GGUF file. The getters say whether the key
// is there with a value of that kind.
type MetaSource interface {
	Keys() []string
	String(key string) (string, bool)
	Bool(key string) (bool, bool)
	Uint(key string) (uint64, bool)
	Strings(key string) ([]string, bool)
	Ints(key string) ([]int64, bool)
	Floats(key string) ([]float64, bool)
}

const (
	ggufFile   = "GGUF metadata"
	ggufPrefix = "tokenizer.ggml."
)

// ggufUsed and ggufIgnored are the keys after tokenizer.ggml. that FromGGUF
// reads, and those that do not change ids: tokens for uses other than
// generating (padding, masks, fill in the middle).
var (
	ggufUsed = set(`model pre tokens token_type scores merges bos_token_id eos_token_id
		eot_token_id eom_token_id unknown_token_id add_bos_token add_eos_token
		add_space_prefix add_sep_token remove_extra_whitespaces precompiled_charsmap`)
	ggufIgnored = set(`padding_token_id separator_token_id seperator_token_id cls_token_id
		mask_token_id prefix_token_id suffix_token_id middle_token_id fim_pre_token_id
		fim_suf_token_id fim_mid_token_id fim_pad_token_id fim_rep_token_id
		fim_sep_token_id token_type_count`)
)

// Types of tokens in tokenizer.ggml.token_type.
const (
	typeNormal = 1 + iota
	typeUnknown
	typeControl
	typeUserDefined
	typeUnused
	typeByte
)

// preTokenizer is what a name in tokenizer.ggml.pre stands for.
type preTokenizer struct {
	pattern      pattern
	nfc          bool
	ignoreMerges bool
	addBOS       bool // when add_bos_token is absent
}

// ggufPre has the names llama.cpp gives to the patterns that are here.
// "default" stands for a vocabulary whose converter knew no name; like a
// missing name it is read as GPT-2. Qwen 2 composes characters, as its
// tokenizer.json does; the GGUF does not say it.
var ggufPre = func() map[string]preTokenizer {
	m := map[string]preTokenizer{}
	add := func(p preTokenizer, names string) {
		for name := range set(names) {
			m[name] = p
		}
	}
	add(preTokenizer{pattern: patternGPT2}, "gpt-2 default")
	add(preTokenizer{pattern: patternDigits}, "smollm")
	add(preTokenizer{pattern: patternLlama3, ignoreMerges: true, addBOS: true}, "llama-bpe llama3 llama-v3 falcon3")
	add(preTokenizer{pattern: patternLlama3}, "smaug-bpe")
	add(preTokenizer{pattern: patternQwen2, nfc: true}, "qwen2")
	add(preTokenizer{pattern: patternQwen2}, "deepseek-r1-qwen")
	return m
}()

// FromGGUF makes the tokenizer a GGUF file describes: a byte-level BPE
// ("gpt2") or a SentencePiece BPE ("llama"). Errors are as in FromJSON.
func FromGGUF(src MetaSource) (*Tokenizer, error) {
	for _, key := range src.Keys() {
		name, ok := strings.CutPrefix(key, ggufPrefix)
		if ok && !ggufUsed[name] && !ggufIgnored[name] {
			return nil, unsupported(ggufFile, "", "key "+clip(key), "it could change the ids")
		}
	}
	g := ggufReader{src: src, def: &definition{file: ggufFile, bos: -1, unk: -1}}
	model := g.str("model")
	if g.err == nil && model == "" {
		return nil, malformed(ggufFile, ggufPrefix+"model", "missing: the file has no tokenizer")
	}
	g.readTokens()
	switch {
	case g.err != nil:
	case model == "gpt2":
		g.readByteLevel()
	case model == "llama":
		g.readSentencePiece()
	default:
		return nil, unsupported(ggufFile, ggufPrefix+"model", "tokenizer "+clip(model), "gpt2 and llama are")
	}
	if g.err != nil {
		return nil, g.err
	}
	return g.def.build()
}

// ggufReader reads keys; after an error it does nothing more.
type ggufReader struct {
	src   MetaSource
	def   *definition
	types []int64 // [id]
	err   error
}

func (g *ggufReader) fail(key, format string, args ...any) {
	if g.err == nil {
		g.err = malformed(ggufFile, ggufPrefix+key, format, args...)
	}
}

// get reads a key. A value of another kind than expected is an error, not an
// absent key.
func get[T any](g *ggufReader, key, kind string, read func(string) (T, bool)) (T, bool) {
	v, ok := read(ggufPrefix + key)
	if !ok && slices.Contains(g.src.Keys(), ggufPrefix+key) {
		g.fail(key, "not %s", kind)
	}
	return v, ok
}

func (g *ggufReader) str(key string) string {
	v, _ := get(g, key, "a string", g.src.String)
	return v
}

func (g *ggufReader) flag(key string, absent bool) bool {
	if v, ok := get(g, key, "a boolean", g.src.Bool); ok {
		return v
	}
	return absent
}

// token reads the id of a token, -1 if absent.
func (g *ggufReader) token(key string) int32 {
	v, ok := get(g, key, "a number", g.src.Uint)
	if !ok {
		return -1
	}
	if v >= uint64(len(g.def.tokens)) {
		g.fail(key, "%d is not an id of the %d tokens", v, len(g.def.tokens))
		return -1
	}
	return int32(v)
}

// readTokens reads what both models share: the vocabulary and the tokens with
// a role.
func (g *ggufReader) readTokens() {
	d := g.def
	d.tokens, _ = get(g, "tokens", "a list of strings", g.src.Strings)
	d.tokens = slices.Clone(d.tokens)
	if len(d.tokens) == 0 || len(d.tokens) > maxTokens {
		g.fail("tokens", "%d tokens (1 to %d make sense)", len(d.tokens), maxTokens)
		return
	}
	bos, eos, unk := g.token("bos_token_id"), g.token("eos_token_id"), g.token("unknown_token_id")
	eot, eom := g.token("eot_token_id"), g.token("eom_token_id")
	types, ok := get(g, "token_type", "a list of numbers", g.src.Ints)
	if ok && len(types) != len(d.tokens) {
		g.fail("token_type", "%d types for %d tokens", len(types), len(d.tokens))
		return
	}
	if !ok { // very old files: only tokens with a role are special
		types = make([]int64, len(d.tokens))
		for i := range types {
			types[i] = typeNormal
		}
		for _, id := range []int32{bos, eos, unk, eot, eom} {
			if id >= 0 {
				types[id] = typeControl
			}
		}
	}
	g.types = types
	d.symbols = make(map[string]int32, len(d.tokens))
	for id, s := range d.tokens {
		switch types[id] {
		case typeNormal:
			if _, dup := d.symbols[s]; s != "" && !dup {
				d.symbols[s] = int32(id)
			}
		case typeUnknown, typeControl, typeUserDefined:
			if s == "" || len(s) > maxTokenBytes {
				g.fail("tokens", "token %d, which is special, has %d bytes (1 to %d make sense)", id, len(s), maxTokenBytes)
				return
			}
			d.added = append(d.added, addedToken{id: int32(id), content: s, special: types[id] != typeUserDefined})
		case typeUnused, typeByte:
		default:
			g.fail("token_type", "token %d has type %d (1 to 6 exist)", id, types[id])
			return
		}
	}
	d.bos = bos
	for _, id := range []int32{eos, eot, eom} {
		if id >= 0 {
			d.eos = append(d.eos, id)
		}
	}
	for _, key := range []string{"add_sep_token", "remove_extra_whitespaces"} {
		if g.flag(key, false) && g.err == nil {
			g.err = unsupported(ggufFile, ggufPrefix+key, key+" true", "false is")
		}
	}
	if slices.Contains(g.src.Keys(), ggufPrefix+"precompiled_charsmap") && g.err == nil {
		g.err = unsupported(ggufFile, ggufPrefix+"precompiled_charsmap", "a precompiled character map", "")
	}
}

// frame sets what goes around a text.
func (g *ggufReader) frame(addBOS bool) {
	d := g.def
	_, given := get(g, "add_bos_token", "a boolean", g.src.Bool)
	if g.flag("add_bos_token", addBOS) {
		switch {
		case d.bos >= 0:
			d.prefix = []int32{d.bos}
		case given:
			g.fail("add_bos_token", "true, but there is no bos_token_id")
		}
	}
	if g.flag("add_eos_token", false) {
		if eos := g.token("eos_token_id"); eos >= 0 {
			d.suffix = []int32{eos}
		} else {
			g.fail("add_eos_token", "true, but there is no eos_token_id")
		}
	}
}

func (g *ggufReader) readByteLevel() {
	d := g.def
	name := g.str("pre")
	if name == "" {
		name = "default"
	}
	pre, ok := ggufPre[name]
	if !ok && g.err == nil {
		names := make([]string, 0, len(ggufPre))
		for n := range ggufPre {
			names = append(names, n)
		}
		sort.Strings(names)
		g.err = unsupported(ggufFile, ggufPrefix+"pre", "pre-tokenizer "+clip(name), "supported: "+strings.Join(names, ", "))
	}
	if g.flag("add_space_prefix", false) && g.err == nil {
		g.err = unsupported(ggufFile, ggufPrefix+"add_space_prefix", "add_space_prefix with a byte-level vocabulary", "false is")
	}
	d.byteLevel, d.pattern, d.ignoreMerges = true, pre.pattern, pre.ignoreMerges
	if pre.nfc {
		d.normalizer = normalizer{nfc}
	}
	for id, s := range d.tokens { // merges may go through tokens of any kind but control codes
		if ty := g.types[id]; s != "" && (ty == typeUserDefined || ty == typeUnused || ty == typeByte) {
			if _, dup := d.symbols[s]; !dup {
				d.symbols[s] = int32(id)
			}
		}
	}
	merges, ok := get(g, "merges", "a list of strings", g.src.Strings)
	if !ok {
		g.fail("merges", "missing")
	}
	for i, m := range merges {
		left, right, ok := strings.Cut(m, " ")
		if !ok || left == "" || right == "" {
			g.fail("merges", "merge %d is %q and not two tokens with a space between", i, m)
		}
		if g.err == nil {
			g.err = d.addMerge(fmt.Sprintf("%smerges[%d]", ggufPrefix, i), left, right)
		}
		if g.err != nil {
			return
		}
	}
	g.frame(pre.addBOS)
}

func (g *ggufReader) readSentencePiece() {
	d := g.def
	d.unk, d.fuseUnk = g.token("unknown_token_id"), true
	d.bytes = make([]bool, len(d.tokens))
	for id, s := range d.tokens {
		if g.types[id] != typeByte {
			continue
		}
		if _, ok := parseByteToken(s); !ok {
			g.fail("tokens", "token %d has the type of a byte and is %q", id, s)
			return
		}
		d.bytes[id] = true
		d.symbols[s] = int32(id)
	}
	scores, ok := get(g, "scores", "a list of numbers", g.src.Floats)
	if !ok || len(scores) != len(d.tokens) {
		g.fail("scores", "%d scores for %d tokens", len(scores), len(d.tokens))
		return
	}
	g.mergesFromScores(scores)
	d.normalizer = normalizer{replace(" ", block)}
	if g.flag("add_space_prefix", true) {
		d.normalizer = normalizer{prepend(block), replace(" ", block)}
		d.stripSpace = true
	}
	g.frame(true)
}

// mergesFromScores makes the merges of a SentencePiece BPE: any two neighbours
// that together spell a normal token may become it, the token with the highest
// score first. So each way to cut a token into two is a merge, ranked by the
// token's score.
func (g *ggufReader) mergesFromScores(scores []float64) {
	d := g.def
	var order []int32 // normal tokens, best score first
	for id, s := range d.tokens {
		if math.IsNaN(scores[id]) {
			g.fail("scores", "the score of token %d is not a number", id)
			return
		}
		if g.types[id] != typeNormal || d.symbols[s] != int32(id) {
			continue
		}
		if len(s) > maxTokenBytes {
			g.fail("tokens", "token %d has %d bytes (at most %d make sense)", id, len(s), maxTokenBytes)
			return
		}
		order = append(order, int32(id))
	}
	sort.SliceStable(order, func(i, k int) bool { return scores[order[i]] > scores[order[k]] })
	rank := int32(0)
	for i, id := range order {
		if i > 0 && scores[id] != scores[order[i-1]] {
			rank++
		}
		s := d.tokens[id]
		for cut := range s {
			if cut == 0 || !utf8.RuneStart(s[cut]) {
				continue
			}
			left, ok := g.normal(s[:cut])
			if !ok {
				continue
			}
			if right, ok := g.normal(s[cut:]); ok {
				d.merges = append(d.merges, merge{left, right, id, rank})
			}
		}
	}
}

func (g *ggufReader) normal(s string) (int32, bool) {
	id, ok := g.def.symbols[s]
	return id, ok && g.types[id] == typeNormal
}
