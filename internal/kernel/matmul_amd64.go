package kernel

var matNEON *matTable // of another architecture

var matAVX2 = &matTable{
	gemmF32:     gemmF32AVX2,
	gemvF32:     gemvF32AVX2,
	gemvF16:     gemvF16AVX2,
	gemvBF16:    gemvBF16AVX2,
	widenF16:    widenF16AVX2,
	widenBF16:   widenBF16AVX2,
	gemmI8:      gemmI8AVX2,
	gemmI8h:     gemmI8hAVX2,
	gemvI8:      gemvI8AVX2,
	gemvI4:      gemvI4AVX2,
	gemvI5:      gemvI5AVX2,
	gemvI6h:     gemvI6hAVX2,
	widenCodes:  widenCodesAVX2,
	widenScales: widenScalesAVX2,
	widenPairs:  widenPairsAVX2,
	quantTile:   quantTileAVX2,
}

var matAVX512 = &matTable{
	gemmF32:     gemmF32AVX512,
	gemvF32:     gemvF32AVX512,
	gemvF16:     gemvF16AVX512,
	gemvBF16:    gemvBF16AVX512,
	widenF16:    widenF16AVX512,
	widenBF16:   widenBF16AVX512,
	gemmI8:      gemmI8AVX512,
	gemmI8h:     gemmI8hAVX512,
	gemvI8:      gemvI8AVX512,
	gemvI4:      gemvI4AVX512,
	gemvI5:      gemvI5AVX512,
	gemvI6h:     gemvI6hAVX512,
	widenCodes:  widenCodesAVX512,
	widenScales: widenScalesAVX512,
	quantTile:   quantTileAVX512,
	quantBlock:  quantBlockAVX512,
}

//go:noescape
func gemmF32AVX512(y []float32, ldy int, w, x []float32, k int, acc bool)

//go:noescape
func gemvF32AVX512(y, w, x []float32, k int, acc bool)

//go:noescape
func gemvF16AVX512(y []float32, w []uint16, x []float32, k int)

//go:noescape
func gemvBF16AVX512(y []float32, w []uint16, x []float32, k int)

//go:noescape
func widenF16AVX512(dst []float32, src []uint16)

//go:noescape
func widenBF16AVX512(dst []float32, src []uint16)

