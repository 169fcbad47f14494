package main

import (
	"cmp"
	"slices"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// document is what run --json prints.
type document struct {
	Model        string                 `json:"model"`
	Architecture string                 `json:"architecture"`
	PromptTokens int                    `json:"prompt_tokens"`
	PromptIDs    []int32                `json:"prompt_ids,omitempty"` // with --ids
	Text         string                 `json:"text"`
	IDs          []int32                `json:"ids,omitempty"` // with --ids
	FinishReason string                 `json:"finish_reason"`
	TopLogits    []logit                `json:"top_logits,omitempty"` // with --top-logits
	Policy       policyJSON             `json:"policy"`
	KV           lighttransfer.KVReport `json:"kv"`
	Prefill      lighttransfer.Speed    `json:"prefill"`
	Decode       lighttransfer.Speed    `json:"decode"`
	LoadSeconds  float64                `json:"load_seconds"`
	ReusedTokens int                    `json:"reused_tokens"`
	PeakRSS      int64                  `json:"peak_rss_bytes"`
	Kernels      string                 `json:"kernels"`
	Threads      int                    `json:"threads"`
}

// policyJSON is what a policy was, saw and decided.
type policyJSON struct {
	Name        string     `json:"name"`
	Args        string     `json:"args"`
	Auto        bool       `json:"auto"` // it was chosen by "auto"
	Window      windowJSON `json:"window"`
	Last        int        `json:"last"`
	LazyRatio   []*float64 `json:"lazy_ratio"`   // [layer], null where not observed
	OutputError []*float64 `json:"output_error"` // [layer], null where not observed
	LazyLayers  []int      `json:"lazy_layers"`  // all of whose KV heads are lazy
	LazyHeads   [][2]int   `json:"lazy_heads"`   // [layer, KV head], all that are lazy, where single heads are; else none
	Decided     []any      `json:"decided"`      // layers, or [layer, KV head], in the order in which they became lazy
	PickedHeads int        `json:"picked_heads"` // of the lazy ones: they keep picked tokens instead of the window
	MergedHeads int        `json:"merged_heads"` // of the lazy ones: they share directions with another layer's
	DroppedMass *float64   `json:"dropped_mass"`
}

type windowJSON struct {
	Sink   int `json:"sink"`
	Recent int `json:"recent"`
	Stride int `json:"stride,omitempty"`
}

func newWindow(w kv.Window) windowJSON { return windowJSON(w) }

func newPolicy(r *lighttransfer.Report, kvHeads int) policyJSON {
	p := policyJSON{Name: r.Policy, Args: r.PolicyArgs, Auto: r.Auto, Window: newWindow(r.Window), Last: r.Last,
		LazyRatio: r.LazyRatio, OutputError: r.OutputError, LazyLayers: r.LazyLayers, LazyHeads: [][2]int{}, Decided: []any{}, PickedHeads: r.PickedHeads, MergedHeads: r.MergedHeads,
		DroppedMass: r.DroppedMass}
	byHead := len(r.LazyHeads) > 0
	for _, h := range r.Decided {
		if h.KVHead == lazy.AllHeads {
			p.Decided = append(p.Decided, h.Layer)
		} else {
			byHead = true
			p.Decided = append(p.Decided, [2]int{h.Layer, h.KVHead})
		}
	}
	if byHead {
		for _, h := range r.LazyHeads {
			p.LazyHeads = append(p.LazyHeads, [2]int{h.Layer, h.KVHead})
		}
		for _, l := range r.LazyLayers {
			for h := range kvHeads {
				p.LazyHeads = append(p.LazyHeads, [2]int{l, h})
			}
		}
		slices.SortFunc(p.LazyHeads, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	}
	return p
}

func (t *talk) document(a *answer) *document {
	r := t.s.Report()
	d := &document{Model: t.m.Name(), Architecture: t.m.Config().Architecture, PromptTokens: r.PromptTokens, PromptIDs: a.promptIDs,
		Text: a.text.String(), FinishReason: t.s.FinishReason(), TopLogits: a.top, Policy: newPolicy(&r, t.m.Config().KVHeads), KV: r.KV,
		Prefill: r.Prefill, Decode: r.Decode, LoadSeconds: t.loadSeconds, ReusedTokens: r.ReusedTokens, PeakRSS: mem.PeakRSS(),
		Kernels: lighttransfer.Kernels(), Threads: t.m.Threads()}
	if t.o.ids {
		d.IDs = a.ids
	}
	return d
}

type logit struct {
	ID    int     `json:"id"`
	Logit float32 `json:"logit"`
}

// topLogits are the k highest, the lower id first among equals.
func topLogits(logits []float32, k int) []logit {
	if k == 0 {
		return nil
	}
	all := make([]logit, len(logits))
	for id, x := range logits {
		all[id] = logit{id, x}
	}
	slices.SortStableFunc(all, func(a, b logit) int { return cmp.Compare(b.Logit, a.Logit) })
	return all[:min(k, len(all))]
}
