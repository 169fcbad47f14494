package kernel

import (
	"sync"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/internal/prof"
)

// How a product is cut. An item of work is one panel of the matrix (32 rows)
// times a block of tokens, or one panel when there are few tokens. Inside an
// item the weights are widened once (codes to bytes, halves to floats) and stay
// in the second cache level while the tokens pass by, tileTokens at a time:
//
//	           32 rows        one tile: 6 tokens
//	          +-------+       +---+
//	columns   |       |   x   |   |  columns    ->   y [6][32]
//	          |       |       |   |
//	          +-------+       +---+
//
// The sums of a tile stay in registers (12 AVX-512 registers of 16 rows) over all
// columns that were widened at once; every sum runs over the columns in order, so
// neither the tiles nor the blocks nor n can change a result.
const (
	tileTokens  = 6
	blockTiles  = 44  // tiles per item: x stays within the caches, and widening is little of the work
	floatCols   = 512 // columns widened to float32 at a time: 64 KiB
	intBlocks   = 128 // blocks of 32 columns whose codes are widened at a time: 128 KiB of bytes
	tileScratch = tileTokens * panelRows
)

// matTable holds a tier's loops. w is a panel; y is [tokens][ldy] with 32 results
// per token. With acc the results are added to y, else they replace it. A tier
// without gemmI8 multiplies everything in float32.
type matTable struct {
	gemmF32   func(y []float32, ldy int, w, x []float32, k int, acc bool) // w [k][32], x [k][6]
	gemvF32   func(y, w, x []float32, k int, acc bool)                    // w [k][32], x [k]
	gemvF16   func(y []float32, w []uint16, x []float32, k int)           // nil: widen first
	gemvBF16  func(y []float32, w []uint16, x []float32, k int)           // nil: widen first
	widenF16  func(dst []float32, src []uint16)                           // any order, len(src)
	widenBF16 func(dst []float32, src []uint16)                           // [k/2][32][2] to [k][32]

	// Integers: w [nb][8][32][4] bytes, code-zero+128; scales [nb][32], or
	// [2*nb][32] in the versions for 16 columns ("h"), whose sums are of 16 too.
	// Several tiles at a time, which lie stride blocks apart and follow each other in y.
	gemmI8, gemmI8h intGEMM
	// widenPairs, if not nil, makes what they take instead of w: int16 numbers, code
	// - zero, [nb][8][2: even, odd columns][32][2]; x then is [nb][2][8][6][2] int16.
	widenPairs func(dst, src []byte)
	// One of few tokens, from the packed codes.
	gemvI8, gemvI4, gemvI5, gemvI6h intGEMV

	widenCodes func(dst, src []byte, bits, zero, nb int) // packed codes to w
	// widenScales fills scales [nb or 2*nb][32], and minima [nb][32] if there are any.
	widenScales func(scales, minima []float32, src []byte, kind scaleKind)
	quantTile   func(out intTile, x []float32, cols, lanes, rows int)
	// quantBlock quantises block b, of nb, of some tiles: x [n][32]. nil: a GLU goes
	// step by step.
	quantBlock func(out intTile, x []float32, n, b, nb int)

	rows *rowsTable // nil: several tokens go by gemmI8
}

type (
	intGEMM = func(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
	intGEMV = func(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
)

var matOps = [numTiers]*matTable{tierGeneric: &matGeneric, tierNEON: matNEON, tierAVX2: matAVX2, tierAVX512: matAVX512, tierAMX: matAMX}

// MatMul sets y [a.n][m.Rows] to x W^T, x being the activations in a and W the
// matrix. Both must have the same number of columns.
func MatMul(p *par.Pool, y []float32, a *Acts, m *Matrix) {
	MatMulAll(p, a, [][]float32{y}, []*Matrix{m})
}

// MatMulAll is MatMul for several matrices of the same activations, such as the
// query, key and value projections, in one parallel loop.
func MatMulAll(p *par.Pool, a *Acts, ys [][]float32, ms []*Matrix) {
	if a.n == 0 {
		return
	}
	defer stopMatMul(prof.Start(), a, ms)
	var panels int
	for i, m := range ms {
		if m.Cols != a.cols || len(ys[i]) < a.n*m.Rows {
			panic("kernel.MatMul: shapes do not agree")
		}
		a.prepare(p, m)
		panels += m.panels()
	}
	if a.few() {
		p.Runs(panels, func(from, to int) { mulVectors(a, ys, ms, from, to) })
		return
	}
	ops, blocks := matOps[active], tokenBlocks(a.n)
	p.Run(panels*blocks, func(item int) {
		i, panel, tile := 0, item/blocks, item%blocks*blockTiles
		for ; panel >= ms[i].panels(); i++ {
			panel -= ms[i].panels()
		}
		s := scratches.Get().(*scratch)
		to := area{y: ys[i][tile*tileTokens*ms[i].Rows+panel*panelRows:], ld: ms[i].Rows, tile: tile}
		ms[i].mulPanel(ops, to, a, panel, s)
		scratches.Put(s)
	})
}

// tokenBlocks is the number of blocks of tokens that n fall into.
func tokenBlocks(n int) int { return (n + blockTiles*tileTokens - 1) / (blockTiles * tileTokens) }

func (m *Matrix) panels() int { return (m.Rows + panelRows - 1) / panelRows }

// scratch is what one item needs besides its operands.
type scratch struct {
	wide           []byte    // [32*intBlocks][32] bytes, or [floatCols][32] float32
	pairs          []byte    // [16*intBlocks][32][2] int16
	scales, minima []float32 // [cols/16 or cols/32][32]
	y              []float32 // [6][32], where y itself has less room
	gate, up       []float32 // [264][32] of a GLU
	rows           []float32 // [12][32], the same for rowsInts
	sums           []int32   // [12][32]
}

var scratches = sync.Pool{New: newScratch}

func newScratch() any { return &scratch{y: floats(alloc(4 * tileScratch))} }

// grow returns b with n bytes, which hold anything.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return alloc(n)
	}
	return b[:n]
}

