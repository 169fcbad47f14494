package kernel

// A tier whose machine multiplies matrices (amx) takes 12 tokens at a time, and
// int8 activations as they come, token after token:
//
//	x [tokens][cols]     one tile: 12 tokens x 32 columns, 12 x 32 sums in integers
//
// The weights are signed for it: codes without an offset. Scales and the order of
// the float32 sums are those of the other tiers, and so are the results' bits.
const rowTokens = 12

// rowsTable holds the loops of such a tier: 32 results for each of 12*dozens tokens.
type rowsTable struct {
	// w [nb][8][32][4] signed bytes, x [12*dozens][ldx], scales [nb][32] and of
	// gemmI8h [2*nb][32], d [12*dozens][nb]. minima [nb][32] times xs [12*dozens][nb]
	// come first unless there are none. sums [12][32] is working memory.
	gemmI8, gemmI8h rowsGEMM
	sign            func(dst, src []byte) // codes + 128 to signed codes
}

type rowsGEMM = func(y []float32, ldy int, w []byte, scales []float32, x []int8, ldx int, d, minima, xs []float32, sums []int32, nb, dozens int)

// rowsInts is tilesInts for such a tier.
func (m *Matrix) rowsInts(ops *matTable, to area, a *Acts, panel int, w []byte, s *scratch) {
	c, nb := codes[m.dtype], m.Cols/32
	s.growScales(m)
	scales, minima := s.scales, s.minima
	ops.widenScales(scales, minima, w[:m.codeAt], c.scale)
	if !c.hasMin() {
		minima = nil
	}
	w, s.wide = w[m.codeAt:], grow(s.wide, m.Cols*panelRows)
	if c.bits == 8 {
		ops.rows.sign(s.wide, w)
	} else {
		ops.widenCodes(s.wide, w, c.bits, c.zero+128, nb)
	}
	gemm := ops.rows.gemmI8
	if c.scale == scale6K {
		gemm = ops.rows.gemmI8h
	}
	s.sums, s.rows = growInts(s.sums, rowTokens*panelRows), growFloats(s.rows, rowTokens*panelRows)
	rows := min(panelRows, m.Rows-panel*panelRows)
	first := to.tile * tileTokens
	last := min(first+blockTiles*tileTokens, a.n)
	for t := first; t < last; {
		dozens := (last - t) / rowTokens
		edge := dozens == 0 || rows < panelRows
		at, out, ldy := to.y[(t-first)*to.ld:], s.rows, panelRows
		if edge {
			dozens = 1
		} else {
			out, ldy = at, to.ld
		}
		i := a.ints(t, rowTokens*dozens)
		gemm(out, ldy, s.wide, scales, i.q, a.stride, i.d, minima, i.xs, s.sums, nb, dozens)
		if edge {
			for k := range min(rowTokens, last-t) {
				copy(at[k*to.ld:][:rows], out[k*panelRows:])
			}
		}
		t += rowTokens * dozens
	}
}