//go:noescape
func gemmI8AVX512(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func gemmI8hAVX512(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func gemvI8AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI5AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI6hAVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI4AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func widenCodes4AVX512(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes5AVX512(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes6AVX512(dst, src []byte, zero, nb int)

//go:noescape
func widenScaleMin16AVX512(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScaleKAVX512(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScale6KAVX512(scales []float32, src []byte, n int)

//go:noescape
func gemmF32AVX2(y []float32, ldy int, w, x []float32, k int, acc bool)

//go:noescape
func gemvF32AVX2(y, w, x []float32, k int, acc bool)

//go:noescape
func gemvF16AVX2(y []float32, w []uint16, x []float32, k int)

//go:noescape
func gemvBF16AVX2(y []float32, w []uint16, x []float32, k int)

//go:noescape
func widenF16AVX2(dst []float32, src []uint16)

//go:noescape
func widenBF16AVX2(dst []float32, src []uint16)

//go:noescape
func gemmI8AVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func gemmI8hAVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)

//go:noescape
func widenPairsAVX2(dst, src []byte)

//go:noescape
func gemvI8AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI5AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI6hAVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func gemvI4AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)

//go:noescape
func widenCodes4AVX2(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes5AVX2(dst, src []byte, zero, nb int)

//go:noescape
func widenCodes6AVX2(dst, src []byte, zero, nb int)

//go:noescape
func widenScaleMin16AVX2(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScaleKAVX2(scales, minima []float32, src []byte, n int)

//go:noescape
func widenScale6KAVX2(scales []float32, src []byte, n int)

//go:noescape
func quantRowAVX2(q *int8, sums, halfSums *int32, d, xs, x *float32, nb, lanes int)

func widenCodesAVX512(dst, src []byte, bits, zero, nb int) {
	switch bits {
	case 4:
		widenCodes4AVX512(dst, src, zero, nb)
	case 5:
		widenCodes5AVX512(dst, src, zero, nb)
	case 6:
		widenCodes6AVX512(dst, src, zero, nb)
	}
}

func widenCodesAVX2(dst, src []byte, bits, zero, nb int) {
	switch bits {
	case 4:
		widenCodes4AVX2(dst, src, zero, nb)
	case 5:
		widenCodes5AVX2(dst, src, zero, nb)
	case 6:
		widenCodes6AVX2(dst, src, zero, nb)
	}
}

func widenScalesAVX512(scales, minima []float32, src []byte, kind scaleKind) {
	n := len(scales) / panelRows
	switch kind {
	case scale16:
		widenF16AVX512(scales, halfs(src)[:len(scales)])
	case scaleMin16:
		widenScaleMin16AVX512(scales, minima, src, n)
	case scaleK:
		widenScaleKAVX512(scales, minima, src, n/8)
	case scale6K:
		widenScale6KAVX512(scales, src, n/16)
	}
}

func widenScalesAVX2(scales, minima []float32, src []byte, kind scaleKind) {
	n := len(scales) / panelRows
	switch kind {
	case scale16:
		widenF16AVX2(scales, halfs(src)[:len(scales)])
	case scaleMin16:
		widenScaleMin16AVX2(scales, minima, src, n)
	case scaleK:
		widenScaleKAVX2(scales, minima, src, n/8)
	case scale6K:
		widenScale6KAVX2(scales, src, n/16)
	}
}

//go:noescape
func quantBlocks6AVX512(q *int8, sums, halfSums *int32, d, xs, x *float32, n, row, xStep, qStep, step int)

// quantTileAVX512 is quantTileGo; partly empty tiles and single tokens take the
// loop of AVX2.
func quantTileAVX512(out intTile, x []float32, cols, lanes, rows int) {
	if rows < tileTokens {
		quantTileAVX2(out, x, cols, lanes, rows)
		return
	}
	_ = x[:rows*cols]
	quantBlocks6AVX512(&out.q[0], &out.sums[0], &out.halfSums[0], &out.d[0], &out.xs[0], &x[0], cols/32, cols, 4*32, 6*32, 4*6)
}

// quantBlockAVX512 quantises a block of 32 columns, x [n][32], of several tiles: block b
// of nb. The last tile, if it is partly empty, takes the loop of AVX2.
func quantBlockAVX512(out intTile, x []float32, n, b, nb int) {
	tiles := n / tileTokens
	_ = x[:n*32]
	if tiles > 0 {
		_ = out.block(tiles-1, b, nb)
		i := out.block(0, b, nb)
		quantBlocks6AVX512(&i.q[0], &i.sums[0], &i.halfSums[0], &i.d[0], &i.xs[0], &x[0], tiles,
			32, 4*32*tileTokens, nb*32*tileTokens, 4*nb*tileTokens)
	}
	if rest := n % tileTokens; rest > 0 {
		quantTileAVX2(out.block(tiles, b, nb), x[(n-rest)*32:], 32, tileTokens, rest)
	}
}

//go:noescape
func quantWidenAVX2(dst, src *int8, nb int)

// quantTileAVX2 is quantTileGo; into a tile of twice the size it writes the
// activations as 16-bit numbers.
func quantTileAVX2(out intTile, x []float32, cols, lanes, rows int) {
	if rows < lanes { // the tokens that are not there
		clear(out.q)
		clear(out.sums)
		clear(out.halfSums)
		clear(out.d)
		clear(out.xs)
	}
	_ = x[:rows*cols]
	q := out.q[len(out.q)-cols*lanes:]
	for t := range rows {
		quantRowAVX2(&q[4*t], &out.sums[t], &out.halfSums[t], &out.d[t], &out.xs[t], &x[t*cols], cols/32, lanes)
	}
	if len(out.q) > len(q) {
		quantWidenAVX2(&out.q[0], &q[0], cols/32)
	}
}