func growInts(v []int32, n int) []int32 {
	if cap(v) < n {
		return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(alloc(4*n)))), n)
	}
	return v[:n]
}

func growFloats(f []float32, n int) []float32 {
	if cap(f) < n {
		return floats(alloc(4 * n))
	}
	return f[:n]
}

// An area is where the results of an item go, 32 per token.
type area struct {
	y    []float32 // the first token's, and so on
	ld   int       // from token to token
	tile int       // the first of the item
}

// at is where the results of token t of a tile begin.
func (to *area) at(tile, t int) []float32 { return to.y[((tile-to.tile)*tileTokens+t)*to.ld:] }

// mulPanel computes the rows of one panel for one block of tiles.
func (m *Matrix) mulPanel(ops *matTable, to area, a *Acts, panel int, s *scratch) {
	w := m.data[panel*m.panel:][:m.panel]
	switch ints := useInts(ops, a, m); {
	case ints && ops.rows != nil:
		m.rowsInts(ops, to, a, panel, w, s)
	case ints:
		m.tilesInts(ops, to, a, panel, w, s)
	default:
		m.tilesFloats(ops, to, a, panel, w, s)
	}
}

// useInts says whether a product is done in integers.
func useInts(ops *matTable, a *Acts, m *Matrix) bool {
	return ops.gemmI8 != nil && m.dtype.quantised() && !a.Exact
}

// out returns where the results of a tile go, 32 per token from out on with
// stride ldy: y itself, or the scratch when the tile hangs over y's edge.
func (m *Matrix) out(to *area, n, panel, tile int, s *scratch) (out []float32, ldy int, edge bool) {
	if (panel+1)*panelRows <= m.Rows && (tile+1)*tileTokens <= n {
		return to.at(tile, 0), to.ld, false
	}
	return s.y, panelRows, true
}

// flush copies the results of a tile from the scratch to y.
func (m *Matrix) flush(to *area, n, panel, tile int, out []float32) {
	rows := min(panelRows, m.Rows-panel*panelRows)
	for t := range min(tileTokens, n-tile*tileTokens) {
		copy(to.at(tile, t)[:rows], out[t*panelRows:])
	}
}

// fetch is the inverse of flush.
func (m *Matrix) fetch(to *area, n, panel, tile int, out []float32) {
	rows := min(panelRows, m.Rows-panel*panelRows)
	for t := range min(tileTokens, n-tile*tileTokens) {
		copy(out[t*panelRows:][:rows], to.at(tile, t))
	}
}

// tilesFloats multiplies in float32, floatCols columns of widened weights at a
// time: y collects the sums in between.
func (m *Matrix) tilesFloats(ops *matTable, to area, a *Acts, panel int, w []byte, s *scratch) {
	last := min(to.tile+blockTiles, a.tiles())
	for k := 0; k < m.Cols; k += floatCols {
		kn := min(floatCols, m.Cols-k)
		f := m.widen(ops, w, k, kn, s)
		for t := to.tile; t < last; t++ {
			out, ldy, edge := m.out(&to, a.n, panel, t, s)
			if edge && k > 0 {
				m.fetch(&to, a.n, panel, t, out)
			}
			ops.gemmF32(out, ldy, f, a.tileFloats(t)[k*tileTokens:], kn, k > 0)
			if edge {
				m.flush(&to, a.n, panel, t, out)
			}
		}
	}
}

