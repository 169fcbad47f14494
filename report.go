package lighttransfer

import (
	"math"
	"time"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// A Report says what a session did: what was read and written and how fast, what
// the policy saw and decided, and what the KV cache holds.
type Report struct {
	PromptTokens int
	ReusedTokens int // of the prompt: taken from the cache instead of computed
	Prefill      Speed
	Decode       Speed // tokens written; the first costs no decode step and does not count in the speed

	// Seen while prefilling; nil or null where not observed.
	LazyRatio   []*float64  // [layer]
	OutputError []*float64  // [layer]
	HeadRatio   [][]float64 // [layer][query head]
	HeadError   [][]float64 // [layer][KV head]

	Policy      string // name
	PolicyArgs  string
	Auto        bool        // the policy was chosen by auto
	Window      kv.Window   // what a lazy head keeps, the commonest if they differ
	OwnWindows  bool        // they differ
	Last        int         // w_last
	LazyLayers  []int       // layers all of whose heads are lazy
	LazyHeads   []lazy.Head // lazy KV heads of the other layers
	PickedHeads int         // of the lazy ones, those that keep picked tokens instead of the window
	MergedHeads int         // of the lazy ones, those that share directions with another layer's
	Decided     []lazy.Head // in the order in which they became lazy
	DroppedMass *float64    // sum over the lazy layers of 1 - ratio (Theorem 5.1 bounds the error by it); null when not observed
	KV          KVReport
	decided     []lazy.Head
}

// KVReport is the KV cache in bytes.
type KVReport struct {
	Dtype     string `json:"dtype"`
	Bytes     int64  `json:"bytes"`      // now
	PeakBytes int64  `json:"peak_bytes"` // highest so far
	FullBytes int64  `json:"full_bytes"` // what full attention would hold now
}

// Speed is a number of tokens and the time they took.
type Speed struct {
	Tokens          int     `json:"tokens"`
	Seconds         float64 `json:"seconds"`
	TokensPerSecond float64 `json:"tokens_per_second"`
}

func speed(n int, d time.Duration) Speed {
	s := Speed{Tokens: n, Seconds: d.Seconds()}
	if d > 0 {
		s.TokensPerSecond = float64(n) / d.Seconds()
	}
	return s
}

// number is nil for what was not observed.
func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// observe makes room for the observations of all layers; those of an earlier
// prompt stay until new ones come.
func (r *Report) observe(layers int) {
	if r.LazyRatio == nil {
		r.LazyRatio, r.OutputError = make([]*float64, layers), make([]*float64, layers)
		r.HeadRatio, r.HeadError = make([][]float64, layers), make([][]float64, layers)
	}
}

// Report returns what the session did so far.
func (s *Session) Report() Report {
	r := s.report
	r.observe(s.m.model.Layers)
	r.Policy, r.PolicyArgs = s.Policy()
	r.Auto, r.Window, r.Last = s.auto, s.o.Window, s.o.Last
	r.Decided = append([]lazy.Head{}, r.decided...)
	c := &s.m.model.Config
	base := c.Windows()
	r.LazyLayers, r.LazyHeads = []int{}, []lazy.Head{}
	var dropped float64
	count := map[kv.Window]int{}
	for l := range c.Layers {
		var heads []lazy.Head
		for h := range c.KVHeads {
			head := s.cache.Head(l, h)
			w := head.Window
			switch {
			case head.Picked():
				heads = append(heads, lazy.Head{Layer: l, KVHead: h})
				r.PickedHeads++
			case head.Merged():
				heads = append(heads, lazy.Head{Layer: l, KVHead: h})
				r.MergedHeads++
			case w != base[l*c.KVHeads+h]:
				heads = append(heads, lazy.Head{Layer: l, KVHead: h})
				if count[w]++; count[w] > count[r.Window] {
					r.Window = w
				}
			}
		}
		if len(heads) < c.KVHeads {
			r.LazyHeads = append(r.LazyHeads, heads...)
			continue
		}
		r.LazyLayers = append(r.LazyLayers, l)
		if ratio := r.LazyRatio[l]; ratio == nil {
			dropped = math.NaN()
		} else {
			dropped += 1 - *ratio
		}
	}
	r.OwnWindows = len(count) > 1
	r.DroppedMass = number(dropped)
	n := s.cache.Len()
	r.KV = KVReport{Dtype: s.pool.Precision().String(), Bytes: s.cache.Bytes(), PeakBytes: s.pool.PeakBytes(), FullBytes: s.pool.Precision().NeedBytes(base, n, 1, c.HeadDim)}
	return r
}
