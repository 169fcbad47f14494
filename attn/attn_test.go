package attn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
)

const (
	kvHeads = 2
	group   = 3
	heads   = kvHeads * group
	dim     = 48 // padded to 64 in the pages
)

func random(rnd *rand.Rand, n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rnd.NormFloat64() * scale)
	}
	return v
}

// bf16 rounds as the cache does.
func bf16(v []float32) []float32 {
	b, r := make([]uint16, len(v)), make([]float32, len(v))
	kernel.ToBF16(b, v)
	kernel.FromBF16(r, b)
	return r
}

// reference is attention by definition: softmax over the keys that visible
// admits, samples with + ln stride, in float64.
func reference(q, k, v []float32, n, t0, t int, w kv.Window, visible func(t, j int) (bool, bool)) (out []float32, lse []float32) {
	for i := range n {
		for h := range heads {
			qv := q[(i*heads+h)*dim:][:dim]
			var sum float64
			o := make([]float64, dim)
			for j := range t {
				see, sample := visible(t0+i, j)
				if !see {
					continue
				}
				var s float64
				for c, x := range k[(j*kvHeads+h/group)*dim:][:dim] {
					s += float64(x) * float64(qv[c])
				}
				s /= math.Sqrt(dim)
				if sample {
					s += math.Log(float64(w.Stride))
				}
				e := math.Exp(s)
				sum += e
				for c, x := range v[(j*kvHeads+h/group)*dim:][:dim] {
					o[c] += e * float64(x)
				}
			}
			for _, x := range o {
				out = append(out, float32(x/sum))
			}
			lse = append(lse, float32(math.Log(sum)))
		}
	}
	return out, lse
}

func worst(a, b []float32) float64 {
	var m float64
	for i := range a {
		m = max(m, math.Abs(float64(a[i]-b[i])))
	}
	return m
}

var windows = []kv.Window{{}, {Sink: 4, Recent: 20}, {Sink: 4, Recent: 127}, {Sink: 4, Recent: 128}, {Sink: 4, Recent: 129}, {Sink: 2, Recent: 60, Stride: 8},
	{Recent: 30}, {Sink: 200, Recent: 1}, {Sink: 4, Recent: 252, Stride: 16}}

// Prefill in blocks and decode, streaming through any window, is attention by
// definition.
func TestAttendIsTheDefinition(t *testing.T) {
	for _, w := range windows {
		for _, block := range []int{1, 5, 90, 400} {
			for _, precision := range []kv.Precision{kv.BF16, kv.Int8} {
				if precision == kv.Int8 && block == 5 {
					continue // the three others cover decode, splits and prefill
				}
				t.Run(fmt.Sprintf("window=%s/block=%d/kv=%s", w, block, precision), func(t *testing.T) {
					attendIsTheDefinition(t, w, block, precision)
				})
			}
		}
	}
}

func attendIsTheDefinition(t *testing.T, w kv.Window, block int, precision kv.Precision) {
	tolerance := map[kv.Precision]float64{kv.BF16: 0.012, kv.Int8: 0.06}[precision] // of values of size 1
	rnd := rand.New(rand.NewPCG(1, uint64(block)))
	const total = 400
	q := random(rnd, total*heads*dim, 1)
	k, v := bf16(random(rnd, total*kvHeads*dim, 1)), bf16(random(rnd, total*kvHeads*dim, 1))
	ws := []kv.Window{w, {}} // the second KV head is full: heads have windows of their own
	c, err := kv.NewCache(kv.NewPool(dim, precision, 0), 1, kvHeads, dim, ws)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < total; n += block {
		b := min(block, total-n)
		if err := c.Append(0, b, k[n*kvHeads*dim:][:b*kvHeads*dim], v[n*kvHeads*dim:][:b*kvHeads*dim]); err != nil {
			t.Fatal(err)
		}
		blk := Block{Heads: []*kv.Head{c.Head(0, 0), c.Head(0, 1)}, T0: n, N: b, Dim: dim, Q: q[n*heads*dim:][:b*heads*dim],
			Out: make([]float32, b*heads*dim), LSE: make([]float32, b*heads)}
		Attend(nil, &blk)
		if block > 1 || n%37 == 0 || n > total-3 {
			lazyOut, lazyLSE := reference(blk.Q, k, v, b, n, n+b, w, w.Visible)
			fullOut, fullLSE := reference(blk.Q, k, v, b, n, n+b, kv.Window{}, kv.Window{}.Visible)
			for i := range b * heads {
				wantO, wantL := lazyOut, lazyLSE
				if i%heads >= group {
					wantO, wantL = fullOut, fullLSE
				}
				if e := worst(blk.Out[i*dim:][:dim], wantO[i*dim:][:dim]); e > tolerance {
					t.Fatalf("query %d, head %d: output off by %g", n+i/heads, i%heads, e)
				}
				if e := math.Abs(float64(blk.LSE[i] - wantL[i])); e > tolerance {
					t.Fatalf("query %d, head %d: log-sum-exp off by %g", n+i/heads, i%heads, e)
				}
			}
		}
		c.Release(0)
	}
}

