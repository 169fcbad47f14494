package kernel

// mulVector computes panels from .. to-1 of some matrices, counted through all of them,
// for one token: what generating a text consists of. Reading the weights is what limits
// it, so what panels have in common is done once for as many as one thread takes.
func mulVector(a *Acts, ys [][]float32, ms []*Matrix, from, to int) {
	ops, s := matOps[active], scratches.Get().(*scratch)
	defer scratches.Put(s)
	for i, m := range ms {
		n := m.panels()
		if first, end := max(from, 0), min(to, n); first < end {
			m.vector(ops, ys[i][first*panelRows:min(end*panelRows, m.Rows)], a, m.data[first*m.panel:end*m.panel], s)
		}
		from, to = from-n, to-n
	}
}

// vector computes the rows y of some panels.
func (m *Matrix) vector(ops *matTable, y []float32, a *Acts, panels []byte, s *scratch) {
	if useInts(ops, a, m) {
		m.vectorInts(ops, y, a, panels, s)
		return
	}
	for ; len(panels) > 0; panels = panels[m.panel:] {
		out := s.place(y)
		m.vectorFloats(ops, out, a, panels[:m.panel], s)
		y = y[copy(y, out[:min(panelRows, len(y))]):]
	}
}

// place returns where the results of a panel go: y itself, or the scratch where y ends before.
func (s *scratch) place(y []float32) []float32 {
	if len(y) < panelRows {
		return s.y[:panelRows]
	}
	return y[:panelRows]
}

// vectorFloats is tilesFloats for one token.
func (m *Matrix) vectorFloats(ops *matTable, out []float32, a *Acts, w []byte, s *scratch) {
	switch {
	case m.dtype == F32:
		ops.gemvF32(out, floats(w), a.x, m.Cols, false)
	case m.dtype == F16 && ops.gemvF16 != nil:
		ops.gemvF16(out, halfs(w), a.x, m.Cols)
	case m.dtype == BF16 && ops.gemvBF16 != nil:
		ops.gemvBF16(out, halfs(w), a.x, m.Cols)
	default:
		for k := 0; k < m.Cols; k += floatCols {
			kn := min(floatCols, m.Cols-k)
			ops.gemvF32(out, m.widen(ops, w, k, kn, s), a.x[k:], kn, k > 0)
		}
	}
}

// vectorInts is tilesInts for one token; it reads the codes as they are packed.
func (m *Matrix) vectorInts(ops *matTable, y []float32, a *Acts, panels []byte, s *scratch) {
	c, nb, i := codes[m.dtype], m.Cols/32, a.ints(0, 1)
	gemv, sums, hasMin := ops.gemvI8, i.sums, c.hasMin()
	switch c.bits {
	case 4:
		gemv = ops.gemvI4
	case 5:
		gemv = ops.gemvI5
	case 6:
		gemv, sums = ops.gemvI6h, i.halfSums
	}
	s.growScales(m)
	scales, minima := s.scales, s.minima
	for ; len(panels) > 0; panels = panels[m.panel:] {
		out := s.place(y)
		ops.widenScales(scales, minima, panels[:m.codeAt], c.scale)
		if hasMin {
			ops.gemvF32(out, minima, i.xs, nb, false)
		}
		gemv(out, panels[m.codeAt:m.panel], scales, i.q, sums, i.d, nb, c.zero, hasMin)
		y = y[copy(y, out[:min(panelRows, len(y))]):]
	}
}
