package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Quantize writes src as blocks of type t (Q8_0 or Q4_0, the ggml layouts) to
// dst; len(src) must be a multiple of 32 and dst as long as t.Bytes says.
func Quantize(dst []byte, t DType, src []float32) error {
	if want, ok := t.Bytes(len(src)); !ok || want != len(dst) {
		return fmt.Errorf("quantize: %d values do not fill %d bytes of %s", len(src), len(dst), t)
	}
	switch t {
	case Q8_0:
		for ; len(src) > 0; src, dst = src[32:], dst[34:] {
			var top float32
			for _, v := range src[:32] {
				top = max(top, float32(math.Abs(float64(v))))
			}
			d := top / 127
			binary.LittleEndian.PutUint16(dst, toF16(d))
			for i, v := range src[:32] {
				dst[2+i] = 0
				if d != 0 {
					dst[2+i] = byte(int8(math.Round(float64(v / d))))
				}
			}
		}
	case Q4_0:
		for ; len(src) > 0; src, dst = src[32:], dst[18:] {
			var top float32 // the value of largest magnitude becomes -8
			for _, v := range src[:32] {
				if math.Abs(float64(v)) > math.Abs(float64(top)) {
					top = v
				}
			}
			d := top / -8
			binary.LittleEndian.PutUint16(dst, toF16(d))
			q := func(v float32) byte {
				if d == 0 {
					return 8
				}
				return byte(min(15, int(v/d+8.5)))
			}
			for i := range 16 {
				dst[2+i] = q(src[i]) | q(src[16+i])<<4
			}
		}
	default:
		return fmt.Errorf("quantize: to %s is not supported (supported: Q8_0, Q4_0)", t)
	}
	return nil
}

// toF16 rounds to the nearest half, ties to even; overflow becomes infinity.
func toF16(x float32) uint16 {
	b := math.Float32bits(x)
	sign, e, m := uint16(b>>16&0x8000), int(b>>23&0xff)-127+15, b&0x7fffff
	switch {
	case b&0x7fffffff > 0x7f800000:
		return sign | 0x7e00
	case e >= 31:
		return sign | 0x7c00
	case e <= -11:
		return sign
	case e <= 0: // denormal: the implicit one becomes explicit
		m |= 0x800000
		shift := uint(14 - e)
		half := uint32(1) << (shift - 1)
		r := m >> shift
		if rest := m & (half<<1 - 1); rest > half || rest == half && r&1 == 1 {
			r++
		}
		return sign | uint16(r)
	}
	r := uint32(e)<<10 | m>>13
	if rest := m & 0x1fff; rest > 0x1000 || rest == 0x1000 && r&1 == 1 {
		r++
	}
	return sign | uint16(r)
}
