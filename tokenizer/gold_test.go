package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// fixtures are the small tokenizers of testdata, one of each kind.
var fixtures = []string{"gpt2", "smollm", "llama3", "qwen2", "added", "llama2", "mistral", "llama2_normalized"}

// gold is what Hugging Face's tokenizers makes of the texts of gold.json.
type gold struct {
	IDs           [][]int32
	Framed        [][]int32          // of the first texts, with BOS and EOS
	Plain         map[string][]int32 // by number of the text, where not reading special tokens matters
	Decoded       []string           // of IDs
	Random        [][]int32
	RandomDecoded []string `json:"random_decoded"`
	RandomSkipped []string `json:"random_skipped"`
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fixture(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := FromJSON(testdata(t, name+".tokenizer.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func readGold(t testing.TB, name string) (texts []string, g gold) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(testdata(t, "gold.json"), &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(all["texts"], &texts); err != nil {
		t.Fatal(err)
	}
	if name != "" {
		if err := json.Unmarshal(all[name], &g); err != nil {
			t.Fatal(err)
		}
		if len(g.IDs) != len(texts) || len(texts) < 100 || len(g.Framed) == 0 || len(g.RandomSkipped) == 0 {
			t.Fatal("gold.json is incomplete")
		}
	}
	return texts, g
}

func checkIDs(t *testing.T, what, text string, got, want []int32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s %q\n got %v\nwant %v", what, text, got, want)
	}
}

func TestGold(t *testing.T) {
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			tok := fixture(t, name)
			texts, g := readGold(t, name)
			checkGold(t, tok, texts, g)
		})
	}
}

func checkGold(t *testing.T, tok *Tokenizer, texts []string, g gold) {
	t.Helper()
	for i, s := range texts {
		checkIDs(t, "text", s, tok.Encode(s, EncodeOptions{Special: true}), g.IDs[i])
		checkIDs(t, "text again", s, tok.Encode(s, EncodeOptions{Special: true}), g.IDs[i]) // from the cache
		plain, ok := g.Plain[strconv.Itoa(i)]
		if !ok {
			plain = g.IDs[i]
		}
		checkIDs(t, "without special tokens", s, tok.Encode(s, EncodeOptions{}), plain)
		checkIDs(t, "in a plain range", s, tok.Encode(s, EncodeOptions{Special: true, Plain: [][2]int{{0, len(s)}}}), plain)
		if got := tok.Decode(g.IDs[i], false); got != g.Decoded[i] {
			t.Errorf("%v decoded\n got %q\nwant %q", g.IDs[i], got, g.Decoded[i])
		}
	}
	for i, want := range g.Framed {
		checkIDs(t, "framed", texts[i], tok.Encode(texts[i], EncodeOptions{Special: true, AddBOS: true}), want)
	}
	for i, ids := range g.Random {
		if got := tok.Decode(ids, false); got != g.RandomDecoded[i] {
			t.Errorf("%v decoded\n got %q\nwant %q", ids, got, g.RandomDecoded[i])
		}
		if got := tok.Decode(ids, true); got != g.RandomSkipped[i] {
			t.Errorf("%v decoded without special tokens\n got %q\nwant %q", ids, got, g.RandomSkipped[i])
		}
	}
}

// TestStreaming checks that the parts a Decoder gives are whole characters and
// together what Decode gives.
func TestStreaming(t *testing.T) {
	for _, name := range fixtures {
		tok := fixture(t, name)
		_, g := readGold(t, name)
		d := tok.NewDecoder(true)
		for _, ids := range append(g.Random, g.IDs...) {
			var all strings.Builder
			for _, id := range ids {
				part := d.Add(id)
				if !utf8.ValidString(part) {
					t.Errorf("%s: %v: half a character: %q", name, ids, part)
				}
				all.WriteString(part)
			}
			all.WriteString(d.Flush())
			if want := tok.Decode(ids, true); all.String() != want {
				t.Errorf("%s: %v\n streamed %q\n decoded %q", name, ids, all.String(), want)
			}
		}
	}
}

func TestStreamingEmitsEarly(t *testing.T) {
	tok := fixture(t, "gpt2")
	d := tok.NewDecoder(false)
	var parts []string
	for _, b := range []byte("a€\xe2\x82b") {
		parts = append(parts, d.Add(tok.bytes[b]))
	}
	if want := []string{"a", "", "", "€", "", "", "\uFFFDb"}; !slices.Equal(parts, want) {
		t.Errorf("got %q, want %q", parts, want)
	}
}

