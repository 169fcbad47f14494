//go:build amd64 || arm64

package kernel

// vecLoops are the loops in assembly, of which an architecture has one set.
var vecLoops = &vecTable{addVec, dotVec, scaleVec, timesVec, swigluVec, ropeVec, toBF16Vec, fromBF16Vec, putKeysGo, putValuesGo}

//go:noescape
func addLoop(dst, x *float32, n int)

//go:noescape
func dotLoop(x, y *float32, n int) float32

//go:noescape
func scaleLoop(dst, x, w *float32, s float32, n int)

//go:noescape
func timesLoop(dst, x *float32, s float32, n int)

//go:noescape
func swigluLoop(dst, gate, up *float32, n int)

//go:noescape
func ropeLoop(x0, x1, cos, sin *float32, n int)

//go:noescape
func toBF16Loop(dst *uint16, src *float32, n int)

//go:noescape
func fromBF16Loop(dst *float32, src *uint16, n int)

// The loops do whole registers of 8. tail returns the rest in one of its own,
// filled up with zeros, so that an element's result does not depend on where it
// stands.
func tail[T float32 | uint16](x []T) (b [8]T) {
	copy(b[:], x[len(x)&^7:])
	return b
}

func addVec(dst, x []float32) {
	n := len(x) &^ 7
	if n > 0 {
		addLoop(&dst[0], &x[0], n)
	}
	if n < len(x) {
		d, s := tail(dst), tail(x)
		addLoop(&d[0], &s[0], 8)
		copy(dst[n:], d[:])
	}
}

func dotVec(x, y []float32) float32 {
	var sum float32
	n := len(x) &^ 7
	if n > 0 {
		sum = dotLoop(&x[0], &y[0], n)
	}
	for i, v := range x[n:] {
		sum += v * y[n+i]
	}
	return sum
}

func scaleVec(dst, x, w []float32, s float32) {
	n := len(x) &^ 7
	if n > 0 {
		scaleLoop(&dst[0], &x[0], &w[0], s, n)
	}
	if n < len(x) {
		a, b := tail(x), tail(w)
		scaleLoop(&a[0], &a[0], &b[0], s, 8)
		copy(dst[n:], a[:])
	}
}

func timesVec(dst, x []float32, s float32) {
	n := len(x) &^ 7
	if n > 0 {
		timesLoop(&dst[0], &x[0], s, n)
	}
	if n < len(x) {
		a := tail(x)
		timesLoop(&a[0], &a[0], s, 8)
		copy(dst[n:], a[:])
	}
}

func swigluVec(dst, gate, up []float32) {
	n := len(gate) &^ 7
	if n > 0 {
		swigluLoop(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(gate) {
		a, b := tail(gate), tail(up)
		swigluLoop(&a[0], &a[0], &b[0], 8)
		copy(dst[n:], a[:])
	}
}

func ropeVec(x0, x1, cos, sin []float32) {
	n := len(cos) &^ 7
	if n > 0 {
		ropeLoop(&x0[0], &x1[0], &cos[0], &sin[0], n)
	}
	if n < len(cos) {
		a, b, c, s := tail(x0), tail(x1), tail(cos), tail(sin)
		ropeLoop(&a[0], &b[0], &c[0], &s[0], 8)
		copy(x0[n:], a[:])
		copy(x1[n:], b[:])
	}
}

func toBF16Vec(dst []uint16, src []float32) {
	n := len(src) &^ 7
	if n > 0 {
		toBF16Loop(&dst[0], &src[0], n)
	}
	if n < len(src) {
		a := tail(src)
		var b [8]uint16
		toBF16Loop(&b[0], &a[0], 8)
		copy(dst[n:], b[:])
	}
}

func fromBF16Vec(dst []float32, src []uint16) {
	n := len(src) &^ 7
	if n > 0 {
		fromBF16Loop(&dst[0], &src[0], n)
	}
	if n < len(src) {
		a := tail(src)
		var b [8]float32
		fromBF16Loop(&b[0], &a[0], 8)
		copy(dst[n:], b[:])
	}
}
