package kernel

var matAVX2, matAVX512, matAMX *matTable // of another architecture

var matNEON = withDot(&matTable{
	gemmF32:   gemmF32NEON,
	gemvF32:   gemvF32NEON,
	gemvF16:   gemvF16NEON,
	gemvBF16:  gemvBF16NEON,
	widenF16:  widenF16NEON,
	widenBF16: widenBF16NEON,
})

// withDot adds the loops with dot products of bytes where the CPU has them;
// others multiply quantised weights in float32.
func withDot(t *matTable) *matTable {
	if cpu.dot {
		t.gemmI8, t.gemmI8h = gemmI8NEON, gemmI8hNEON
		t.gemvI8, t.gemvI4, t.gemvI5, t.gemvI6h = gemvI8NEON, gemvI4NEON, gemvI5NEON, gemvI6hNEON
		t.widenCodes, t.widenScales = widenCodesNEON, widenScalesNEON
		t.quantTile = quantTileNEON
	}
	return t
}

//go:noescape
func gemmF32NEON(y []float32, ldy int, w, x []float32, k int, acc bool)

//go:noescape
func gemvF32NEON(y, w, x []float32, k int, acc bool)

//go:noescape
func gemvF16NEON(y []float32, w []uint16, x []float32, k int)

//go:noescape
func gemvBF16NEON(y []float32, w []uint16, x []float32, k int)

//go:noescape
func widenF16NEON(dst []float32, src []uint16)

//go:noescape
func widenBF16NEON(dst []float32, src []uint16)

//go:noescape
func gemmI8NEON(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func gemmI8hNEON(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func gemvI8NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI4NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI5NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI6hNEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func widenCodes4NEON(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes5NEON(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes6NEON(dst, src []byte, zero, nb int)

//go:noescape
func widenScaleMin16NEON(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScaleKNEON(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScale6KNEON(scales []float32, src []byte, n int)

//go:noescape
func quantRowNEON(q *int8, sums, halfSums *int32, d, xs, x *float32, nb, lanes int)

func widenCodesNEON(dst, src []byte, bits, zero, nb int) {
	switch bits {
	case 4:
		widenCodes4NEON(dst, src, zero, nb)
	case 5:
		widenCodes5NEON(dst, src, zero, nb)
	case 6:
		widenCodes6NEON(dst, src, zero, nb)
	}
}

func widenScalesNEON(scales, minima []float32, src []byte, kind scaleKind) {
	n := len(scales) / panelRows
	switch kind {
	case scale16:
		widenF16NEON(scales, halfs(src)[:len(scales)])
	case scaleMin16:
		widenScaleMin16NEON(scales, minima, src, n)
	case scaleK:
		widenScaleKNEON(scales, minima, src, n/8)
	case scale6K:
		widenScale6KNEON(scales, src, n/16)
	}
}

// quantTileNEON is quantTileGo.
func quantTileNEON(out intTile, x []float32, cols, lanes, rows int) {
	if rows < lanes { // the tokens that are not there
		clear(out.q)
		clear(out.sums)
		clear(out.halfSums)
		clear(out.d)
		clear(out.xs)
	}
	_ = x[:rows*cols]
	for t := range rows {
		quantRowNEON(&out.q[4*t], &out.sums[t], &out.halfSums[t], &out.d[t], &out.xs[t], &x[t*cols], cols/32, lanes)
	}
}
