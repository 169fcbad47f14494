package lighttransfer

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// Analyze picks what the policy picks in a session, and counts.
func TestAnalyze(t *testing.T) {
	m := openTiny(t)
	var samples []Sample
	var texts [][]int32
	for _, g := range tinyGoldens(t) {
		if len(g.IDs) > 200 {
			text := strings.TrimPrefix(g.Text, "<|bos|>")
			samples = append(samples, Sample{Text: text})
			texts = append(texts, m.tok.Encode(text, tokenizer.EncodeOptions{AddBOS: m.tok.AddsBOS()}))
		}
	}
	if len(samples) < 3 {
		t.Fatalf("%d long goldens", len(samples))
	}
	for _, o := range []AnalyzeOptions{{}, {By: "error", Lazy: 0.75}, {By: "error", Unit: "head", Lazy: 0.25}} {
		o.Window = tinyWindow
		a, err := m.Analyze(context.Background(), append([]Sample{{Text: "Short."}}, samples...), o)
		if err != nil {
			t.Fatal(err)
		}
		short := a.Samples[0]
		if len(short.LazyLayers) != 0 || short.LazyHeads != nil || slices.Max(short.Error) > 1e-6 || slices.Min(short.LazyRatio) != 1 {
			t.Errorf("%+v: of a text within the window: %+v", o, short)
		}
		counts, mean := make([]int, 8), make([]float64, 8)
		for i, ids := range texts {
			policy := "lighttransfer:lazy=0.5"
			if o.By != "" {
				policy = fmt.Sprintf("lighttransfer:lazy=%g,by=%s,unit=%s", o.Lazy, o.By, map[string]string{"": "layer", "head": "head"}[o.Unit])
			}
			s, err := m.NewSession(SessionOptions{Policy: policy, Window: tinyWindow, Measure: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Prefill(context.Background(), ids); err != nil {
				t.Fatal(err)
			}
			var want []int
			for _, d := range s.Report().Decided {
				want = append(want, d.Layer)
			}
			slices.Sort(want)
			got := slices.Clone(a.Samples[i+1].LazyLayers)
			for _, h := range a.Samples[i+1].LazyHeads {
				got = append(got, h.Layer)
			}
			if !slices.Equal(got, want) || a.Samples[i+1].Tokens != len(ids) {
				t.Errorf("%+v, sample %d of %d tokens: %v, a session says %v", o, i+1, a.Samples[i+1].Tokens, got, want)
			}
			for _, l := range got {
				counts[l]++
			}
			for l, r := range s.Report().LazyRatio {
				mean[l] += *r / float64(len(texts))
			}
			s.Close()
		}
		frequency := a.Plan.Frequency
		if o.Unit == "head" {
			frequency = slices.Concat(a.Plan.HeadFrequency...)
		}
		if !slices.Equal(frequency, counts) || a.Plan.Samples != len(samples) || a.Plan.ModelHash != m.Hash() {
			t.Errorf("%+v: frequency %v, want %v; plan %+v", o, frequency, counts, a.Plan)
		}
		for l := range mean {
			if math.Abs(mean[l]-a.MeanRatio[l]) > 1e-9 {
				t.Errorf("mean ratio of layer %d is %v, want %v", l, a.MeanRatio[l], mean[l])
			}
		}
	}
}

func TestAnalyzeRefuses(t *testing.T) {
	m := openTiny(t)
	long := Sample{Text: strings.Repeat("The wind came in. ", 2000)}
	for want, samples := range map[string][]Sample{
		"no samples":                      nil,
		"none of 1 samples is longer":     {{Text: strings.Repeat("Short. ", 30)}},
		"sample 1: no text":               {{}},
		"sample 2: context exceeded":      {{Text: "Short."}, long},
		`sample 1: "answer" belongs to "`: {{Text: "a", Answer: "b"}},
	} {
		if _, err := m.Analyze(context.Background(), samples, AnalyzeOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := m.Analyze(context.Background(), []Sample{{Text: "a"}}, AnalyzeOptions{By: "mass"}); err == nil {
		t.Error("by=mass was taken")
	}
}

func TestReadSamples(t *testing.T) {
	for in, want := range map[string][]Sample{
		"plain\ntext\n":   {{Text: "plain\ntext\n"}},
		"{\n  \"a\": 1}":  {{Text: "{\n  \"a\": 1}"}}, // a JSON document is a text too
		"{braces} first.": {{Text: "{braces} first."}},
		"{\"text\": \"a\"}\n\n  {\"prompt\": \"p\", \"answer\": \"q\"}\r\n": {{Text: "a"}, {Prompt: "p", Answer: "q"}},
		`{"messages": [{"role": "user", "content": "u", "name": "n"}, {"role": "assistant", "content": null, "tool_calls": []}]}`: {{Messages: []chat.Message{
			{Role: "user", Content: "u", Extra: map[string]any{"name": "n"}}, {Role: "assistant", Extra: map[string]any{"content": nil, "tool_calls": []any{}}}}}},
	} {
		got, err := ReadSamples("x", []byte(in))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for want, in := range map[string][2]string{
		"x.jsonl:1: not a JSON object": {"x.jsonl", "plain"},
		"x:2: not a JSON object":       {"x", "{\"text\": \"a\"}\n[1]"},
		"x:3: something follows":       {"x", "{\"text\": \"a\"}\n\n{\"text\": \"a\"} {}"},
		"x:1: unknown key \"id\"":      {"x", `{"id": 3, "text": "a"}`},
		"x:1: give one of":             {"x", `{"prompt": "a", "text": "a"}`},
		"x:1: message 2 has no":        {"x", `{"messages": [{"role": "user"}, {"content": "a"}]}`},
		"x is empty":                   {"x", " \n \n"},
		"x.jsonl is empty":             {"x.jsonl", "\n"},
		"x is not text":                {"x", "GGUF\xff\xfe"},
	} {
		if got, err := ReadSamples(in[0], []byte(in[1])); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want %s", in[1], got, err, want)
		}
	}
}

// What is asked of a conversation, and what is its answer.
func TestSampleIDs(t *testing.T) {
	m := openTiny(t)
	plain := func(s string) int { return len(m.tok.Encode(s, tokenizer.EncodeOptions{})) }
	for _, c := range []struct {
		s      Sample
		answer int
	}{
		{Sample{Text: "The wind."}, 0},
		{Sample{Prompt: "Who came?", Answer: "The wind."}, plain("The wind.")},
		{Sample{Messages: []chat.Message{{Role: "user", Content: "Who?"}, {Role: "assistant", Content: "The wind."}}}, plain("The wind.")},
		{Sample{Messages: []chat.Message{{Role: "user", Content: "Who?"}}}, 0},
	} {
		ids, answer, err := m.sampleIDs(c.s)
		if err != nil || answer != c.answer || len(ids) <= answer {
			t.Errorf("%+v: %d ids, %d of the answer, %v; want %d", c.s, len(ids), answer, err, c.answer)
		}
		if bos, _ := m.tok.BOS(); ids[0] != bos {
			t.Errorf("%+v does not begin with the model's first token", c.s)
		}
	}
}
