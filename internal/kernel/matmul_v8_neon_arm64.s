// What:      products of quantised panels with the int8 activations of one token,
//            for NEON with dot products of bytes.
// Layout:    w the packed codes of pack.go; scales [nb][32], or [2*nb][32] for 16
//            columns each ("h"); x [nb][8][4]; sums, -128 times the activations'
//            sums per scale; d [nb], their own scale; y [32].
// Algorithm: 16 rows at a time within a block. Codes below 64 are multiplied as
//            they are, and a block's sums start at sums*zero/128; 8-bit codes
//            become signed by their top bit. Scaled by scale*d, the sums are added
//            to the float32 sums in order of the blocks: the same numbers as for
//            several tokens.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"
#include "neon_arm64.h"

// R0 y, R1 w, R3 scales, R4 x, R5 sums, R6 d, R7 blocks, R9 zero. The int32 sums of
// 16 rows are V0..V3 (and V4..V7), the float32 sums V8..V15; x is in V24 and V25,
// d in V27.
#define VARGS \
	MOVD  y_base+0(FP), R0; \
	MOVD  w_base+24(FP), R1; \
	MOVD  scales_base+48(FP), R3; \
	MOVD  x_base+72(FP), R4; \
	MOVD  sums_base+96(FP), R5; \
	MOVD  d_base+120(FP), R6; \
	MOVD  nb+144(FP), R7; \
	MOVD  zero+152(FP), R9; \
	MOVBU acc+160(FP), R10; \
	MOVD  $0x0F, R11; \
	VDUP  R11, V26.B16; \
	ZEROV(8); \
	ZEROV(9); \
	ZEROV(10); \
	ZEROV(11); \
	ZEROV(12); \
	ZEROV(13); \
	ZEROV(14); \
	ZEROV(15); \
	CBZ   R10, loop; \
	LDPQ(8, 9, 0, 0); \
	LDPQ(10, 11, 0, 32); \
	LDPQ(12, 13, 0, 64); \
	LDPQ(14, 15, 0, 96)

#define VSTORE \
	STPQ(8, 9, 0, 0); \
	STPQ(10, 11, 0, 32); \
	STPQ(12, 13, 0, 64); \
	STPQ(14, 15, 0, 96)

#define VNEXT(codes, scales) \
	ADD  $codes, R1; \
	ADD  $scales, R3; \
	SUBS $1, R7; \
	BNE  loop

#define VX \
	LDPQ(24, 25, 4, 0); \
	ADD  $32, R4; \
	LDRSP(27, 6)

// The next of sums times zero/128, a multiple of 128 each, to all lanes of v.
#define VSTART(v) \
	MOVW.P 4(R5), R10; \
	ASR    $7, R10; \
	MUL    R9, R10; \
	VDUP   R10, v

#define COPY4(d, from) \
	ORRV(d, from, from); \
	ORRV(d+1, from, from); \
	ORRV(d+2, from, from); \
	ORRV(d+3, from, from)

#define VSCALE1(f, sum, scale) \
	SCVTF(sum, sum); \
	FMULE(scale, scale, 27, 0); \
	FMLA(f, sum, scale)

#define VSCALE(f, sum, at) \
	LDPQ(20, 21, 3, at); \
	LDPQ(22, 23, 3, at+32); \
	VSCALE1(f, sum, 20); \
	VSCALE1(f+1, sum+1, 21); \
	VSCALE1(f+2, sum+2, 22); \
	VSCALE1(f+3, sum+3, 23)

#define LOAD16(h, i) \
	LDPQ(16, 17, 1, 128*i+64*h); \
	LDPQ(18, 19, 1, 128*i+64*h+32)

#define DOT4(sum, codes, x, i) \
	SDOTE(sum, codes, x, i); \
	SDOTE(sum+1, codes+1, x, i); \
	SDOTE(sum+2, codes+2, x, i); \
	SDOTE(sum+3, codes+3, x, i)

#define GROUP8(h, i, x, e) \
	LOAD16(h, i); \
	EORV(16, 16, 28); \
	EORV(17, 17, 28); \
	EORV(18, 18, 28); \
	EORV(19, 19, 28); \
	DOT4(0, 16, x, e)