// The mass and the loss that Measure reports are those of the definition, for
// the prompt's window (anchored) and for each query's own.
func TestMeasureIsTheDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, total := range []int{3, 24, 25, 90, 300} {
		for _, last := range []int{1, 8, 32} {
			for _, w := range []kv.Window{{Sink: 4, Recent: 20}, {Sink: 30, Recent: 40}, {Sink: 4, Recent: 16, Stride: 4}} {
				for _, perQuery := range []bool{false, true} {
					n := min(last, total)
					q := random(rnd, n*heads*dim, 1)
					k, v := bf16(random(rnd, total*kvHeads*dim, 1)), bf16(random(rnd, total*kvHeads*dim, 1))
					c, _ := kv.NewCache(kv.NewPool(dim, kv.BF16, 0), 1, kvHeads, dim, nil)
					if err := c.Append(0, total, k, v); err != nil {
						t.Fatal(err)
					}
					anchor := total
					if perQuery {
						anchor = 0
					}
					visible := func(t, j int) (bool, bool) {
						if perQuery {
							return w.Visible(t, j)
						}
						if j > t {
							return false, false
						}
						return w.Visible(total-1, j) // the prompt's last query sees all of the prompt's window
					}
					var previews []*kv.Head
					for h := range kvHeads {
						p, err := c.Preview(0, h, w, anchor)
						if err != nil {
							t.Fatal(err)
						}
						previews = append(previews, p)
					}
					blk := Block{Heads: []*kv.Head{c.Head(0, 0), c.Head(0, 1)}, T0: total - n, N: n, Dim: dim, Q: q, Out: make([]float32, n*heads*dim), LSE: make([]float32, n*heads)}
					Attend(nil, &blk)
					got := Measure(nil, &blk, previews)
					fullOut, fullLSE := reference(q, k, v, n, total-n, total, kv.Window{}, kv.Window{}.Visible)
					lazyOut, lazyLSE := reference(q, k, v, n, total-n, total, w, visible)
					for h := range heads {
						var want float64
						for i := range n {
							want += math.Exp(float64(lazyLSE[i*heads+h]-fullLSE[i*heads+h])) / float64(n)
						}
						if math.Abs(got.Ratio[h]-want) > 0.01 {
							t.Errorf("%d tokens, last %d, window %s, per query %v, head %d: ratio %g, want %g", total, last, w, perQuery, h, got.Ratio[h], want)
						}
					}
					for i := range fullOut {
						fullOut[i] -= lazyOut[i]
					}
					if e := worst(got.Diff, fullOut); e > 0.03 {
						t.Errorf("%d tokens, last %d, window %s, per query %v: loss off by %g", total, last, w, perQuery, e)
					}
				}
			}
		}
	}
}

// Votes are the weights of the definition, summed over queries and the heads of a
// group.
func TestVotesAreTheDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for _, precision := range []kv.Precision{kv.BF16, kv.Int8} {
		for _, total := range []int{33, 128, 129, 160, 161, 300} {
			for _, n := range []int{1, 32} {
				q := random(rnd, n*heads*dim, 1)
				k, v := bf16(random(rnd, total*kvHeads*dim, 1)), bf16(random(rnd, total*kvHeads*dim, 1))
				c, _ := kv.NewCache(kv.NewPool(dim, precision, 0), 1, kvHeads, dim, nil)
				if err := c.Append(0, total, k, v); err != nil {
					t.Fatal(err)
				}
				blk := Block{Heads: []*kv.Head{c.Head(0, 0), c.Head(0, 1)}, T0: total - n, N: n, Dim: dim, Q: q, Out: make([]float32, n*heads*dim), LSE: make([]float32, n*heads)}
				Attend(nil, &blk)
				got := Votes(nil, &blk)
				full := kv.Window{}
				for h := range kvHeads {
					if len(got[h]) != total-n {
						t.Fatalf("%d votes for %d keys", len(got[h]), total-n)
					}
					for j := range total - n {
						// The weight of a key is what its value would add to the output: attend to values that are 1 there and 0 elsewhere.
						one := make([]float32, total*kvHeads*dim)
						one[(j*kvHeads+h)*dim] = 1
						if j%29 > 0 {
							continue
						}
						out, _ := reference(q, k, one, n, total-n, total, full, full.Visible)
						var want float64
						for r := range n * group {
							want += float64(out[(r/group*heads+h*group+r%group)*dim])
						}
						if e := math.Abs(float64(got[h][j]) - want); e > 0.001+0.05*want {
							t.Errorf("%s, %d tokens, %d queries: KV head %d, key %d: %g votes, want %g", precision, total, n, h, j, got[h][j], want)
						}
					}
				}
			}
		}
	}
}

// Threads change nothing, to the bit, in prefill and in split decode.
func TestThreadsDoNotMatter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	const total = 5000
	k, v := random(rnd, total*kvHeads*dim, 1), random(rnd, total*kvHeads*dim, 1)
	c, _ := kv.NewCache(kv.NewPool(dim, kv.BF16, 0), 1, kvHeads, dim, []kv.Window{{}, {Sink: 4, Recent: 252, Stride: 8}})
	if err := c.Append(0, total, k, v); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 3, 200} {
		q := random(rnd, n*heads*dim, 1)
		var first []float32
		for _, threads := range []int{1, 2, 5} {
			p := par.New(threads)
			blk := Block{Heads: []*kv.Head{c.Head(0, 0), c.Head(0, 1)}, T0: total - n, N: n, Dim: dim, Q: q, Out: make([]float32, n*heads*dim), LSE: make([]float32, n*heads)}
			Attend(p, &blk)
			p.Close()
			if first == nil {
				first = blk.Out
			} else if !slices.Equal(first, blk.Out) {
				t.Fatalf("%d queries: %d threads give other bits than 1", n, threads)
			}
		}
	}
}
