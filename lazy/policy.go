package lazy

import (
	"errors"
	"fmt"
	"math"

	"github.com/lighttransfer/lighttransfer/kv"
)

// A Shape is what a policy knows of a model.
type Shape struct {
	Layers  int
	Heads   int // query heads per layer
	KVHeads int // KV heads per layer; divides Heads
}

// Validate reports a shape that no model has.
func (s Shape) Validate() error {
	if s.Layers < 1 || s.Heads < 1 || s.KVHeads < 1 || s.Heads%s.KVHeads != 0 {
		return fmt.Errorf("model shape of %d layers, %d heads, %d KV heads: all must be at least 1 and the KV heads must divide the heads",
			s.Layers, s.Heads, s.KVHeads)
	}
	return nil
}

// windows is a slice for Begin with every KV head full: [layer*KVHeads + kvHead].
func (s Shape) windows() []kv.Window { return make([]kv.Window, s.Layers*s.KVHeads) }

// setLayer gives all KV heads of a layer the window w.
func (s Shape) setLayer(ws []kv.Window, layer int, w kv.Window) {
	for h := range s.KVHeads {
		ws[layer*s.KVHeads+h] = w
	}
}

// Settings are common to all policies of a run.
type Settings struct {
	Window kv.Window // what a lazy head keeps (sink, recent, stride)
	Last   int       // w_last: how many of the prompt's last queries the observations average over
}

// validate is for policies that cut: what a lazy head keeps must be a real window.
func (st Settings) validate() error {
	if err := checkWindow(st.Window); err != nil {
		return err
	}
	if st.Window.Full() {
		return errors.New("the window of a lazy head is full attention, nothing would be cut: give at least one recent token")
	}
	return nil
}

// maxWindow bounds what a window may name, so that sums of positions stay small.
const maxWindow = 1 << 29

// checkWindow reports a window that cannot be served.
func checkWindow(w kv.Window) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if max(w.Sink, w.Recent, w.Stride) > maxWindow {
		return fmt.Errorf("window %s: sink, recent and stride may be at most %d", w, maxWindow)
	}
	return nil
}

// validateLast is for policies that decide by what the last queries looked at.
func (st Settings) validateLast() error {
	if st.Last < 1 {
		return fmt.Errorf("the last %d queries were to be observed: at least 1 is needed", st.Last)
	}
	return st.validate()
}

// Needs says what a policy must be told after each layer of the first prompt. The
// zero Needs: the policy decides nothing while prefilling and is not told anything.
type Needs struct {
	Ratio     bool // lazy ratio per layer and per query head
	Error     bool // output error per layer and per KV head
	Cosine    bool // how little the layer's attention turns the residual stream
	Votes     bool // what the last queries look at, key by key
	Distances bool // how far the layer's keys and values are from those of the layer below
}

// An Observation is what was measured right after a layer's attention over the
// first prompt. Ratios and errors are averaged over its last Settings.Last queries,
// for the keys that Settings.Window leaves visible. What was not asked for is NaN
// or nil.
type Observation struct {
	Layer     int
	Tokens    int       // positions that the layer holds: the prompt, and what was there before it
	Ratio     float64   // lazy ratio: share of the attention mass on visible keys, mean over all heads (arXiv 2410.13846, Eq. 1)
	HeadRatio []float64 // [query head] the same, per query head
	Error     float64   // ‖W_O(o_full − o_window)‖ / ‖x‖, x being the residual stream that enters the layer
	HeadError []float64 // [KV head] the same for the query heads of one KV head and their columns of W_O

	// Cosine is that of the residual stream before and after the layer's attention
	// is added to it, the mean over all tokens of the prompt.
	Cosine float64

	// Votes is the attention of the last Settings.Last queries on every key before
	// them, summed over the queries and the query heads of a KV head:
	// [KV head][position < Tokens-Last]. It is shared and must not be changed.
	Votes [][]float32

	// KeyDistances and ValueDistances are the angles between the keys, and the
	// values, of this layer and of the one below, as shares of a half turn:
	// [KV head][position < Tokens]. nil in layer 0. Shared like Votes.
	KeyDistances, ValueDistances [][]float32
}

// A Head names a KV head of a layer, or with KVHead -1 all heads of it.
type Head struct{ Layer, KVHead int }

