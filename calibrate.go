package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/probe"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// CalibrateOptions say how a plan of lazy heads is made. The zero value is the
// default: heads whose output error is below 2 % keep 4 sinks, the last 252
// tokens and every 8th older one.
type CalibrateOptions struct {
	Compact  bool      // every 16th older token and 5 %, where nothing else is said
	Window   kv.Window // what a lazy head keeps; zero: 4/252+8
	MaxError float64   // units below it are lazy; 0: 0.02
	Lazy     float64   // if positive, this share of the units is lazy instead
	Unit     string    // "head" ("" too) or "layer"
	By       string    // "error" ("" too) or "ratio"
	Samples  []Sample  // the user's own prompts in place of the built-in probes
	Seed     uint64
	Progress func(done, total int) // probes times layers
}

// Calibration is a plan and what it was made from.
type Calibration struct {
	Plan    *lazy.Plan
	Probes  int
	Seconds float64
	Error   [][]float64 // [layer][KV head] what each head loses when it is lazy; by ratio: 1 - ratio

	// NLL of the answers of two fresh probes under the plan less that under full
	// attention, in nats per token. Above CheckLimit the plan loses retrieval.
	CheckNLLDifference []float64
}

// CheckLimit is the NLL difference above which a calibrated plan deserves a warning.
const CheckLimit = 0.2

