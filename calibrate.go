package lighttransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/probe"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// CalibrateOptions say how a plan of lazy heads is made. The zero value is the
// default: every head gets, of everything and some windows, the one with the least of
// its output error and 2 % times the share of the tokens that it keeps.
type CalibrateOptions struct {
	Compact  bool                  // keep less: 5 % in place of 2 %, with one window for all every 16th older token too
	Window   kv.Window             // what every lazy head keeps; zero: each its own (with Lazy, layers, or ratios: 4/252+8)
	MaxError float64               // more than any lazy unit may lose; 0: 0.02
	Lazy     float64               // if positive, this share of the units is lazy instead
	Unit     string                // "head" ("" too) or "layer"
	By       string                // "error" ("" too) or "ratio"
	Samples  []Sample              // the user's own prompts in place of the built-in probes
	Last     int                   // how many queries of a sample without an answer are asked; 0: DefaultLast
	Seed     uint64                // of the built-in probes
	Progress func(done, total int) // tokens, those of the final check included
}

// Calibration is a plan and what it was made from.
type Calibration struct {
	Plan    *lazy.Plan
	Probes  int // of the user's samples: those longer than the window
	Seconds float64

	OwnWindows bool        // every lazy head has a window of its own
	Error      [][]float64 // [layer][KV head] what each head loses when it is lazy, or would at best; by ratio: 1 - ratio

	// NLL of the answers of two fresh probes under the plan less that under full
	// attention, in nats per token. Above CheckLimit the plan loses retrieval.
	CheckNLLDifference []float64
}

// CheckLimit is the NLL difference above which a calibrated plan deserves a warning.
const CheckLimit = 0.2

func (o *CalibrateOptions) defaults() error {
	if o.Unit == "" {
		o.Unit = "head"
	}
	if o.By == "" {
		o.By = "error"
	}
	if o.Window == (kv.Window{}) && !o.choosing() {
		o.Window = kv.Window{Sink: 4, Recent: 252, Stride: 8}
		if o.Compact {
			o.Window.Stride = 16
		}
	}
	if o.MaxError == 0 {
		o.MaxError = 0.02
		if o.Compact {
			o.MaxError = 0.05
		}
	}
	o.Last = cmp.Or(o.Last, DefaultLast)
	switch {
	case o.Unit != "head" && o.Unit != "layer":
		return fmt.Errorf("calibrate: unit %q: use head or layer", o.Unit)
	case o.By != "error" && o.By != "ratio":
		return fmt.Errorf("calibrate: by %q: use error or ratio", o.By)
	case o.Window.Full() && !o.choosing():
		return errors.New("calibrate: the window of lazy heads needs a recent part")
	case o.Lazy < 0 || o.Lazy > 1:
		return fmt.Errorf("calibrate: a share of %g of the heads cannot be lazy; use 0 to 1", o.Lazy)
	case o.Last < 1:
		return fmt.Errorf("calibrate: the last %d queries cannot be asked; at least 1", o.Last)
	case !(o.MaxError > 0):
		return fmt.Errorf("calibrate: an error of at most %g cannot be asked for", o.MaxError)
	}
	return o.Window.Validate()
}

// choosing reports whether every head gets a window of its own.
func (o *CalibrateOptions) choosing() bool {
	return o.Window == (kv.Window{}) && o.Lazy == 0 && o.By == "error" && o.Unit == "head"
}

// The windows among which a head's own is chosen, and the length of the text of which
// each keeps a share.
var (
	choiceRecents = []int{60, 124, 252, 508, 1020}
	choiceStrides = []int{64, 32, 16, 8, 4}
)

const choiceTokens = 4096

// windows are those to measure: the one for all, or those to choose from, as far
// as probes of n tokens tell what lies outside of them.
func (o *CalibrateOptions) windows(n int) []kv.Window {
	if !o.choosing() {
		return []kv.Window{o.Window}
	}
	var ws []kv.Window
	for _, r := range choiceRecents {
		for _, s := range choiceStrides {
			if len(ws) == 0 || r+probeFar <= n {
				ws = append(ws, kv.Window{Sink: 4, Recent: r, Stride: s})
			}
		}
	}
	return ws
}

