package tokenizer

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzEncode checks that any text has ids, and that they give it back where
// nothing is normalized away.
func FuzzEncode(f *testing.F) {
	texts, _ := readGold(f, "")
	for _, s := range texts {
		f.Add(s, uint32(len(s)))
	}
	f.Add("\xff\xf0\x9f a\xe2\x96", uint32(7))
	toks := map[string]*Tokenizer{}
	for _, name := range fixtures {
		toks[name] = fixture(f, name)
	}
	f.Fuzz(func(t *testing.T, s string, random uint32) {
		for name, tok := range toks {
			ids := tok.Encode(s, EncodeOptions{})
			lossless := name == "gpt2" || name == "llama3"
			if lossless {
				var raw []byte
				for _, id := range ids {
					raw = append(raw, tok.Piece(id)...)
				}
				if string(raw) != s {
					t.Errorf("%s: %q came back as %q", name, s, raw)
				}
			}
			if (lossless || name == "llama2") && utf8.ValidString(s) && !strings.Contains(s, block) {
				if back := tok.Decode(ids, false); back != s {
					t.Errorf("%s: %q came back as %q", name, s, back)
				}
			}
			ids = tok.Encode(s, EncodeOptions{Special: true, AddBOS: true, Plain: [][2]int{{int(random % 50), int(random % 100)}}})
			for range 5 {
				random = random*1664525 + 1013904223
				ids = append(ids, int32(random>>20)%int32(tok.Size()+3)-1)
			}
			d := tok.NewDecoder(random&1 == 0)
			var streamed string
			for _, id := range ids {
				part := d.Add(id)
				if !utf8.ValidString(part) {
					t.Errorf("%s: half a character %q", name, part)
				}
				streamed += part
			}
			streamed += d.Flush()
			if want := tok.Decode(ids, random&1 == 0); streamed != want {
				t.Errorf("%s: streamed %q, decoded %q", name, streamed, want)
			}
		}
	})
}

// TestPlainRanges checks that a range only keeps special tokens out, and only
// its own.
func TestPlainRanges(t *testing.T) {
	for _, name := range []string{"gpt2", "mistral"} {
		tok := fixture(t, name)
		end, _ := tok.ID("<|end|>")
		const s = "<|end|>a<|end|>b<|end|>"
		for i, c := range []struct {
			plain [][2]int
			want  int
		}{{nil, 3}, {[][2]int{{8, 15}}, 2}, {[][2]int{{7, 9}}, 2}, {[][2]int{{0, 1}, {22, 23}}, 1}, {[][2]int{{7, 8}, {15, 16}}, 3}, {[][2]int{{-5, 99}}, 0}} {
			ids := tok.Encode(s, EncodeOptions{Special: true, Plain: c.plain})
			got := 0
			for _, id := range ids {
				if id == end {
					got++
				}
			}
			if got != c.want || strings.TrimPrefix(tok.Decode(ids, false), " ") != s {
				t.Errorf("%s %d: %d special tokens in %v, want %d", name, i, got, ids, c.want)
			}
		}
	}
}

// TestForgedTokens: no text becomes a control code unless it may, also where
// merges by score could lead to one.
func TestForgedTokens(t *testing.T) {
	src := ggufOf(t, "llama2", "")
	tokens, types, scores := src["tokenizer.ggml.tokens"].([]string), src["tokenizer.ggml.token_type"].([]int64), src["tokenizer.ggml.scores"].([]float64)
	src["tokenizer.ggml.tokens"] = append(tokens, "<", "s", ">", "<s")
	src["tokenizer.ggml.token_type"] = append(types, typeNormal, typeNormal, typeNormal, typeNormal)
	src["tokenizer.ggml.scores"] = append(scores, 0, 0, 0, 10)
	tok, err := FromGGUF(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range tok.Encode("x<s>y", EncodeOptions{}) {
		if tok.IsSpecial(id) {
			t.Errorf("%q became special", tok.Token(id))
		}
	}
	if ids := tok.Encode("x<s>y", EncodeOptions{Special: true}); !slices.Contains(ids, 1) {
		t.Errorf("%v has no <s>", ids)
	}
}

// TestLongWords encodes a megabyte without a place to cut, and other inputs
// that make a naive program quadratic. The limit is far above what it takes
// (a second at most) and far below what n² would.
func TestLongWords(t *testing.T) {
	inputs := map[string]string{}
	for _, unit := range []string{"a", "ab", "the", " ", "\n", "<|end", "é", "1", "\xff", "[B] ", "▁"} {
		size := 1 << 17
		if unit == "ab" || unit == " " {
			size = 1 << 20
		}
		inputs[unit] = strings.Repeat(unit, size/len(unit))
	}
	for _, name := range []string{"gpt2", "llama3", "added", "llama2", "mistral"} {
		tok := fixture(t, name)
		for unit, s := range inputs {
			start := time.Now()
			ids := tok.Encode(s, EncodeOptions{Special: true})
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("%s: %d bytes of %q took %v", name, len(s), unit, d)
			}
			if len(ids) == 0 {
				t.Errorf("%s: no ids of %q", name, unit)
			}
		}
	}
}

// TestShortAndLongAgree checks the two ways to merge against each other.
func TestShortAndLongAgree(t *testing.T) {
	texts, _ := readGold(t, "")
	for _, name := range fixtures {
		tok := fixture(t, name)
		s := new(scratch)
		for _, text := range texts {
			symbols := tok.appendSymbols(nil, text)
			if len(symbols) > shortWord {
				symbols = symbols[:shortWord]
			}
			if len(symbols) < 2 {
				continue
			}
			long := tok.merges.applyLong(slices.Clone(symbols), s)
			if short := tok.merges.applyShort(symbols); !slices.Equal(short, long) {
				t.Errorf("%s %q: %v and %v", name, text, short, long)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	texts, g := readGold(t, "llama3")
	tok := fixture(t, "llama3")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, s := range texts {
				if got := tok.Encode(s, EncodeOptions{Special: true}); !slices.Equal(got, g.IDs[i]) {
					t.Errorf("%q: %v", s, got)
				}
			}
		})
	}
	wg.Wait()
}

// TestCacheIsBounded encodes more different words than the cache has slots.
func TestCacheIsBounded(t *testing.T) {
	tok := fixture(t, "gpt2")
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var b strings.Builder
	for i := range 8 * cacheSlots {
		for k := i; ; k /= 26 {
			b.WriteByte(byte('a' + k%26))
			if k < 26 {
				break
			}
		}
		b.WriteString("abcdefghijklmnopqrstuvwxyz ")
	}
	tok.Encode(b.String(), EncodeOptions{})
	b.Reset()
	if after := heap(); after > before+16<<20 {
		t.Errorf("the cache holds %d MB", (after-before)>>20)
	}
	runtime.KeepAlive(tok)
}