func (o *CalibrateOptions) defaults() error {
	if o.Window == (kv.Window{}) {
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
	if o.Unit == "" {
		o.Unit = "head"
	}
	if o.By == "" {
		o.By = "error"
	}
	switch {
	case o.Unit != "head" && o.Unit != "layer":
		return fmt.Errorf("calibrate: unit %q: use head or layer", o.Unit)
	case o.By != "error" && o.By != "ratio":
		return fmt.Errorf("calibrate: by %q: use error or ratio", o.By)
	case o.Window.Full():
		return errors.New("calibrate: the window of lazy heads needs a recent part")
	case o.Lazy < 0 || o.Lazy > 1:
		return fmt.Errorf("calibrate: a share of %g of the heads cannot be lazy; use 0 to 1", o.Lazy)
	case !(o.MaxError > 0):
		return fmt.Errorf("calibrate: an error of at most %g cannot be asked for", o.MaxError)
	}
	return o.Window.Validate()
}

// Calibrate finds out once and for all which heads may be lazy: it lets the model
// answer built-in retrieval probes with full attention and measures, for the very
// queries that look back, what each KV head would lose. See docs/results.md.
func (m *Model) Calibrate(ctx context.Context, o CalibrateOptions) (*Calibration, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	start := time.Now()
	maker := probe.NewMaker(coder{m}, min(max(1500, 2*o.Window.Recent+500), m.model.Context-64), o.Seed+1)
	probes := maker.Standard()
	if o.Samples != nil {
		var err error
		if probes, err = m.ownProbes(o.Samples); err != nil {
			return nil, err
		}
	}
	scores, err := m.score(ctx, probes, &o)
	if err != nil {
		return nil, err
	}
	c := &Calibration{Probes: len(probes), Error: scores}
	if c.Plan, err = m.planOf(scores, &o); err != nil {
		return nil, err
	}
	c.Plan.Model, c.Plan.ModelHash, c.Plan.Samples = m.name, m.hash, len(probes)
	c.Plan.Created = start.UTC().Format(time.RFC3339)
	for _, p := range []probe.Probe{maker.Copy(), maker.List()} {
		d, err := m.nllDifference(ctx, p, c.Plan)
		if err != nil {
			return nil, err
		}
		c.CheckNLLDifference = append(c.CheckNLLDifference, d)
	}
	c.Seconds = time.Since(start).Seconds()
	return c, nil
}

// score is, per layer and KV head, the mean over the kinds of the mean over the
// probes of a kind: the three synthetic kinds together weigh as much as the questions.
func (m *Model) score(ctx context.Context, probes []probe.Probe, o *CalibrateOptions) ([][]float64, error) {
	sums := map[probe.Kind][][]float64{}
	count := map[probe.Kind]float64{}
	for i, p := range probes {
		seen, err := m.Sweep(ctx, p.IDs, model.Probe{Window: o.Window, Last: p.Last, PerQuery: true, Error: o.By == "error", Ratio: o.By == "ratio"}, func(l int) {
			if o.Progress != nil {
				o.Progress(i*m.model.Layers+l+1, len(probes)*m.model.Layers)
			}
		})
		if err != nil {
			return nil, err
		}
		if sums[p.Kind] == nil {
			sums[p.Kind] = m.table()
		}
		count[p.Kind]++
		for l, s := range seen {
			for h := range sums[p.Kind][l] {
				sums[p.Kind][l][h] += loss(s, h, m.model.KVHeads, o)
			}
		}
	}
	synthetic := 0.0
	for k := range count {
		if k != probe.Question {
			synthetic++
		}
	}
	scores := m.table()
	for k, table := range sums {
		weight := 1.0
		if _, both := count[probe.Question]; both && synthetic > 0 {
			weight = 0.5
		}
		if k != probe.Question {
			weight /= synthetic
		}
		for l := range scores {
			for h := range scores[l] {
				scores[l][h] += weight * table[l][h] / count[k]
			}
		}
	}
	return scores, nil
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

func (m *Model) table() [][]float64 {
	t := make([][]float64, m.model.Layers)
	for l := range t {
		t[l] = make([]float64, m.model.KVHeads)
	}
	return t
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

// Sweep reads ids with full attention, layer after layer, and asks every layer
// what its last queries would lose; layer is called after each. No more than one
// layer's cache exists at a time.
func (m *Model) Sweep(ctx context.Context, ids []int32, p model.Probe, layer func(l int)) ([]*model.Observation, error) {
	c := &m.model.Config
	if len(ids) > c.Context {
		return nil, fmt.Errorf("%w: %d tokens, the model was made for %d", ErrContext, len(ids), c.Context)
	}
	cache, err := kv.NewCache(kv.NewPool(c.HeadDim, 0), c.Layers, c.KVHeads, c.HeadDim, c.Windows())
	if err != nil {
		return nil, err
	}
	x := make([]float32, len(ids)*c.Hidden) // [token][hidden]
	if err := m.model.Embed(x, ids); err != nil {
		return nil, err
	}
	p.Last = min(p.Last, len(ids))
	var ws model.Workspace
	seen := make([]*model.Observation, c.Layers)
	for l := range c.Layers {
		from := 0
		for _, to := range cut(len(ids), prefillBlock, p.Last) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			ask := &p
			if to < len(ids) {
				ask = nil
			}
			if seen[l], err = m.model.Layer(l, x[from*c.Hidden:to*c.Hidden], to-from, from, cache, &ws, ask); err != nil {
				return nil, err
			}
			from = to
		}
		for h := range c.KVHeads { // the layer is done with
			if err := cache.Demote(l, h, kv.Window{Recent: 1}); err != nil {
				return nil, err
			}
		}
		layer(l)
	}
	return seen, nil
}

// nllDifference compares the probe's answer under the plan with full attention.
func (m *Model) nllDifference(ctx context.Context, p probe.Probe, plan *lazy.Plan) (float64, error) {
	c := &m.model.Config
	shape := lazy.Shape{Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads}
	lazyWindows, err := plan.Windows(shape, DefaultWindow)
	if err != nil {
		return 0, err
	}
	windows := c.Windows()
	full, err := m.NLL(ctx, p.IDs, p.Last-1, windows)
	if err != nil {
		return 0, err
	}
	for i, w := range lazyWindows {
		if !w.Full() {
			windows[i] = c.LazyWindow(i/c.KVHeads, w)
		}
	}
	cut, err := m.NLL(ctx, p.IDs, p.Last-1, windows)
	return cut - full, err
}

// NLL is the mean negative log-likelihood, in nats, of the last n of ids under
// fixed windows, [layer][kvHead].
func (m *Model) NLL(ctx context.Context, ids []int32, n int, windows []kv.Window) (float64, error) {
	c := &m.model.Config
	n = min(n, len(ids)-1)
	if n < 1 {
		return 0, errors.New("no token to predict")
	}
	cache, err := kv.NewCache(kv.NewPool(c.HeadDim, 0), c.Layers, c.KVHeads, c.HeadDim, windows)
	if err != nil {
		return 0, err
	}
	defer cache.Close()
	var ws model.Workspace
	var sum float64
	from := 0
	for _, to := range cut(len(ids), prefillBlock, n+1) {
		x := make([]float32, (to-from)*c.Hidden)
		if err := m.model.Embed(x, ids[from:to]); err != nil {
			return 0, err
		}
		for l := range c.Layers {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if _, err := m.model.Layer(l, x, to-from, from, cache, &ws, nil); err != nil {
				return 0, err
			}
			cache.Release(l)
		}
		if to == len(ids) {
			rows := x[(to-from-n-1)*c.Hidden : (to-from-1)*c.Hidden]
			logits := make([]float32, n*c.Vocab)
			m.model.Logits(logits, rows, n, &ws)
			for i := range n {
				sum += nll(logits[i*c.Vocab:][:c.Vocab], ids[len(ids)-n+i])
			}
		}
		from = to
	}
	return sum / float64(n), nil
}

// nll is -ln softmax(logits)[id].
func nll(logits []float32, id int32) float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, float64(v))
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum) - float64(logits[id])
}

// coder shows the model's tokenizer and template to the probes.
type coder struct{ m *Model }

func (c coder) Encode(text string) []int32 { return c.m.tok.Encode(text, tokenizer.EncodeOptions{}) }
func (c coder) Vocab() int                 { return c.m.tok.Size() }

func (c coder) Ordinary(id int32) bool {
	if c.m.tok.IsSpecial(id) || c.m.ends(id) {
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
