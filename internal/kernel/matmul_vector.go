package kernel

// fewTokens is up to how many tokens are multiplied one by one, panel by panel, as one
// alone is: memory is read once, and a panel in the cache is multiplied faster so than
// widened for tiles that would be mostly empty.
const fewTokens = 4

// few says whether the tokens of a are that few.
func (a *Acts) few() bool { return a.n <= fewTokens }

// mulVectors computes panels from .. to-1 of some matrices, counted through all of them,
// for few tokens: what generating a text consists of. Reading the weights is what limits
// it, so what panels have in common is done once for as many as one thread takes.
func mulVectors(a *Acts, ys [][]float32, ms []*Matrix, from, to int) {
	ops, s := matOps[active], scratches.Get().(*scratch)
	defer scratches.Put(s)
	for i, m := range ms {
		n := m.panels()
		if first, end := max(from, 0), min(to, n); first < end {
			if useInts(ops, a, m) {
				m.vectorsInts(ops, ys[i], a, first, end, s)
			} else {
				m.vectorsFloats(ops, ys[i], a, first, end, s)
			}
		}
		from, to = from-n, to-n
	}
}

// vectorsInts is tilesInts for few tokens; it reads the codes as they are packed.
func (m *Matrix) vectorsInts(ops *matTable, y []float32, a *Acts, first, end int, s *scratch) {
	c, nb := codes[m.dtype], m.Cols/32
	gemv, hasMin := ops.gemvI8, c.hasMin()
	switch c.bits {
	case 4:
		gemv = ops.gemvI4
	case 5:
		gemv = ops.gemvI5
	case 6:
		gemv = ops.gemvI6h
	}
	s.growScales(m)
	var tokens [fewTokens]intTile
	for t := range a.n {
		tokens[t] = a.ints(t, 1)
	}
	for p := first; p < end; p++ {
		w := m.data[p*m.panel:][:m.panel]
		ops.widenScales(s.scales, s.minima, w[:m.codeAt], c.scale)
		for t := range a.n {
			out, i := s.y[t*panelRows:], &tokens[t]
			sums := i.sums
			if c.scale == scale6K {
				sums = i.halfSums
			}
			if hasMin {
				ops.gemvF32(out, s.minima, i.xs, nb, false)
			}
			gemv(out, w[m.codeAt:], s.scales, i.q, sums, i.d, nb, c.zero, hasMin)
		}
		m.flush(&area{y: y[p*panelRows:], ld: m.Rows}, a.n, p, 0, s.y)
	}
}

// vectorsFloats is tilesFloats for few tokens.
func (m *Matrix) vectorsFloats(ops *matTable, y []float32, a *Acts, first, end int, s *scratch) {
	halves := ops.gemvF16
	if m.dtype == BF16 {
		halves = ops.gemvBF16
	}
	direct := (m.dtype == F16 || m.dtype == BF16) && halves != nil
	for p := first; p < end; p++ {
		w := m.data[p*m.panel:][:m.panel]
		for k := 0; k < m.Cols && !direct; k += floatCols {
			kn := min(floatCols, m.Cols-k)
			f := m.widen(ops, w, k, kn, s)
			for t := range a.n {
				ops.gemvF32(s.y[t*panelRows:], f, a.x[t*m.Cols+k:], kn, k > 0)
			}
		}
		for t := 0; t < a.n && direct; t++ {
			halves(s.y[t*panelRows:], halfs(w), a.x[t*m.Cols:], m.Cols)
		}
		m.flush(&area{y: y[p*panelRows:], ld: m.Rows}, a.n, p, 0, s.y)
	}
}
