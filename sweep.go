package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/model"
)

// Sweep reads ids with full attention, layer after layer, and asks every layer
// what its last queries would lose under each of the windows, [window][layer];
// layer is called after each layer. No more than one layer's cache exists at a time.
func (m *Model) Sweep(ctx context.Context, ids []int32, p model.Probe, windows []kv.Window, layer func(l int)) ([][]*model.Observation, error) {
	c := &m.model.Config
	if len(ids) > c.Context {
		return nil, fmt.Errorf("%w: %d tokens, the model was made for %d; shorten the text", ErrContext, len(ids), c.Context)
	}
	if err := enoughMemory(fmt.Sprintf("reading %d tokens", len(ids)), m.sweepBytes(len(ids))); err != nil {
		return nil, err
	}
	cache, err := kv.NewCache(kv.NewPool(c.HeadDim, kv.BF16, 0), c.Layers, c.KVHeads, c.HeadDim, c.Windows())
	if err != nil {
		return nil, err
	}
	defer cache.Close()
	x := make([]float32, len(ids)*c.Hidden) // [token][hidden]
	if err := m.model.Embed(x, ids); err != nil {
		return nil, err
	}
	var queries model.Queries
	p.Last, p.Keep = min(p.Last, len(ids)), &queries
	var ws model.Workspace
	seen := make([][]*model.Observation, len(windows))
	for i := range seen {
		seen[i] = make([]*model.Observation, c.Layers)
	}
	for l := range c.Layers {
		from := 0
		for _, to := range cut(len(ids), prefillBlock, p.Last) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var ask *model.Probe
			if to == len(ids) {
				ask = &p
				ask.Window = windows[0]
			}
			if seen[0][l], err = m.model.Layer(l, x[from*c.Hidden:to*c.Hidden], to-from, from, cache, &ws, ask); err != nil {
				return nil, err
			}
			from = to
		}
		for i, w := range windows[1:] {
			again := p
			again.Window, again.Keep = w, nil
			if seen[i+1][l], err = m.model.ObserveAgain(l, &queries, cache, &again); err != nil {
				return nil, err
			}
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

// sweepBytes is what a sweep over n tokens holds: one layer's cache, the residual
// stream, and the activations of a block.
func (m *Model) sweepBytes(n int) int64 {
	c := &m.model.Config
	return int64(c.KVHeads)*kv.BF16.NeedBytes(make([]kv.Window, 1), n, 1, c.HeadDim) + int64(n)*int64(c.Hidden)*4 + m.model.WorkspaceBytes(min(n, 2*prefillBlock))
}

// NLL is the mean negative log-likelihood, in nats, of the last n of ids under
// fixed windows, [layer][kvHead].
func (m *Model) NLL(ctx context.Context, ids []int32, n int, windows []kv.Window) (float64, error) {
	return m.nll(ctx, ids, n, windows, kv.BF16, func(int) {})
}

// nll calls step with the tokens that went through a layer.
func (m *Model) nll(ctx context.Context, ids []int32, n int, windows []kv.Window, precision kv.Precision, step func(n int)) (float64, error) {
	c := &m.model.Config
	n = min(n, len(ids)-1)
	if n < 1 {
		return 0, errors.New("no token to predict")
	}
	cache, err := kv.NewCache(kv.NewPool(c.HeadDim, precision, 0), c.Layers, c.KVHeads, c.HeadDim, windows)
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
			step(to - from)
		}
		if to == len(ids) {
			rows := x[(to-from-n-1)*c.Hidden : (to-from-1)*c.Hidden]
			logits := make([]float32, n*c.Vocab)
			m.model.Logits(logits, rows, n, &ws)
			for i := range n {
				sum += surprise(logits[i*c.Vocab:][:c.Vocab], ids[len(ids)-n+i])
			}
		}
		from = to
	}
	return sum / float64(n), nil
}

// surprise is -ln softmax(logits)[id].
func surprise(logits []float32, id int32) float64 {
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
