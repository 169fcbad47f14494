package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/tiny"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/tokenizer"
)

// The demo's haystack, and what a lazy layer keeps of it.
const (
	demoTokens = 2048
	demoAnswer = 8 // tokens: a blank and seven digits, or the first of them and the rest
)

var demoWindow = kv.Window{Sink: 4, Recent: 124}

// demoPolicies are the rows of the table.
var demoPolicies = []struct{ name, spec string }{
	{"full attention", "full"},
	{"LightTransfer 50 %", "lighttransfer:lazy=0.5"},
	{"LightTransfer 75 %", "lighttransfer:lazy=0.75"},
	{"by error 50 %", "lighttransfer:lazy=0.5,by=error"},
	{"by error 75 %", "lighttransfer:lazy=0.75,by=error"},
	{"random 50 %", "random:lazy=0.5"},
	{"StreamingLLM", "streaming"},
}

// indices into demoPolicies, for the text
const (
	demoFull = iota
	demoRatio50
	demoRatio75
	demoError50
	demoError75
	demoRandom
	demoStreaming
)

type demoFlags struct {
	needles int
	seed    uint64
}

func demoCommand(a *app) *cobra.Command {
	o := &demoFlags{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "See lazy layers at work, in seconds, with nothing to download",
		Long: fmt.Sprintf(`Demo hides a number in %s tokens of a novel and asks a small model inside this
program for it: under full attention, with lazy layers chosen by LightTransfer and by
chance, and with StreamingLLM. It shows what was found, what the KV cache holds, how
fast it went, and which layers are lazy.

With --json:
  {"model": "tiny", "layers": 8, "tokens": 2048, "needles": 5, "seed": 1,
   "window": {"sink": 4, "recent": 124, "stride": 0}, "last": 32,
   "lazy_ratio": [per layer], "output_error": [per layer],
   "policies": [{"policy": "lighttransfer:lazy=0.5", "found": 5, "of": 5,
                 "kv": {"dtype": "bf16", "bytes": 1, "peak_bytes": 1, "full_bytes": 1},
                 "prefill_tokens_per_second": 1, "decode_tokens_per_second": 1,
                 "lazy_layers": [...]}, ...],
   "seconds": 5.1}
Ratio, error and lazy layers are those of the needle in the middle.`, count(demoTokens)),
		Example: "  lighttransfer demo\n  lighttransfer demo --needles 20 --seed 7",
		Args:    arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.needles < 1 || o.needles > 1000 {
				return usagef("--needles %d: from 1 to 1000", o.needles)
			}
			return a.demo(c, o)
		},
	}
	c.Flags().IntVar(&o.needles, "needles", 5, "hide the number at `N` depths, one prompt each")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "seed `N` of words, numbers and text, and of the random layers")
	return c
}

// demoResult is the JSON document.
type demoResult struct {
	Model       string       `json:"model"`
	Layers      int          `json:"layers"`
	Tokens      int          `json:"tokens"`
	Needles     int          `json:"needles"`
	Seed        uint64       `json:"seed"`
	Window      kv.Window    `json:"window"`
	Last        int          `json:"last"`
	LazyRatio   []*float64   `json:"lazy_ratio"`   // [layer]
	OutputError []*float64   `json:"output_error"` // [layer]
	Policies    []demoPolicy `json:"policies"`
	Seconds     float64      `json:"seconds"`

	answer string // of the needle in the middle, for the text
}

// demoPolicy is a row: sums over all needles, and the cache of the one in the middle.
type demoPolicy struct {
	Policy     string                 `json:"policy"`
	Found      int                    `json:"found"`
	Of         int                    `json:"of"`
	KV         lighttransfer.KVReport `json:"kv"`
	PrefillTPS float64                `json:"prefill_tokens_per_second"`
	DecodeTPS  float64                `json:"decode_tokens_per_second"`
	LazyLayers []int                  `json:"lazy_layers"`

	prefill, decode lighttransfer.Speed
}

// A needle is one prompt and its answer.
type needle struct {
	ids    []int32
	answer string
}