// AllHeads is the KVHead of a [Head] that stands for its whole layer.
const AllHeads = -1

// String is "18" for a layer and "18.2" for a KV head.
func (h Head) String() string {
	if h.KVHead == AllHeads {
		return fmt.Sprint(h.Layer)
	}
	return fmt.Sprintf("%d.%d", h.Layer, h.KVHead)
}

// A Decision cuts a head, or all heads of a layer, to a window; or to picked tokens
// if Pick is not nil; or merges them with those of the layer below if Merge is not.
type Decision struct {
	Head   Head
	Window kv.Window
	Pick   *kv.Pick
	Merge  *kv.Merge
}

// A Bound is what a policy that decides while reading can say of its decisions
// before it has seen the prompt. Policies that know one have a method
//
//	Bound(s Shape, tokens int) Bound
//
// for a first prompt of so many tokens; memory is checked by it.
type Bound struct {
	Full  int       // KV heads that stay full
	Cut   kv.Window // what the others keep at most, or on average, as a window of the same size
	More  int       // KV heads that are full besides, while a prompt is read; 0: one layer's
	Late  bool      // nothing is cut before the last layer has read the prompt
	Whole bool      // only full heads are cut: not where the model's own window hides tokens
}

// A Policy decides for one sequence which layers or KV heads are lazy.
// It is not safe for concurrent use.
type Policy interface {
	// Name is the policy's name, as in "lighttransfer".
	Name() string

	// Args are its arguments in full, as in "lazy=0.5,by=ratio,unit=layer".
	// Parse of Name:Args gives an equal policy.
	Args() string

	// Begin starts a sequence (a second Begin starts over). It returns the window
	// of every KV head at the first token, [layer*KVHeads + kvHead]; nil says that
	// all are full.
	Begin(s Shape) ([]kv.Window, error)

	// Needs says what Observe must be told.
	Needs() Needs

	// Observe is called after each layer of the first prompt, in layer order, when
	// Needs is not zero. It returns what becomes lazy now, in the order in which it
	// did, in this layer or earlier ones. A layer seen before decides nothing.
	Observe(o Observation) []Decision

	// Clone returns an equal policy for another sequence, not begun.
	Clone() Policy
}

// Spec writes a policy as Parse reads it: NAME or NAME:ARGS.
func Spec(p Policy) string {
	if a := p.Args(); a != "" {
		return p.Name() + ":" + a
	}
	return p.Name()
}

// A Unit is what becomes lazy at a time.
type Unit int

const (
	UnitLayer Unit = iota // whole layers
	UnitHead              // single KV heads
)

// String is "layer" or "head".
func (u Unit) String() string {
	if u == UnitHead {
		return "head"
	}
	return "layer"
}

// count is the number of units of a model.
func (u Unit) count(s Shape) int {
	if u == UnitHead {
		return s.Layers * s.KVHeads
	}
	return s.Layers
}

// head is unit i of count, in layer order.
func (u Unit) head(s Shape, i int) Head {
	if u == UnitHead {
		return Head{i / s.KVHeads, i % s.KVHeads}
	}
	return Head{i, AllHeads}
}

// lazyCount is how many of n units a share makes lazy: the nearest whole number, a
// half rounding up (25 % of 30 layers are 8, 75 % are 23).
func lazyCount(share float64, n int) int { return int(math.Floor(share*float64(n) + 0.5)) }

// fixed is the half of a Policy that decides nothing while prefilling.
type fixed struct{}

func (fixed) Needs() Needs                   { return Needs{} }
func (fixed) Observe(Observation) []Decision { return nil }

// pagesOf is the number of pages that hold n tokens.
func pagesOf(n int) int { return (n + kv.PageTokens - 1) / kv.PageTokens }

// deal is the i-th of n shares of a total, as equal as whole numbers can be.
func deal(total, n, i int) int { return total*(i+1)/n - total*i/n }

// shareOf is a window that takes at least a share of the pages of a prompt when its
// last token comes, and so many last tokens.
func shareOf(tokens int, share float64, last int) kv.Window {
	prompt := pagesOf(tokens)
	pages := int(math.Ceil(share * float64(prompt)))
	return kv.Window{Recent: max(last, tokens-1-(prompt-pages)*kv.PageTokens)}
}
