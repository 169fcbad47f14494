package kernel

// vecAVX2 is vecLoops with those for pages.
var vecAVX2 = func() *vecTable {
	t := *vecLoops
	t.keys, t.values = putKeysAVX2, putValuesAVX2
	return &t
}()

// vecAVX512 is vecAVX2 with the one loop that computes more than it reads.
var vecAVX512 = func() *vecTable {
	t := *vecAVX2
	t.swiglu = swigluAVX512
	return &t
}()

//go:noescape
func swigluAVX512(dst, gate, up []float32)

//go:noescape
func putKeys16AVX2(at, rows *uint16, d int)

//go:noescape
func putValues2AVX2(at, x, y *uint16, d int)

// putKeysAVX2 is putKeysGo.
func putKeysAVX2(at, rows []uint16, d int) {
	if len(rows) < 16*d {
		putKeysGo(at, rows, d)
		return
	}
	_ = at[:16*d]
	putKeys16AVX2(&at[0], &rows[0], d)
}

// putValuesAVX2 is putValuesGo.
func putValuesAVX2(at, x, y []uint16) {
	_, _ = at[(len(x)/16-1)*512+31], y[:len(x)]
	putValues2AVX2(&at[0], &x[0], &y[0], len(x))
}
