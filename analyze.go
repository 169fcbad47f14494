package lighttransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/internal/probe"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// A Sample is one text to analyze or calibrate on: plain text, a prompt with its
// answer, or a conversation (whose last message is the answer if it is the
// assistant's). With an answer this is LightTransfer-Train's setting: question
// and answer are read together.
type Sample struct {
	Text     string         `json:"text,omitempty"`
	Prompt   string         `json:"prompt,omitempty"`
	Answer   string         `json:"answer,omitempty"`
	Messages []chat.Message `json:"messages,omitempty"`
}

// ids are the sample's tokens and how many of them are the answer.
func (m *Model) sampleIDs(s Sample) (ids []int32, answer int, err error) {
	plain := tokenizer.EncodeOptions{AddBOS: m.tok.AddsBOS()}
	messages := s.Messages
	if s.Prompt != "" {
		messages = []chat.Message{{Role: "user", Content: s.Prompt}}
	}
	if n := len(messages); n > 1 && messages[n-1].Role == "assistant" {
		s.Answer, messages = messages[n-1].Content, messages[:n-1]
	}
	switch {
	case s.Text != "":
		ids = m.tok.Encode(s.Text, plain)
	case len(messages) == 0:
		return nil, 0, errors.New(`a sample needs "text", "prompt" or "messages"`)
	case m.chat == nil:
		for _, msg := range messages {
			s.Text += msg.Content + "\n"
		}
		ids = m.tok.Encode(s.Text, plain)
	default:
		if ids, err = m.Encode(messages); err != nil {
			return nil, 0, err
		}
	}
	if s.Answer != "" {
		reply := m.tok.Encode(s.Answer, tokenizer.EncodeOptions{})
		answer = len(reply)
		ids = append(ids, reply...)
	}
	if len(ids) == 0 {
		return nil, 0, errors.New("a sample has no tokens")
	}
	return ids, answer, nil
}

// ownProbes makes calibration probes of a user's samples: the queries of the
// answer are asked, or the last ones of a text. Samples that fit the window are
// left out: in them every head loses nothing.
func (m *Model) ownProbes(samples []Sample, w kv.Window, last int) ([]probe.Probe, error) {
	var ps []probe.Probe
	for i, s := range samples {
		ids, answer, err := m.sampleIDs(s)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		if answer == 0 {
			answer = min(last, len(ids))
		}
		if len(ids) > w.Sink+w.Recent {
			ps = append(ps, probe.Probe{Kind: own, IDs: ids, Last: answer})
		}
	}
	if ps == nil {
		return nil, fmt.Errorf("calibrate: none of %d samples is longer than the %d tokens that a lazy head keeps in any case; give longer ones", len(samples), w.Sink+w.Recent)
	}
	return ps, nil
}

// AnalyzeOptions say what analyze looks at. The zero value is the paper's setting.
type AnalyzeOptions struct {
	Window   kv.Window             // zero: DefaultWindow
	Last     int                   // 0: DefaultLast
	Lazy     float64               // share of the units picked per sample; 0: 0.5
	By       string                // "ratio" ("" too) or "error"
	Unit     string                // "layer" ("" too) or "head"
	Progress func(done, total int) // samples times layers
}

// An Analysis is how lazy the layers and heads of a model are on some samples.
type Analysis struct {
	Samples   []SampleAnalysis
	MeanRatio []float64 // [layer]
	MeanError []float64 // [layer]
	Frequency []int     // [layer] in how many samples it was picked (unit=layer)
	Plan      *lazy.Plan
}

// SampleAnalysis is one sample's part.
type SampleAnalysis struct {
	Tokens     int         `json:"tokens"`
	LazyRatio  []float64   `json:"lazy_ratio"`           // [layer]
	Error      []float64   `json:"output_error"`         // [layer]
	HeadRatio  [][]float64 `json:"head_ratio,omitempty"` // [layer][query head]
	HeadError  [][]float64 `json:"head_error,omitempty"` // [layer][KV head]
	LazyLayers []int       `json:"lazy_layers"`          // picked, in ascending order
	LazyHeads  []lazy.Head `json:"lazy_heads,omitempty"` // with unit=head
}

// Analyze reads every sample with full attention, measures lazy ratio and output
// error per layer and head, picks the lazy units of each sample by the queue of
// LightTransfer, and makes a plan of those picked most often (LightTransfer-Train).
func (m *Model) Analyze(ctx context.Context, samples []Sample, o AnalyzeOptions) (*Analysis, error) {
	if len(samples) == 0 {
		return nil, errors.New("analyze: no samples")
	}
	if o.Window == (kv.Window{}) {
		o.Window = DefaultWindow
	}
	if o.Last == 0 {
		o.Last = DefaultLast
	}
	if o.Lazy == 0 {
		o.Lazy = 0.5
	}
	if o.By == "" {
		o.By = "ratio"
	}
	unit := lazy.UnitLayer
	if o.Unit == "head" {
		unit = lazy.UnitHead
	}
	policy, err := lazy.Parse(fmt.Sprintf("lighttransfer:lazy=%g,by=%s,unit=%s", o.Lazy, o.By, cmp.Or(o.Unit, "layer")), lazy.Settings{Window: o.Window, Last: o.Last})
	if err != nil {
		return nil, err
	}
	c := &m.model.Config
	shape := lazy.Shape{Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads}
	a := &Analysis{MeanRatio: make([]float64, c.Layers), MeanError: make([]float64, c.Layers)}
	var picks [][]lazy.Head
	for i, s := range samples {
		ids, _, err := m.sampleIDs(s)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		seen, err := m.Sweep(ctx, ids, model.Probe{Window: o.Window, Last: o.Last, Ratio: true, Error: true}, func(l int) {
			if o.Progress != nil {
				o.Progress(i*c.Layers+l+1, len(samples)*c.Layers)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		sa := SampleAnalysis{Tokens: len(ids), LazyLayers: []int{}}
		p := policy.Clone()
		if _, err := p.Begin(shape); err != nil {
			return nil, err
		}
		var picked []lazy.Head
		for l, s := range seen {
			sa.LazyRatio, sa.Error = append(sa.LazyRatio, s.Ratio), append(sa.Error, s.Error)
			sa.HeadRatio, sa.HeadError = append(sa.HeadRatio, s.HeadRatio), append(sa.HeadError, s.HeadError)
			a.MeanRatio[l] += s.Ratio / float64(len(samples))
			a.MeanError[l] += s.Error / float64(len(samples))
			if len(ids) > o.Window.Sink+o.Window.Recent { // else there is nothing to decide
				for _, d := range p.Observe(lazy.Observation(*s)) {
					picked = append(picked, d.Head)
				}
			}
		}
		for _, h := range picked {
			if unit == lazy.UnitLayer {
				sa.LazyLayers = append(sa.LazyLayers, h.Layer)
			} else {
				sa.LazyHeads = append(sa.LazyHeads, h)
			}
		}
		slices.Sort(sa.LazyLayers)
		if picked != nil {
			picks = append(picks, picked)
		}
		a.Samples = append(a.Samples, sa)
	}
	if picks == nil {
		return nil, fmt.Errorf("analyze: no sample is longer than the window %s, so every layer sees everything; give longer texts or a smaller --recent", o.Window)
	}
	plan, err := lazy.FromFrequency(shape, unit, picks, o.Lazy, o.Window)
	if err != nil {
		return nil, err
	}
	plan.Model, plan.ModelHash = m.name, m.hash
	a.Plan, a.Frequency = plan, plan.Frequency
	return a, nil
}
