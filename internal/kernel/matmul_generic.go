package kernel

import "math"

// matGeneric multiplies everything in float32: the reference for the others.
var matGeneric = matTable{
	gemmF32:   gemmF32Go,
	gemvF32:   gemvF32Go,
	widenF16:  widenF16Go,
	widenBF16: widenBF16Go,
}

// gemmF32Go takes four rows and two tokens at a time, as many sums as registers
// hold everywhere.
func gemmF32Go(y []float32, ldy int, w, x []float32, k int, acc bool) {
	w = w[:k*panelRows]
	for r := 0; r < panelRows; r += 4 {
		for t := 0; t < tileTokens; t += 2 {
			ya, yb := y[t*ldy+r:][:4], y[(t+1)*ldy+r:][:4]
			var a0, a1, a2, a3, b0, b1, b2, b3 float32
			if acc {
				a0, a1, a2, a3 = ya[0], ya[1], ya[2], ya[3]
				b0, b1, b2, b3 = yb[0], yb[1], yb[2], yb[3]
			}
			for i := range k {
				v := w[i*panelRows+r:][:4]
				xs := x[i*tileTokens+t:][:2]
				xa, xb := xs[0], xs[1]
				a0 += v[0] * xa
				a1 += v[1] * xa
				a2 += v[2] * xa
				a3 += v[3] * xa
				b0 += v[0] * xb
				b1 += v[1] * xb
				b2 += v[2] * xb
				b3 += v[3] * xb
			}
			ya[0], ya[1], ya[2], ya[3] = a0, a1, a2, a3
			yb[0], yb[1], yb[2], yb[3] = b0, b1, b2, b3
		}
	}
}

func gemvF32Go(y, w, x []float32, k int, acc bool) {
	for r := 0; r < panelRows; r += 8 {
		out := y[r:][:8]
		var s0, s1, s2, s3, s4, s5, s6, s7 float32
		if acc {
			s0, s1, s2, s3, s4, s5, s6, s7 = out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]
		}
		for i, xi := range x[:k] {
			v := w[i*panelRows+r:][:8]
			s0 += v[0] * xi
			s1 += v[1] * xi
			s2 += v[2] * xi
			s3 += v[3] * xi
			s4 += v[4] * xi
			s5 += v[5] * xi
			s6 += v[6] * xi
			s7 += v[7] * xi
		}
		out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7] = s0, s1, s2, s3, s4, s5, s6, s7
	}
}

func widenF16Go(dst []float32, src []uint16) {
	for i, h := range src {
		dst[i] = fromF16(h)
	}
}

// widenBF16Go undoes the pairing: src [k/2][32][2], dst [k][32].
func widenBF16Go(dst []float32, src []uint16) {
	for i, h := range src {
		k, r := i/64*2+i%2, i%64/2
		dst[k*panelRows+r] = math.Float32frombits(uint32(h) << 16)
	}
}

// widenScalesGo is the reference of the tiers that use scales in float32.
func widenScalesGo(scales, minima []float32, src []byte, kind scaleKind) {
	perBlock := 1
	if kind == scale6K {
		perBlock = 2
	}
	for i := range len(scales) / panelRows {
		for r := range panelRows {
			s, m := scaleAt(src, kind, r, 2*i/perBlock)
			scales[i*panelRows+r] = s
			if kind == scaleMin16 || kind == scaleK {
				minima[i*panelRows+r] = m
			}
		}
	}
}

// widenCodesGo is the reference of the tiers that use codes as bytes.
func widenCodesGo(dst, src []byte, bits, zero, nb int) {
	size := 128 * bits
	for b := range nb {
		for r := range panelRows {
			g := unpackCodes(src[b*size:][:size], r, bits)
			for i, w := range g {
				for j := range 4 {
					dst[1024*b+128*i+4*r+j] = byte(int(w>>(8*j)&255) - zero + 128)
				}
			}
		}
	}
}
