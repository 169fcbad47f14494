package kernel

import (
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/internal/prof"
)

// GLU is the working memory of a gated feed-forward network. Its zero value is
// ready; it serves one call at a time.
type GLU struct {
	acts     Acts      // what goes into the last product, [n][ffn]
	gate, up []float32 // [n][ffn], unless panels go from product to product
}

// A GatedNet is a feed-forward network with a gate (Shazeer, 2020): W2 (silu(Wg x +
// bg) * (Wu x + bu)). A nil bias means none.
type GatedNet struct {
	Gate, Up, Down   *Matrix   // [ffn][hidden], [ffn][hidden], [hidden][ffn]
	GateBias, UpBias []float32 // [ffn]
}

// Mul sets y [a.n][hidden] to what the network makes of the activations in a.
//
// Of several tokens and in integers, 32 rows of both gate and up are one block of the
// activations that the last product takes: an item of work makes them, 264 tokens at
// a time, and hands them over while they are in the cache, quantised. The results
// are those of the three steps one after the other, bit for bit.
func (g *GLU) Mul(p *par.Pool, y []float32, a *Acts, net *GatedNet) {
	ffn, ops := net.Gate.Rows, matOps[active]
	if net.Gate.Cols != a.cols || net.Up.Cols != a.cols || net.Up.Rows != ffn || net.Down.Cols != ffn {
		panic("kernel.GLU: shapes do not agree")
	}
	if !a.few() && ops.quantBlock != nil && useInts(ops, a, net.Gate) && useInts(ops, a, net.Up) && useInts(ops, &g.acts, net.Down) {
		g.fused(p, a, net)
	} else {
		g.gate, g.up = growFloats(g.gate, a.n*ffn), growFloats(g.up, a.n*ffn)
		MatMulAll(p, a, [][]float32{g.gate, g.up}, []*Matrix{net.Gate, net.Up})
		mark := prof.Start()
		const block = 16
		p.Run((a.n+block-1)/block, func(i int) {
			for t := i * block; t < min((i+1)*block, a.n); t++ {
				net.activate(g.gate[t*ffn:][:ffn], g.up[t*ffn:][:ffn], 0)
			}
		})
		mark.Stop(Elementwise, prof.None, 0)
		g.acts.Set(g.gate, a.n, ffn)
	}
	MatMul(p, y, &g.acts, net.Down)
}

// activate makes the activations of a token, from row on, in place of gate.
func (net *GatedNet) activate(gate, up []float32, row int) {
	if net.GateBias != nil {
		Add(gate, net.GateBias[row:][:len(gate)])
	}
	if net.UpBias != nil {
		Add(up, net.UpBias[row:][:len(up)])
	}
	SwiGLU(gate, gate, up)
}

// fused makes the int8 activations of the last product.
func (g *GLU) fused(p *par.Pool, a *Acts, net *GatedNet) {
	defer stopMatMul(prof.Start(), a, []*Matrix{net.Gate, net.Up})
	a.prepare(p, net.Gate)
	a.prepare(p, net.Up)
	g.acts.reserve(a.n, net.Gate.Rows)
	ops, panels, blocks := matOps[active], net.Gate.panels(), tokenBlocks(a.n)
	p.Run(panels*blocks, func(item int) {
		s := scratches.Get().(*scratch)
		defer scratches.Put(s)
		panel, tile := item/blocks, item%blocks*blockTiles
		n := min(blockTiles*tileTokens, a.n-tile*tileTokens)
		s.gate, s.up = growFloats(s.gate, n*panelRows), growFloats(s.up, n*panelRows)
		net.Gate.mulPanel(ops, area{s.gate, panelRows, tile}, a, panel, s)
		net.Up.mulPanel(ops, area{s.up, panelRows, tile}, a, panel, s)
		if net.GateBias == nil && net.UpBias == nil {
			SwiGLU(s.gate, s.gate, s.up)
		} else {
			for t := range n {
				net.activate(s.gate[t*panelRows:][:panelRows], s.up[t*panelRows:][:panelRows], panel*panelRows)
			}
		}
		ops.quantBlock(g.acts.ints(tile, (n+tileTokens-1)/tileTokens), s.gate, n, panel, panels)
	})
}
