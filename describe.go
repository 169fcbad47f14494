package lighttransfer

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
	"github.com/lighttransfer/lighttransfer/weights/safetensors"
)

// A Description is what a model's files say, without its weights in memory.
type Description struct {
	model.Config
	Text
	Path    string
	Hash    string       // see [Model.Hash]
	Weights []WeightType // most bytes first
	Plan    *lazy.Plan   // the calibrated plan that policy auto uses; nil: none
}

// A WeightType is the weights of one number format.
type WeightType struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Values  int64  `json:"values"`
	Bytes   int64  `json:"bytes"`
}

// Describe reads what a model's files say about it. path is what [Open] takes.
func Describe(path string) (*Description, error) {
	file, clean, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	d, err := describe(file)
	if err = errors.Join(err, clean()); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if path == "tiny" {
		d.Name, d.Path = path, path // the folder is gone
	}
	return d, nil
}

func describe(file string) (*Description, error) {
	text, err := openText(file)
	if err != nil {
		return nil, err
	}
	d := &Description{Text: *text, Path: file}
	src, err := openSource(file)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if d.Config, err = src.Config(); err != nil {
		return nil, err
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	if d.Name == "" {
		d.Name = strings.TrimSuffix(filepath.Base(file), ".gguf")
	}
	if d.Weights, err = weightTypes(file); err != nil {
		return nil, err
	}
	if d.Hash, err = hashModel(file); err != nil {
		return nil, err
	}
	d.Plan, _, err = storedPlan(d.Hash)
	return d, err
}

func weightTypes(file string) ([]WeightType, error) {
	var tensors []weights.Tensor
	if strings.HasSuffix(file, ".gguf") {
		f, err := gguf.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		tensors = f.Tensors()
	} else {
		f, err := safetensors.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		tensors = f.Tensors()
	}
	var types []WeightType
	for _, t := range tensors {
		i := slices.IndexFunc(types, func(w WeightType) bool { return w.Type == t.Type.String() })
		if i < 0 {
			i = len(types)
			types = append(types, WeightType{Type: t.Type.String()})
		}
		values := int64(1)
		for _, n := range t.Shape {
			values *= int64(n)
		}
		types[i].Tensors++
		types[i].Values += values
		types[i].Bytes += int64(len(t.Data))
	}
	slices.SortStableFunc(types, func(a, b WeightType) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return types, nil
}

// WeightBytes is the size of all weights as stored.
func (d *Description) WeightBytes() (n int64) {
	for _, w := range d.Weights {
		n += w.Bytes
	}
	return n
}

// A Footprint says what the KV cache of one sequence takes under a policy.
type Footprint struct {
	Policy, Args string
	Window       kv.Window // what lazy heads keep, if Fixed; the commonest if they differ
	OwnWindows   bool      // they differ
	Fixed        bool      // they keep the same whatever the prompt's length
	LazyHeads    int       // KV heads, of Heads; at least so many when the prompt decides
	Heads        int

	d         *Description
	policy    lazy.Policy
	last      int
	chooses   int // prompts of at most so many tokens stay full
	precision kv.Precision
	first     []kv.Window // [layer*kvHeads + kvHead] at the first token
}

// Footprint computes what a policy makes of the cache. A policy that cannot tell
// before it sees the prompt counts as full. "auto" is the stored plan, or full.
// Of the options, the policy, window, last and KV precision count.
func (d *Description) Footprint(o SessionOptions) (*Footprint, error) {
	st := lazy.Settings{Window: cmp.Or(o.Window, DefaultWindow), Last: cmp.Or(o.Last, DefaultLast)}
	precision, err := kv.ParsePrecision(o.KV)
	if err != nil {
		return nil, err
	}
	p, err := d.policy(o.Policy, st)
	if err != nil {
		return nil, err
	}
	own, err := p.Begin(shapeOf(&d.Config))
	if err != nil {
		return nil, err
	}
	f := &Footprint{Policy: p.Name(), Args: p.Args(), Window: st.Window, d: d, policy: p, last: st.Last, precision: precision, first: d.Windows()}
	f.Heads = len(f.first)
	for i, w := range own {
		if !w.Full() {
			f.first[i] = d.LazyWindow(i/d.KVHeads, w)
		}
	}
	if own == nil {
		f.chooses = st.Window.Sink + st.Window.Recent
	}
	count := map[kv.Window]int{}
	ends := f.windows(d.Context, false)
	f.Fixed = slices.Equal(ends, f.windows(2*d.Context, false))
	for i, w := range d.Windows() {
		if lazy := ends[i]; lazy != w {
			f.LazyHeads++
			if count[lazy]++; f.Fixed && count[lazy] > count[f.Window] {
				f.Window = lazy
			}
		}
	}
	f.OwnWindows = len(count) > 1
	return f, nil
}

func (d *Description) policy(spec string, st lazy.Settings) (lazy.Policy, error) {
	if spec != "" && spec != "auto" {
		return lazy.Parse(spec, st)
	}
	if d.Plan != nil {
		return d.Plan.Policy("auto", st)
	}
	return lazy.Parse("full", st)
}

// Bytes is what the cache holds after n tokens.
func (f *Footprint) Bytes(n int) int64 {
	return f.precision.NeedBytes(f.windows(n, false), n, 1, f.d.HeadDim)
}

// windows are those of a prompt of n tokens, while it is read or after it.
func (f *Footprint) windows(n int, reading bool) []kv.Window {
	ws := slices.Clone(f.first)
	if n > f.chooses {
		cutAtMost(ws, &f.d.Config, f.policy, n, reading)
	}
	return ws
}

// Peak is the most it holds while a prompt of n tokens is read.
func (f *Footprint) Peak(n int) int64 {
	return f.precision.NeedBytes(f.windows(n, true), n, min(n, prefillBlock+f.last), f.d.HeadDim)
}

// BytesPer1K is what 1,024 tokens more take when there are many already.
func (f *Footprint) BytesPer1K() int64 {
	const far = 1 << 20
	return (f.Bytes(2*far) - f.Bytes(far)) / (far >> 10)
}

// Free is what the machine can give to the cache besides the weights; not ok
// where the system does not tell.
func (d *Description) Free() (bytes int64, ok bool) {
	free, ok := mem.Available()
	return max(free-d.WeightBytes(), 0), ok
}

// Longest is the number of tokens, up to limit of them, that can be read while
// the cache stays within so many bytes, and it and the activations within more.
func (f *Footprint) Longest(cache, all int64, limit int) int {
	lo, hi := 0, limit+1
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		kv, act := f.Peak(mid), f.d.WorkspaceBytes(min(mid, prefillBlock+f.last))+int64(mid)*int64(f.d.Hidden)*4
		if kv <= cache && kv+act <= all {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