// growScales makes room for a panel's scales, one per 32 columns or, of Q6_K, per 16,
// and its minima, one per 32.
func (s *scratch) growScales(m *Matrix) {
	c, n := codes[m.dtype], m.Cols/32*panelRows
	if c.hasMin() {
		s.minima = growFloats(s.minima, n)
	}
	if c.scale == scale6K {
		n *= 2
	}
	s.scales = growFloats(s.scales, n)
}

// tilesInts multiplies int8 activations with the codes. Minima come first: their
// product with the sums of the activations' blocks is one in float32 with a
// column per block.
func (m *Matrix) tilesInts(ops *matTable, to area, a *Acts, panel int, w []byte, s *scratch) {
	c, nb := codes[m.dtype], m.Cols/32
	s.growScales(m)
	scales, minima := s.scales, s.minima
	ops.widenScales(scales, minima, w[:m.codeAt], c.scale)
	w = w[m.codeAt:]
	last := min(to.tile+blockTiles, a.tiles())
	step := nb
	if c.bits != 8 || ops.widenPairs != nil {
		step = intBlocks
	}
	for b := 0; b < nb; b += step {
		n := min(step, nb-b)
		wide := w[b*c.blockBytes():]
		if c.bits != 8 {
			s.wide = grow(s.wide, n*32*panelRows)
			ops.widenCodes(s.wide, wide, c.bits, c.zero, n)
			wide = s.wide
		}
		if ops.widenPairs != nil {
			s.pairs = grow(s.pairs, n*64*panelRows)
			ops.widenPairs(s.pairs, wide[:n*32*panelRows])
			wide = s.pairs
		}
		for t := to.tile; t < last; {
			out, ldy, edge := m.out(&to, a.n, panel, t, s)
			tiles := 1
			if !edge {
				tiles = min(last, a.n/tileTokens) - t
			} else if b > 0 {
				m.fetch(&to, a.n, panel, t, out)
			}
			i, at := a.ints(t, tiles), b*tileTokens
			if c.hasMin() && b == 0 {
				for j := range tiles {
					ops.gemmF32(out[j*tileTokens*ldy:], ldy, minima, i.xs[j*nb*tileTokens:], nb, false)
				}
			}
			x, acc := i.q[b*a.size/nb:], c.hasMin() || b > 0
			if c.scale == scale6K {
				ops.gemmI8h(out, ldy, wide, scales[2*b*panelRows:], x, i.halfSums[2*at:], i.d[at:], n, nb, tiles, acc)
			} else {
				ops.gemmI8(out, ldy, wide, scales[b*panelRows:], x, i.sums[at:], i.d[at:], n, nb, tiles, acc)
			}
			if edge {
				m.flush(&to, a.n, panel, t, out)
			}
			t += tiles
		}
	}
}

// widen returns the columns k .. k+n-1 of a panel as float32, [n][32], in the
// scratch if they are not stored so. k is a multiple of floatCols, n at most that.
func (m *Matrix) widen(ops *matTable, panel []byte, k, n int, s *scratch) []float32 {
	if m.dtype == F32 {
		return floats(panel)[k*panelRows:][:n*panelRows]
	}
	s.wide = grow(s.wide, floatCols*panelRows*4)
	dst := floats(s.wide)
	switch m.dtype {
	case F16:
		ops.widenF16(dst, halfs(panel)[k*panelRows:][:n*panelRows])
	case BF16:
		n = (n + 1) &^ 1
		ops.widenBF16(dst, halfs(panel)[k*panelRows:][:n*panelRows])
	default:
		m.widenCodes(dst[:n*panelRows], panel, k)
	}
	return dst
}

// widenCodes dequantises len(dst)/32 columns of a panel from column k on.
func (m *Matrix) widenCodes(dst []float32, panel []byte, k int) {
	c := codes[m.dtype]
	var scales, minima [2][panelRows]float32
	for b := k / 32; len(dst) > 0; b++ {
		for h := range 2 {
			for r := range panelRows {
				scales[h][r], minima[h][r] = scaleAt(panel, c.scale, r, 2*b+h)
			}
		}
		block := panel[m.codeAt+b*c.blockBytes():][:c.blockBytes()]
		for r := range panelRows {
			for i, w := range unpackCodes(block, r, c.bits) {
				s, mn := scales[i/4][r], minima[i/4][r]
				out := dst[4*i*panelRows+r:]
				for j := range 4 {
					out[j*panelRows] = float32(float32(int(w>>(8*j)&255)-c.zero)*s) + mn
				}
			}
		}
		dst = dst[32*panelRows:]
	}
}
