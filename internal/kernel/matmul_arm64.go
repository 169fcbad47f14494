package kernel

var matAVX2, matAVX512 *matTable // of another architecture

var matNEON = &matTable{
	gemmF32:   gemmF32NEON,
	gemvF32:   gemvF32NEON,
	gemvF16:   gemvF16NEON,
	gemvBF16:  gemvBF16NEON,
	widenF16:  widenF16NEON,
	widenBF16: widenBF16NEON,
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
