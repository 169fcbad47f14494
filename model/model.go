package model

import (
	"fmt"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/weights"
)

// A Model is a configuration with its weights. It does not change after Load and
// may serve several sequences, each with a cache and a Workspace of its own, one
// call at a time per Workspace.
type Model struct {
	Config
	embed   weights.Tensor // [vocab][hidden], read row by row from the file
	layers  []layer
	outNorm []float32 // [hidden]
	head    *kernel.Matrix

	freq      []float64 // [headDim/2]
	ropeScale float64
	par       *par.Pool
	source    Source
}

type layer struct {
	attnNorm, ffnNorm []float32 // [hidden]
	qNorm, kNorm      []float32 // [headDim] or nil
	q, k, v, o        linear
	gate, up, down    linear
	net               kernel.GatedNet // of these three
}

// linear is y = W x + b.
type linear struct {
	w *kernel.Matrix
	b []float32 // [rows] or nil
}

// bias adds the bias to one result vector.
func (l *linear) bias(y []float32) {
	if l.b != nil {
		kernel.Add(y, l.b)
	}
}

// A Source is a model on disk.
type Source interface {
	Config() (Config, error)
	// Tensor finds a weight by its name in GGUF: "token_embd.weight",
	// "blk.0.attn_q.weight", ... rowOrder, if not nil, says which stored row is
	// row i of the matrix that Model expects.
	Tensor(name string) (t weights.Tensor, rowOrder []int, ok bool)
	Paths() []string // the files with the weights
	Size() int64     // bytes of all weights, as stored
	Forget()         // what has been read so far may leave memory: it can be read again
	Close() error
}

// Options say how weights are loaded.
type Options struct {
	Pool     *par.Pool               // nil: one thread
	Quantize kernel.DType            // matrices stored as floats are quantised to this at load; F32 (zero): kept as they are
	Progress func(done, total int64) // bytes of weights taken in so far; may be nil
	Packed   string                  // file to keep the packed weights in, and to take them from; "": none
	Hash     string                  // of the model: packed weights of another are not used
	Notice   func(text string)       // what became of that file; may be nil
}

func (o *Options) notice(format string, a ...any) {
	if o.Notice != nil {
		o.Notice(fmt.Sprintf(format, a...))
	}
}

// Load reads and packs all weights. The source stays open, for embedding rows,
// until Close.
func Load(src Source, o Options) (*Model, error) {
	c, err := src.Config()
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c, par: o.Pool, source: src, layers: make([]layer, c.Layers)}
	m.freq, m.ropeScale = c.Rope.frequencies(c.HeadDim)
	if c.Rope.Divisors != nil && len(c.Rope.Divisors) != c.HeadDim/2 {
		return nil, fmt.Errorf("rope_freqs.weight has %d values; heads of dimension %d need %d", len(c.Rope.Divisors), c.HeadDim, c.HeadDim/2)
	}
	l := loader{src: src, opts: o, total: src.Size()}
	var from string
	if o.Packed != "" {
		if from, err = packedFrom(src, &o); err != nil {
			return nil, err
		}
		l.kept = openPacked(from, &o)
	}
	m.embed = l.raw("token_embd.weight", c.Vocab, c.Hidden)
	if c.Tied {
		l.matrix(&m.head, "token_embd.weight", c.Vocab, c.Hidden)
	} else {
		l.matrix(&m.head, "output.weight", c.Vocab, c.Hidden)
	}
	m.outNorm = l.vector("output_norm.weight", c.Hidden, true)
	q, kvd := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for i := range m.layers {
		b, ly := fmt.Sprintf("blk.%d.", i), &m.layers[i]
		ly.attnNorm = l.vector(b+"attn_norm.weight", c.Hidden, true)
		ly.ffnNorm = l.vector(b+"ffn_norm.weight", c.Hidden, true)
		ly.qNorm = l.vector(b+"attn_q_norm.weight", c.HeadDim, c.QKNorm)
		ly.kNorm = l.vector(b+"attn_k_norm.weight", c.HeadDim, c.QKNorm)
		l.linear(&ly.q, b+"attn_q", q, c.Hidden, c.QKVBias)
		l.linear(&ly.k, b+"attn_k", kvd, c.Hidden, c.QKVBias)
		l.linear(&ly.v, b+"attn_v", kvd, c.Hidden, c.QKVBias)
		l.linear(&ly.o, b+"attn_output", c.Hidden, q, c.OBias)
		l.linear(&ly.gate, b+"ffn_gate", c.FFN, c.Hidden, c.MLPBias)
		l.linear(&ly.up, b+"ffn_up", c.FFN, c.Hidden, c.MLPBias)
		l.linear(&ly.down, b+"ffn_down", c.Hidden, c.FFN, c.MLPBias)
		if err := l.pack(); err != nil {
			return nil, err
		}
		ly.net = kernel.GatedNet{Gate: ly.gate.w, Up: ly.up.w, Down: ly.down.w, GateBias: ly.gate.b, UpBias: ly.up.b}
	}
	m.settle()
	if o.Packed != "" {
		l.keep(from)
	}
	return m, nil
}

// settle moves the weights into large pages of memory: every token reads all of them.
func (m *Model) settle() {
	all := []*kernel.Matrix{m.head}
	for i := range m.layers {
		ly := &m.layers[i]
		all = append(all, ly.q.w, ly.k.w, ly.v.w, ly.o.w, ly.gate.w, ly.up.w, ly.down.w)
	}
	kernel.Settle(all...)
}

// Close closes the source. The model must not be used afterwards.
func (m *Model) Close() error { return m.source.Close() }

// Bytes is what the packed weights hold in memory.
func (m *Model) Bytes() int64 {
	n := int64(m.head.Bytes())
	for i := range m.layers {
		ly := &m.layers[i]
		for _, l := range []*linear{&ly.q, &ly.k, &ly.v, &ly.o, &ly.gate, &ly.up, &ly.down} {
			n += int64(l.w.Bytes() + 4*len(l.b))
		}
	}
	return n
}

// embedding dequantises the embedding of one token.
func (m *Model) embedding(dst []float32, id int32) error {
	if id < 0 || int(id) >= m.Vocab {
		return fmt.Errorf("token id %d is outside of the vocabulary of %d", id, m.Vocab)
	}
	row := len(m.embed.Data) / m.Vocab
	return kernel.Dequantize(dst, m.embed.Type, m.embed.Data[int(id)*row:][:row])
}
