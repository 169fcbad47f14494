package kernel

import (
	"sync"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/par"
)

// How a product is cut. An item of work is one pair of panels (32 rows) times a
// block of tokens, or several pairs when there is one token. Inside an item the
// weights are widened once (codes to bytes, halves to floats) and stay in the
// second cache level while the tokens pass by, tileTokens at a time:
//
//	           32 rows        one tile: 6 tokens
//	          +-------+       +---+
//	columns   |       |   x   |   |  columns    ->   y [6][32]
//	          |       |       |   |
//	          +-------+       +---+
//
// The sums of a tile stay in registers over all columns (12 registers of 16
// rows); every sum runs over the columns in order, so neither the tiles nor the
// blocks nor n can change a result.
const (
	tileTokens  = 6
	blockTiles  = 44      // tiles per item: x stays within the caches, and widening is little of the work
	floatCols   = 512     // columns widened to float32 at a time: 64 KiB
	gemvBytes   = 1 << 16 // weights per item when there is one token
	tileScratch = tileTokens * pairRows
)

// matTable holds a tier's loops. Panels w0 and w1 are the 16 + 16 rows of a
// pair; y is [tokens][ldy] with 32 results per token. With acc the results are
// added to y, else they replace it. A tier without gemmI8 multiplies everything
// in float32.
type matTable struct {
	gemmF32   func(y []float32, ldy int, w0, w1, x []float32, k int, acc bool) // x [k][6]
	gemvF32   func(y, w0, w1, x []float32, k int, acc bool)                    // x [k]
	gemvF16   func(y []float32, w0, w1 []uint16, x []float32, k int)           // nil: widen first
	gemvBF16  func(y []float32, w0, w1 []uint16, x []float32, k int)           // nil: widen first
	widenF16  func(dst []float32, src []uint16)                                // any order, len(src)
	widenBF16 func(dst []float32, src []uint16)                                // [k/2][16][2] to [k][16]

	// Integers: w [nb][8][16][4] bytes, code-zero+128; s [nb][16] the scales, or
	// [2*nb][16] in the versions for 16 columns ("h"), whose sums are of 16 too.
	gemmI8, gemmI8h func(y []float32, ldy int, w0, w1 []byte, s0, s1 []float32, x []int8, sums []int32, d []float32, nb int, acc bool)
	gemvI8, gemvI8h func(y []float32, w0, w1 []byte, s0, s1 []float32, x []int8, sums []int32, d []float32, nb int, acc bool)
	// gemvI4 reads packed 4-bit codes; zero is the format's.
	gemvI4     func(y []float32, w0, w1 []byte, s0, s1 []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
	widenCodes func(dst, src []byte, bits, zero, nb int) // packed codes to w
	// widenScales fills scales [nb or 2*nb][16], and minima [nb][16] if there are any.
	widenScales func(scales, minima []float32, src []byte, kind scaleKind)
	quantTile   func(out *intTile, x []float32, cols, lanes, rows int)
}

var matOps = [numTiers]*matTable{tierGeneric: &matGeneric, tierAVX2: matAVX2, tierAVX512: matAVX512}

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
	var total int
	cuts := make([]cut, len(ms))
	for i, m := range ms {
		if m.Cols != a.cols || len(ys[i]) < a.n*m.Rows {
			panic("kernel.MatMul: shapes do not agree")
		}
		a.prepare(p, m)
		cuts[i] = cutMatrix(m, a.n)
		cuts[i].first = total
		total += cuts[i].pairItems * cuts[i].tokenItems
	}
	ops := matOps[active]
	p.Run(total, func(item int) {
		i := len(cuts) - 1
		for item < cuts[i].first {
			i--
		}
		c := cuts[i]
		item -= c.first
		s := scratches.Get().(*scratch)
		pair := item / c.tokenItems * c.pairs
		for end := min(pair+c.pairs, (ms[i].Rows+pairRows-1)/pairRows); pair < end; pair++ {
			ms[i].pair(ops, ys[i], a, pair, item%c.tokenItems*blockTiles, s)
		}
		scratches.Put(s)
	})
}

// cut says how the product with one matrix falls into items.
type cut struct {
	first                 int // its first item
	pairs                 int // pairs of panels per item
	pairItems, tokenItems int
}