// Calibrate finds out once and for all which heads may be lazy: it lets the model
// answer built-in retrieval probes with full attention and measures, for the very
// queries that look back, what each KV head would lose. See docs/results.md.
func (m *Model) Calibrate(ctx context.Context, o CalibrateOptions) (*Calibration, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	start := time.Now()
	n, err := m.probeTokens(o.Window)
	if err != nil {
		return nil, err
	}
	windows := o.windows(n)
	maker := probe.NewMaker(coder{m}, n, o.Seed+1)
	probes := maker.Standard()
	if o.Samples != nil {
		if probes, err = m.ownProbes(o.Samples, windows[0], o.Last); err != nil {
			return nil, err
		}
	}
	checks := []probe.Probe{maker.Copy(), maker.List()}
	step := m.stepper(&o, probes, checks)
	scores, err := m.score(ctx, probes, windows, &o, step)
	if err != nil {
		return nil, err
	}
	c := &Calibration{Probes: len(probes), OwnWindows: o.choosing(), Error: scores[0]}
	if c.OwnWindows {
		if c.Plan, err = lazy.FromChoices(scores, windows, o.MaxError, choiceTokens); err != nil {
			return nil, err
		}
		c.Error = c.Plan.Scores
	} else if c.Plan, err = m.planOf(scores[0], &o); err != nil {
		return nil, err
	}
	c.Plan.Model, c.Plan.ModelHash, c.Plan.Samples = m.name, m.hash, len(probes)
	c.Plan.Created = start.UTC().Format(time.RFC3339)
	for _, p := range checks {
		d, err := m.nllDifference(ctx, p, c.Plan, step)
		if err != nil {
			return nil, err
		}
		c.CheckNLLDifference = append(c.CheckNLLDifference, d)
	}
	c.Seconds = time.Since(start).Seconds()
	return c, nil
}

// stepper counts tokens times layers and reports tokens. The checks are read
// twice, with full attention and under the plan.
func (m *Model) stepper(o *CalibrateOptions, probes, checks []probe.Probe) func(n int) {
	if o.Progress == nil {
		return func(int) {}
	}
	done, total := 0, 0
	for _, p := range slices.Concat(probes, checks, checks) {
		total += len(p.IDs)
	}
	return func(n int) {
		done += n
		o.Progress(done/m.model.Layers, total)
	}
}

// probeFar is how much longer than the recent window a probe must be: the passage,
// at up to 330, what asks for it, and a margin.
const probeFar = 500

// probeTokens is the length of a built-in probe: what is asked for lies far outside
// of the recent window, as far as the model's context allows.
func (m *Model) probeTokens(w kv.Window) (int, error) {
	n := max(1500, 2*w.Recent+probeFar)
	if w.Full() || w.Stride > 0 || w.Recent > 1000 {
		// What samples stand for is estimated better the more of them there are: in
		// 1,500 tokens heads lose up to half as much again as in long prompts (SmolLM2:
		// 43 of 90 heads above 2 %, in 4,600 tokens 23, the same ones ahead).
		n = max(n, 4600)
	}
	n = min(n, m.model.Context-64)
	if n < max(w.Recent, choiceRecents[0])+probeFar {
		return 0, fmt.Errorf("calibrate: %s was made for %d tokens, too few to look back beyond %d recent ones; use a smaller --recent", m.name, m.model.Context, w.Recent)
	}
	return n, nil
}

// kinds are all kinds of probes, in the order in which their scores are added up.
var kinds = []probe.Kind{probe.Copy, probe.Random, probe.List, probe.Question, own}

// own is the kind of a user's samples.
const own probe.Kind = "own"

// score is, per window, layer and KV head, the mean over the kinds of the mean over the
// probes of a kind: the three synthetic kinds together weigh as much as the questions.
func (m *Model) score(ctx context.Context, probes []probe.Probe, windows []kv.Window, o *CalibrateOptions, step func(n int)) ([][][]float64, error) {
	sums := map[probe.Kind][][][]float64{} // [window][layer][KV head]
	count := map[probe.Kind]float64{}
	for _, p := range probes {
		ask := model.Probe{Last: p.Last, PerQuery: true, Error: o.By == "error", Ratio: o.By == "ratio"}
		seen, err := m.Sweep(ctx, p.IDs, ask, windows, func(int) { step(len(p.IDs)) })
		if err != nil {
			return nil, err
		}
		if sums[p.Kind] == nil {
			sums[p.Kind] = m.tables(len(windows))
		}
		count[p.Kind]++
		for w := range windows {
			for l, s := range seen[w] {
				for h := range sums[p.Kind][w][l] {
					sums[p.Kind][w][l][h] += loss(s, h, m.model.KVHeads, o)
				}
			}
		}
	}
	scores := m.tables(len(windows))
	for _, k := range kinds {
		for w := range sums[k] {
			for l := range sums[k][w] {
				for h, sum := range sums[k][w][l] {
					scores[w][l][h] += weight(k, count) * sum / count[k]
				}
			}
		}
	}
	return scores, nil
}

