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

// sampleIDs are the sample's tokens and how many of them are the answer.
func (m *Model) sampleIDs(s Sample) (ids []int32, answer int, err error) {
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	plain := tokenizer.EncodeOptions{AddBOS: m.tok.AddsBOS()}
	messages := s.Messages
	if s.Prompt != "" {
		messages = []chat.Message{{Role: "user", Content: s.Prompt}}
	}
	if n := len(messages); n > 1 && messages[n-1].Role == "assistant" && messages[n-1].Content != "" {
		s.Answer, messages = messages[n-1].Content, messages[:n-1]
	}
	switch {
	case s.Text != "":
		ids = m.tok.Encode(s.Text, plain)
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
	Progress func(done, total int) // tokens
}

// An Analysis is how lazy the layers and heads of a model are on some samples.
type Analysis struct {
	Samples   []SampleAnalysis
	MeanRatio []float64 // [layer] over the samples longer than the window; in the others nothing can be lost
	MeanError []float64 // [layer] the same
	Frequency []int     // [layer] in how many samples it was picked (unit=layer)
	Plan      *lazy.Plan
}

// SampleAnalysis is one sample's part.
type SampleAnalysis struct {
	Tokens     int             `json:"tokens"`
	LazyRatio  []float64       `json:"lazy_ratio"`           // [layer]
	Error      []float64       `json:"output_error"`         // [layer]
	HeadRatio  [][]float64     `json:"head_ratio,omitempty"` // [layer][query head]
	HeadError  [][]float64     `json:"head_error,omitempty"` // [layer][KV head]
	LazyLayers []int           `json:"lazy_layers"`          // picked, in ascending order
	LazyHeads  []lazy.PlanHead `json:"lazy_heads,omitempty"` // with unit=head
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
	shape := shapeOf(c)
	texts := make([][]int32, len(samples))
	long, total := 0, 0 // samples longer than the window; tokens
	for i, s := range samples {
		if texts[i], _, err = m.sampleIDs(s); err == nil && len(texts[i]) > c.Context {
			err = fmt.Errorf("%w: %d tokens, the model was made for %d; shorten the text", ErrContext, len(texts[i]), c.Context)
		}
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		total += len(texts[i])
		if o.long(texts[i]) {
			long++
		}
	}
	if long == 0 {
		return nil, fmt.Errorf("analyze: none of %d samples is longer than %d tokens, so every layer sees everything; give longer ones or a smaller --recent", len(samples), o.Window.Sink+o.Window.Recent)
	}
	a := &Analysis{MeanRatio: make([]float64, c.Layers), MeanError: make([]float64, c.Layers)}
	var picks [][]lazy.Head
	done := 0
	for i, ids := range texts {
		swept, err := m.Sweep(ctx, ids, model.Probe{Last: o.Last, Ratio: true, Error: true}, []kv.Window{o.Window}, func(int) {
			if done += len(ids); o.Progress != nil {
				o.Progress(done/c.Layers, total)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		seen := swept[0]
		sa := SampleAnalysis{Tokens: len(ids), LazyLayers: []int{}}
		for _, s := range seen {
			sa.LazyRatio, sa.Error = append(sa.LazyRatio, s.Ratio), append(sa.Error, s.Error)
			sa.HeadRatio, sa.HeadError = append(sa.HeadRatio, s.HeadRatio), append(sa.HeadError, s.HeadError)
		}
		if o.long(ids) { // else there is nothing to decide
			for l, s := range seen {
				a.MeanRatio[l] += s.Ratio / float64(long)
				a.MeanError[l] += s.Error / float64(long)
			}
			picked, err := pick(policy.Clone(), shape, seen)
			if err != nil {
				return nil, err
			}
			picks = append(picks, picked)
			sa.picked(picked)
		}
		a.Samples = append(a.Samples, sa)
	}
	plan, err := lazy.FromFrequency(shape, unit, picks, o.Lazy, o.Window)
	if err != nil {
		return nil, err
	}
	plan.Model, plan.ModelHash = m.name, m.hash
	a.Plan, a.Frequency = plan, plan.Frequency
	return a, nil
}

// long reports whether a text has tokens that a lazy head would not see.
func (o *AnalyzeOptions) long(ids []int32) bool { return len(ids) > o.Window.Sink+o.Window.Recent }

// pick lets a policy choose its lazy units by what was seen.
func pick(p lazy.Policy, s lazy.Shape, seen []*model.Observation) ([]lazy.Head, error) {
	if _, err := p.Begin(s); err != nil {
		return nil, err
	}
	picked := []lazy.Head{}
	for _, o := range seen {
		for _, d := range p.Observe(lazy.Observation(*o)) {
			picked = append(picked, d.Head)
		}
	}
	return picked, nil
}

// picked notes a sample's lazy units in ascending order.
func (sa *SampleAnalysis) picked(units []lazy.Head) {
	for _, h := range units {
		if h.KVHead == lazy.AllHeads {
			sa.LazyLayers = append(sa.LazyLayers, h.Layer)
		} else {
			sa.LazyHeads = append(sa.LazyHeads, lazy.PlanHead{Layer: h.Layer, KVHead: h.KVHead})
		}
	}
	slices.Sort(sa.LazyLayers)
	slices.SortFunc(sa.LazyHeads, func(a, b lazy.PlanHead) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.KVHead, b.KVHead))
	})
}