func cutMatrix(m *Matrix, n int) cut {
	c := cut{pairs: 1, tokenItems: 1}
	if n == 1 {
		c.pairs = max(1, gemvBytes/(2*m.panel))
	} else {
		tiles := (n + tileTokens - 1) / tileTokens
		c.tokenItems = (tiles + blockTiles - 1) / blockTiles
	}
	pairs := (m.Rows + pairRows - 1) / pairRows
	c.pairItems = (pairs + c.pairs - 1) / c.pairs
	return c
}

// scratch is what one item needs besides its operands.
type scratch struct {
	wide           []byte    // [2 panels][cols][16] bytes, or [2][floatCols][16] float32
	scales, minima []float32 // [2 panels][cols/16 or cols/32][16]
	y              []float32 // [6][32], where y itself has less room
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

// pair computes the rows of one pair of panels for one block of tiles.
func (m *Matrix) pair(ops *matTable, y []float32, a *Acts, pair, tile int, s *scratch) {
	w0 := m.data[2*pair*m.panel:][:m.panel]
	w1 := m.data[(2*pair+1)*m.panel:][:m.panel]
	switch {
	case useInts(ops, a, m):
		m.pairInts(ops, y, a, pair, tile, w0, w1, s)
	case a.n == 1:
		m.pairVector(ops, y, a, pair, w0, w1, s)
	default:
		m.pairFloats(ops, y, a, pair, tile, w0, w1, s)
	}
}

// useInts says whether a product is done in integers.
func useInts(ops *matTable, a *Acts, m *Matrix) bool {
	return ops.gemmI8 != nil && m.dtype.quantised() && !a.Exact
}

// out returns where the results of a tile go, 32 per token from out on with
// stride ldy: y itself, or the scratch when the tile hangs over y's edge.
func (m *Matrix) out(y []float32, n, pair, tile int, s *scratch) (out []float32, ldy int, edge bool) {
	if (pair+1)*pairRows <= m.Rows && (tile+1)*tileTokens <= n {
		return y[tile*tileTokens*m.Rows+pair*pairRows:], m.Rows, false
	}
	return s.y, pairRows, true
}

// flush copies the results of a tile from the scratch to y.
func (m *Matrix) flush(y []float32, n, pair, tile int, out []float32) {
	rows := min(pairRows, m.Rows-pair*pairRows)
	for t := range min(tileTokens, n-tile*tileTokens) {
		copy(y[(tile*tileTokens+t)*m.Rows+pair*pairRows:][:rows], out[t*pairRows:])
	}
}

// pairFloats multiplies in float32, floatCols columns of widened weights at a
// time: y collects the sums in between.
func (m *Matrix) pairFloats(ops *matTable, y []float32, a *Acts, pair, tile int, w0, w1 []byte, s *scratch) {
	s.wide = grow(s.wide, 2*floatCols*panelRows*4)
	wide := floats(s.wide)
	last := min(tile+blockTiles, a.tiles())
	for k := 0; k < m.Cols; k += floatCols {
		kn := min(floatCols, m.Cols-k)
		f0 := m.widen(ops, wide[:floatCols*panelRows], w0, k, kn)
		f1 := m.widen(ops, wide[floatCols*panelRows:], w1, k, kn)
		for t := tile; t < last; t++ {
			out, ldy, edge := m.out(y, a.n, pair, t, s)
			if edge && k > 0 {
				m.fetch(y, a.n, pair, t, out)
			}
			ops.gemmF32(out, ldy, f0, f1, a.tileFloats(t)[k*tileTokens:], kn, k > 0)
			if edge {
				m.flush(y, a.n, pair, t, out)
			}
		}
	}
}

// fetch is the inverse of flush.
func (m *Matrix) fetch(y []float32, n, pair, tile int, out []float32) {
	clear(out)
	rows := min(pairRows, m.Rows-pair*pairRows)
	for t := range min(tileTokens, n-tile*tileTokens) {
		copy(out[t*pairRows:][:rows], y[(tile*tileTokens+t)*m.Rows+pair*pairRows:])
	}
}

// pairVector is pairFloats for one token.
func (m *Matrix) pairVector(ops *matTable, y []float32, a *Acts, pair int, w0, w1 []byte, s *scratch) {
	out := s.y[:pairRows]
	switch {
	case m.dtype == F32:
		ops.gemvF32(out, floats(w0), floats(w1), a.x, m.Cols, false)
	case m.dtype == F16 && ops.gemvF16 != nil:
		ops.gemvF16(out, halfs(w0), halfs(w1), a.x, m.Cols)
	case m.dtype == BF16 && ops.gemvBF16 != nil:
		ops.gemvBF16(out, halfs(w0), halfs(w1), a.x, m.Cols)
	default:
		s.wide = grow(s.wide, 2*floatCols*panelRows*4)
		wide := floats(s.wide)
		for k := 0; k < m.Cols; k += floatCols {
			kn := min(floatCols, m.Cols-k)
			f0 := m.widen(ops, wide[:floatCols*panelRows], w0, k, kn)
			f1 := m.widen(ops, wide[floatCols*panelRows:], w1, k, kn)
			ops.gemvF32(out, f0, f1, a.x[k:], kn, k > 0)
		}
	}
	copy(y[pair*pairRows:m.Rows], out)
}

// pairInts multiplies int8 activations with the codes. Minima come first: their
// product with the sums of the activations' blocks is one in float32 with a
// column per block.
func (m *Matrix) pairInts(ops *matTable, y []float32, a *Acts, pair, tile int, w0, w1 []byte, s *scratch) {
	c := codes[m.dtype]
	nb := m.Cols / 32
	gemm, gemv, perBlock := ops.gemmI8, ops.gemvI8, 1
	if c.scale == scale6K {
		gemm, gemv, perBlock = ops.gemmI8h, ops.gemvI8h, 2
	}
	s.scales = growFloats(s.scales, 2*nb*perBlock*panelRows)
	s0, s1 := s.scales[:nb*perBlock*panelRows], s.scales[nb*perBlock*panelRows:]
	s.minima = growFloats(s.minima, 2*nb*panelRows)
	m0, m1 := s.minima[:nb*panelRows], s.minima[nb*panelRows:]
	ops.widenScales(s0, m0, w0[:m.codeAt], c.scale)
	ops.widenScales(s1, m1, w1[:m.codeAt], c.scale)
	q0, q1 := w0[m.codeAt:], w1[m.codeAt:]
	if c.bits == 4 && a.n == 1 && ops.gemvI4 != nil {
		i, out := a.ints(0), s.y[:pairRows]
		if c.hasMin() {
			ops.gemvF32(out, m0, m1, i.xs, nb, false)
		}
		ops.gemvI4(out, q0, q1, s0, s1, i.q, i.sums, i.d, nb, c.zero, c.hasMin())
		copy(y[pair*pairRows:m.Rows], out)
		return
	}
	if c.bits != 8 {
		size := m.Cols * panelRows
		s.wide = grow(s.wide, 2*size)
		ops.widenCodes(s.wide[:size], q0, c.bits, c.zero, nb)
		ops.widenCodes(s.wide[size:], q1, c.bits, c.zero, nb)
		q0, q1 = s.wide[:size], s.wide[size:]
	}
	if a.n == 1 {
		i, out := a.ints(0), s.y[:pairRows]
		if c.hasMin() {
			ops.gemvF32(out, m0, m1, i.xs, nb, false)
		}
		sums := i.sums
		if perBlock == 2 {
			sums = i.halfSums
		}
		gemv(out, q0, q1, s0, s1, i.q, sums, i.d, nb, c.hasMin())
		copy(y[pair*pairRows:m.Rows], out)
		return
	}
	for t := tile; t < min(tile+blockTiles, a.tiles()); t++ {
		i := a.ints(t)
		out, ldy, edge := m.out(y, a.n, pair, t, s)
		if c.hasMin() {
			ops.gemmF32(out, ldy, m0, m1, i.xs, nb, false)
		}
		sums := i.sums
		if perBlock == 2 {
			sums = i.halfSums
		}
		gemm(out, ldy, q0, q1, s0, s1, i.q, sums, i.d, nb, c.hasMin())
		if edge {
			m.flush(y, a.n, pair, t, out)
		}
	}
}

// widen returns the columns k .. k+n-1 of a panel as float32, [n][16], in dst if
// they are not stored so. k is a multiple of floatCols.
func (m *Matrix) widen(ops *matTable, dst []float32, panel []byte, k, n int) []float32 {
	switch m.dtype {
	case F32:
		return floats(panel)[k*panelRows:][:n*panelRows]
	case F16:
		dst = dst[:n*panelRows]
		ops.widenF16(dst, halfs(panel)[k*panelRows:][:n*panelRows])
	case BF16:
		even := (n + 1) &^ 1
		dst = dst[:even*panelRows]
		ops.widenBF16(dst, halfs(panel)[k*panelRows:][:even*panelRows])
	default:
		dst = dst[:n*panelRows]
		m.widenCodes(dst, panel, k)
	}
	return dst
}

// widenCodes dequantises len(dst)/16 columns of a panel from column k on.
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