// TestTiny checks the tokenizer of the project's own small model.
func TestTiny(t *testing.T) {
	tok, err := FromJSON(testdata(t, "tiny.tokenizer.json"), []byte(`{
		"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>",
		"add_bos_token": true, "clean_up_tokenization_spaces": false, "model_max_length": 4096}`))
	if err != nil {
		t.Fatal(err)
	}
	const text = "The old man looked at the sea and said"
	want := []int32{0, 315, 645, 458, 828, 361, 267, 372, 69, 288, 405}
	checkIDs(t, "text", text, tok.Encode(text, EncodeOptions{AddBOS: true}), want)
	checkIDs(t, "text", text, tok.Encode("<|bos|>"+text, EncodeOptions{Special: true}), want)
	if got := tok.Decode(want, true); got != text {
		t.Errorf("decoded %q", got)
	}
	if bos, ok := tok.BOS(); bos != 0 || !ok || !tok.AddsBOS() || !slices.Equal(tok.EOS(), []int32{1}) || tok.Size() != 1024 {
		t.Errorf("bos %v %v, adds it %v, eos %v, size %d", bos, ok, tok.AddsBOS(), tok.EOS(), tok.Size())
	}
	if !tok.IsSpecial(1) || tok.IsSpecial(315) || tok.IsSpecial(-1) || tok.IsSpecial(1<<30) {
		t.Error("IsSpecial is wrong")
	}
	if id, ok := tok.ID("Ġold"); !ok || tok.Token(id) != "Ġold" || string(tok.Piece(id)) != " old" {
		t.Errorf("Ġold: %d %v", id, ok)
	}
	if tok.Token(-1) != "" || tok.Piece(1<<20) != nil {
		t.Error("ids without a token have text")
	}
}

func TestSharedTinyGold(t *testing.T) {
	var golds []struct {
		Text string
		IDs  []int32
	}
	readSharedJSON(t, &golds, "open", "tiny", "goldens.json")
	tok, err := Open(sharedPath(t, "open", "tiny", "model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range golds {
		checkIDs(t, "text", g.Text, tok.Encode(g.Text, EncodeOptions{Special: true, AddBOS: !strings.HasPrefix(g.Text, "<|bos|>")}), g.IDs)
	}
	if len(golds) == 0 {
		t.Error("no goldens")
	}
}

// TestGGUFEqualsJSON makes GGUF metadata of the fixtures and expects the same
// ids and texts.
func TestGGUFEqualsJSON(t *testing.T) {
	for name, pre := range map[string]string{"gpt2": "gpt-2", "smollm": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2", "llama2": ""} {
		t.Run(name, func(t *testing.T) {
			src := ggufOf(t, name, pre)
			tok, err := FromGGUF(src)
			if err != nil {
				t.Fatal(err)
			}
			texts, g := readGold(t, name)
			checkGold(t, tok, texts, g)
			if want := fixture(t, name); tok.Size() != want.Size() || tok.AddsBOS() != want.AddsBOS() {
				t.Errorf("size %d, adds bos %v", tok.Size(), tok.AddsBOS())
			}
		})
	}
}

// ggufOf converts a fixture.
func ggufOf(t testing.TB, name, pre string) source {
	t.Helper()
	tok := fixture(t, name)
	n := tok.Size()
	tokens, types, scores := slices.Clone(tok.tokens), make([]int64, n), make([]float64, n)
	for id := range tokens {
		types[id], scores[id] = typeNormal, -float64(id)
		if tok.isByte != nil && tok.isByte[id] {
			types[id] = typeByte
		}
		if tok.special[id] {
			types[id] = typeControl
		} else if strings.HasPrefix(tokens[id], "[T]") {
			types[id] = typeUserDefined
		}
	}
	src := source{"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
	if len(tok.prefix) > 0 {
		src["tokenizer.ggml.bos_token_id"] = uint64(tok.prefix[0])
	}
	if len(tok.suffix) > 0 {
		src["tokenizer.ggml.eos_token_id"] = uint64(tok.suffix[0])
		src["tokenizer.ggml.add_eos_token"] = true
	}
	if pre == "" {
		src["tokenizer.ggml.model"] = "llama"
		src["tokenizer.ggml.scores"] = scores
		src["tokenizer.ggml.unknown_token_id"] = uint64(0)
		return src
	}
	src["tokenizer.ggml.model"], src["tokenizer.ggml.pre"] = "gpt2", pre
	merges := slices.DeleteFunc(slices.Clone(tok.merges.slots), func(m merge) bool { return m.left < 0 })
	slices.SortFunc(merges, func(a, b merge) int { return int(a.rank - b.rank) })
	lines := make([]string, len(merges))
	for i, m := range merges {
		lines[i] = tokens[m.left] + " " + tokens[m.right]
	}
	src["tokenizer.ggml.merges"] = lines
	return src
}