func demoNeedles(m *lighttransfer.Model, o *demoFlags) []needle {
	tok := m.Tokenizer()
	encode := func(text string) []int32 { return tok.Encode(text, tokenizer.EncodeOptions{}) }
	bos, _ := tok.BOS()
	list := make([]needle, o.needles)
	for i := range list {
		rnd := rand.New(rand.NewPCG(o.seed, uint64(i)))
		depth := (float64(i) + 0.5) / float64(o.needles)
		list[i].ids, _, list[i].answer = tiny.Haystack(encode, bos, rnd, demoTokens, depth)
	}
	return list
}

func (a *app) demo(c *cobra.Command, o *demoFlags) error {
	ctx, stop := interruptible(c)
	defer stop()
	start := time.Now()
	m, _, err := a.open("tiny", &loading{})
	if err != nil {
		return err
	}
	defer m.Close()
	bar := &meter{a: a, name: "searching", unit: "tokens"}
	defer bar.stop()
	r, err := runDemo(ctx, m, o, bar.set)
	if err != nil {
		return err
	}
	bar.stop()
	r.Seconds = time.Since(start).Seconds()
	if a.json {
		return a.print(r)
	}
	r.write(a.table)
	return nil
}

// runDemo answers every needle under every policy; progress is in tokens.
func runDemo(ctx context.Context, m *lighttransfer.Model, o *demoFlags, progress func(done, total int64)) (*demoResult, error) {
	layers := m.Config().Layers
	r := &demoResult{Model: m.Name(), Layers: layers, Tokens: demoTokens, Needles: o.needles, Seed: o.seed, Window: demoWindow, Last: lighttransfer.DefaultLast}
	needles := demoNeedles(m, o)
	middle := len(needles) / 2
	r.answer = needles[middle].answer
	total := int64(len(demoPolicies) * len(needles) * demoTokens)
	done := int64(0)
	for k, p := range demoPolicies {
		row := demoPolicy{Policy: p.spec, Of: len(needles)}
		for i, n := range needles {
			spec := p.spec
			if k == demoRandom { // another draw for every needle
				spec = fmt.Sprintf("%s,seed=%d", p.spec, o.seed+uint64(i))
			}
			s, err := m.NewSession(lighttransfer.SessionOptions{Policy: spec, Window: demoWindow,
				Progress: func(p lighttransfer.Progress) { progress(done+int64(p.Done/layers), total) }})
			if err != nil {
				return nil, err
			}
			found, err := n.ask(ctx, s)
			if err != nil {
				s.Close()
				return nil, err
			}
			done += demoTokens
			row.add(found, s.Report(), i == middle)
			if i == middle && k == demoRatio50 {
				r.LazyRatio = s.Report().LazyRatio
			}
			if i == middle && k == demoError50 {
				r.OutputError = s.Report().OutputError
			}
			if err := s.Close(); err != nil {
				return nil, err
			}
		}
		row.PrefillTPS, row.DecodeTPS = meanSpeed(row.prefill), meanSpeed(row.decode)
		r.Policies = append(r.Policies, row)
	}
	return r, nil
}

// ask reports whether the session answers with the number.
func (n *needle) ask(ctx context.Context, s *lighttransfer.Session) (bool, error) {
	var text strings.Builder
	for tok := range s.Run(ctx, lighttransfer.Request{IDs: n.ids, MaxTokens: demoAnswer}) {
		text.WriteString(tok.Text)
	}
	return strings.TrimSpace(text.String()) == n.answer, s.Err()
}

func (p *demoPolicy) add(found bool, r lighttransfer.Report, middle bool) {
	if found {
		p.Found++
	}
	p.prefill.Tokens += r.Prefill.Tokens
	p.prefill.Seconds += r.Prefill.Seconds
	p.decode.Tokens += r.Decode.Tokens
	p.decode.Seconds += r.Decode.Seconds
	if middle {
		p.KV, p.LazyLayers = r.KV, r.LazyLayers
	}
}

func meanSpeed(s lighttransfer.Speed) float64 {
	if s.Seconds == 0 {
		return 0
	}
	return float64(s.Tokens) / s.Seconds
}

// isLazy reports whether a layer became lazy for the needle in the middle.
func (p *demoPolicy) isLazy(layer int) bool {
	for _, l := range p.LazyLayers {
		if l == layer {
			return true
		}
	}
	return false
}
