package tokenizer

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is GGUF metadata in memory.
type source map[string]any

func (s source) Keys() (keys []string) {
	for k := range s {
		keys = append(keys, k)
	}
	return keys
}

func value[T any](s source, key string) (T, bool) {
	v, ok := s[key].(T)
	return v, ok
}

func (s source) String(key string) (string, bool)    { return value[string](s, key) }
func (s source) Bool(key string) (bool, bool)        { return value[bool](s, key) }
func (s source) Uint(key string) (uint64, bool)      { return value[uint64](s, key) }
func (s source) Strings(key string) ([]string, bool) { return value[[]string](s, key) }
func (s source) Ints(key string) ([]int64, bool)     { return value[[]int64](s, key) }
func (s source) Floats(key string) ([]float64, bool) { return value[[]float64](s, key) }

// spell writes bytes in GPT-2's alphabet.
func spell(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		b.WriteRune(byteRunes[raw[i]])
	}
	return b.String()
}

// tiktokenSource turns lines of "base64 rank" into a byte-level vocabulary.
func tiktokenSource(t testing.TB, data []byte) source {
	t.Helper()
	ranks := map[string]int{}
	var tokens []string
	for line := range strings.Lines(string(data)) {
		code, rank, _ := strings.Cut(strings.TrimSpace(line), " ")
		raw, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := strconv.Atoi(rank); err != nil || r != len(tokens) {
			t.Fatalf("rank %q after %d tokens", rank, len(tokens))
		}
		ranks[string(raw)] = len(tokens)
		tokens = append(tokens, string(raw))
	}
	var spelled, merges []string
	types := make([]int64, len(tokens))
	for id, token := range tokens {
		spelled = append(spelled, spell(token))
		types[id] = typeNormal
		// Any two tokens that spell it may become it; order as in transformers.
		var pairs [][2]int
		for i := 1; i < len(token); i++ {
			l, okL := ranks[token[:i]]
			r, okR := ranks[token[i:]]
			if okL && okR {
				pairs = append(pairs, [2]int{l, r})
			}
		}
		slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
		for _, p := range pairs {
			merges = append(merges, spell(tokens[p[0]])+" "+spell(tokens[p[1]]))
		}
	}
	return source{
		"tokenizer.ggml.model":      "gpt2",
		"tokenizer.ggml.tokens":     spelled,
		"tokenizer.ggml.token_type": types,
		"tokenizer.ggml.merges":     merges,
	}
}