// weight is the share of a kind in the score, given the kinds there are: half for
// the questions, half for the others together.
func weight(k probe.Kind, count map[probe.Kind]float64) float64 {
	_, questions := count[probe.Question]
	others := len(count)
	if questions {
		others--
	}
	switch {
	case others == 0:
		return 1
	case !questions:
		return 1 / float64(others)
	case k == probe.Question:
		return 0.5
	}
	return 0.5 / float64(others)
}

// loss is what one KV head of a layer loses, or with unit=layer the whole layer.
func loss(s *model.Observation, h, kvHeads int, o *CalibrateOptions) float64 {
	switch {
	case o.By == "error" && o.Unit == "layer":
		return s.Error
	case o.By == "error":
		return s.HeadError[h]
	case o.Unit == "layer":
		return 1 - s.Ratio
	}
	g := len(s.HeadRatio) / kvHeads
	var sum float64
	for _, r := range s.HeadRatio[h*g : (h+1)*g] {
		sum += 1 - r
	}
	return sum / float64(g)
}

// tables are n times [layer][KV head].
func (m *Model) tables(n int) [][][]float64 {
	ts := make([][][]float64, n)
	for i := range ts {
		ts[i] = make([][]float64, m.model.Layers)
		for l := range ts[i] {
			ts[i][l] = make([]float64, m.model.KVHeads)
		}
	}
	return ts
}

func (m *Model) planOf(scores [][]float64, o *CalibrateOptions) (*lazy.Plan, error) {
	unit := lazy.UnitHead
	if o.Unit == "layer" { // all heads of a layer carry its score
		unit = lazy.UnitLayer
		layers := make([][]float64, len(scores))
		for l := range layers {
			layers[l] = scores[l][:1]
		}
		scores = layers
	}
	if o.Lazy > 0 {
		return lazy.FromScoresShare(scores, unit, o.Lazy, o.Window)
	}
	return lazy.FromScores(scores, unit, o.MaxError, o.Window)
}

// nllDifference compares the probe's answer under the plan with full attention.
func (m *Model) nllDifference(ctx context.Context, p probe.Probe, plan *lazy.Plan, step func(n int)) (float64, error) {
	c := &m.model.Config
	shape := shapeOf(c)
	lazyWindows, err := plan.Windows(shape, DefaultWindow)
	if err != nil {
		return 0, err
	}
	windows := c.Windows()
	full, err := m.nll(ctx, p.IDs, p.Last-1, windows, kv.BF16, step)
	if err != nil {
		return 0, err
	}
	for i, w := range lazyWindows {
		if !w.Full() {
			windows[i] = c.LazyWindow(i/c.KVHeads, w)
		}
	}
	cut, err := m.nll(ctx, p.IDs, p.Last-1, windows, kv.BF16, step)
	return cut - full, err
}

// coder shows the model's tokenizer and template to the probes.
type coder struct{ m *Model }

func (c coder) Encode(text string) []int32 { return c.m.tok.Encode(text, tokenizer.EncodeOptions{}) }
func (c coder) Vocab() int                 { return c.m.tok.Size() }

func (c coder) Begin() []int32 {
	if id, ok := c.m.tok.BOS(); ok && c.m.tok.AddsBOS() {
		return []int32{id}
	}
	return nil
}

func (c coder) Ordinary(id int32) bool {
	if c.m.tok.IsSpecial(id) || c.m.Ends(id) {
		return false
	}
	for _, b := range c.m.tok.Piece(id) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return len(c.m.tok.Piece(id)) > 0
}

func (c coder) Turn(message string) ([]int32, bool) {
	if c.m.chat == nil {
		return nil, false
	}
	ids, err := c.m.Encode([]chat.Message{{Role: "user", Content: message}})
	return ids, err == nil
}
