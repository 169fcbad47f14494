package kernel

// matAMX differs from avx512 in the products of several tokens with integers.
var matAMX = func() *matTable {
	t := *matAVX512
	t.quantBlock = nil // its tiles are others
	t.rows = &rowsTable{gemmI8: gemmI8AMX, gemmI8h: gemmI8hAMX, sign: signAMX}
	return &t
}()

//go:noescape
func gemmI8AMX(y []float32, ldy int, w []byte, scales []float32, x []int8, ldx int, d, minima, xs []float32, sums []int32, nb, dozens int)

//go:noescape
func gemmI8hAMX(y []float32, ldy int, w []byte, scales []float32, x []int8, ldx int, d, minima, xs []float32, sums []int32, nb, dozens int)

//go:noescape
func signAMX(dst, src []byte)