#define HALF8(h) \
	ZEROV(0); \
	ZEROV(1); \
	ZEROV(2); \
	ZEROV(3); \
	GROUP8(h, 0, 24, 0); \
	GROUP8(h, 1, 24, 1); \
	GROUP8(h, 2, 24, 2); \
	GROUP8(h, 3, 24, 3); \
	GROUP8(h, 4, 25, 0); \
	GROUP8(h, 5, 25, 1); \
	GROUP8(h, 6, 25, 2); \
	GROUP8(h, 7, 25, 3); \
	VSCALE(8+4*h, 0, 64*h)

// func gemvI8NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI8NEON(SB), NOSPLIT, $0-161
	MOVD $0x80, R11
	VDUP R11, V28.B16
	VARGS

loop:
	VX
	HALF8(0)
	HALF8(1)
	VNEXT(1024, 128)
	VSTORE
	RET

// Packed nibbles: group i to V20..V23, group i+4 to V16..V19.
#define NIBBLES(h, i) \
	LOAD16(h, i); \
	ANDV(20, 16, 26); \
	ANDV(21, 17, 26); \
	ANDV(22, 18, 26); \
	ANDV(23, 19, 26); \
	USHRB(16, 16, 4); \
	USHRB(17, 17, 4); \
	USHRB(18, 18, 4); \
	USHRB(19, 19, 4)

#define GROUP4(h, i) \
	NIBBLES(h, i); \
	DOT4(0, 20, 24, i); \
	DOT4(0, 16, 25, i)

#define HALF4(h) \
	COPY4(0, 28); \
	GROUP4(h, 0); \
	GROUP4(h, 1); \
	GROUP4(h, 2); \
	GROUP4(h, 3); \
	VSCALE(8+4*h, 0, 64*h)

// func gemvI4NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI4NEON(SB), NOSPLIT, $0-161
	VARGS

loop:
	VX
	VSTART(V28.S4)
	HALF4(0)
	HALF4(1)
	VNEXT(512, 128)
	VSTORE
	RET

// The bits of a plane at, shifted, under the mask V29 above the nibbles of d..d+3.
#define HIGH1(d, at, shift, n) \
	LDRQ(30, 1, at); \
	shift(30, 30, n); \
	ANDV(30, 30, 29); \
	ORRV(d, d, 30)

#define HIGH4(d, at, shift, n) \
	HIGH1(d, at, shift, n); \
	HIGH1(d+1, at+16, shift, n); \
	HIGH1(d+2, at+32, shift, n); \
	HIGH1(d+3, at+48, shift, n)

#define GROUP5(h, i, shift) \
	NIBBLES(h, i); \
	HIGH4(20, 512+64*h, SHLB, 4-i); \
	HIGH4(16, 512+64*h, shift, i); \
	DOT4(0, 20, 24, i); \
	DOT4(0, 16, 25, i)

#define HALF5(h) \
	COPY4(0, 28); \
	GROUP5(h, 0, SHLB); \
	GROUP5(h, 1, USHRB); \
	GROUP5(h, 2, USHRB); \
	GROUP5(h, 3, USHRB); \
	VSCALE(8+4*h, 0, 64*h)

// func gemvI5NEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI5NEON(SB), NOSPLIT, $0-161
	MOVD $0x10, R11
	VDUP R11, V29.B16
	VARGS

loop:
	VX
	VSTART(V28.S4)
	HALF5(0)
	HALF5(1)
	VNEXT(640, 128)
	VSTORE
	RET

// Columns 0..15 are the low nibbles' groups, with sums in V0..V3, 16..31 the high
// ones', with sums in V4..V7.
#define GROUP6(h, i, shift, n) \
	NIBBLES(h, i); \
	HIGH4(20, 512+64*h, shift, n); \
	HIGH4(16, 640+64*h, shift, n); \
	DOT4(0, 20, 24, i); \
	DOT4(4, 16, 25, i)

#define HALF6(h) \
	COPY4(0, 28); \
	COPY4(4, 31); \
	GROUP6(h, 0, SHLB, 4); \
	GROUP6(h, 1, SHLB, 2); \
	GROUP6(h, 2, SHLB, 0); \
	GROUP6(h, 3, USHRB, 2); \
	VSCALE(8+4*h, 0, 64*h); \
	VSCALE(8+4*h, 4, 128+64*h)

// func gemvI6hNEON(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI6hNEON(SB), NOSPLIT, $0-161
	MOVD $0x30, R11
	VDUP R11, V29.B16
	VARGS

loop:
	VX
	VSTART(V28.S4)
	VSTART(V31.S4)
	HALF6(0)
	HALF6(1)
	VNEXT(768, 256)
	VSTORE
	RET
