// What:      products of quantised panels with int8 activations of six
//            tokens, for AVX-512 with VNNI.
// Layout:    w [nb][8 groups][32 rows][4] bytes, code - zero + 128; scales
//            [nb][32], or [2*nb][32] for 16 columns each ("h"); x [nb][8][6][4];
//            sums, -128 times the activations' sums per scale, and d, their own
//            scale per 32 columns, [..][6]; y [6][ldy] with 32 results per token.
//            x, sums and d of the next tile are stride blocks further on.
// Algorithm: VPDPBUSD adds 4 products per row and instruction. A block's sums
//            start at sums, which takes the 128 out again, are scaled by scale*d
//            and added to the float32 sums in order of the blocks.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

// The int32 sums of tokens 0..5: Z0..Z5 for rows 0..15, Z6..Z11 for 16..31; the
// float32 sums Z16..Z21 and Z22..Z27.
#define START1(at, a, b) \
	VPBROADCASTD (at)(DX), a; \
	VMOVDQA64 a, b

#define START(at) \
	START1(at+0, Z0, Z6); \
	START1(at+4, Z1, Z7); \
	START1(at+8, Z2, Z8); \
	START1(at+12, Z3, Z9); \
	START1(at+16, Z4, Z10); \
	START1(at+20, Z5, Z11)

#define DOT1(at, a, b) \
	VPBROADCASTD (at)(BX), Z14; \
	VPDPBUSD Z14, Z12, a; \
	VPDPBUSD Z14, Z13, b

// The weights two blocks further on come from the second cache level.
#define GROUP(i) \
	VMOVDQU64 (128*i)(SI), Z12; \
	VMOVDQU64 (128*i+64)(SI), Z13; \
	PREFETCHT0 (128*i+2048)(SI); \
	PREFETCHT0 (128*i+2112)(SI); \
	DOT1(24*i+0, Z0, Z6); \
	DOT1(24*i+4, Z1, Z7); \
	DOT1(24*i+8, Z2, Z8); \
	DOT1(24*i+12, Z3, Z9); \
	DOT1(24*i+16, Z4, Z10); \
	DOT1(24*i+20, Z5, Z11)

#define SCALE1(t, a, b, fa, fb) \
	VBROADCASTSS (4*t)(AX), Z30; \
	VCVTDQ2PS a, a; \
	VCVTDQ2PS b, b; \
	VMULPS Z30, Z28, Z31; \
	VMULPS Z30, Z29, Z15; \
	VFMADD231PS a, Z31, fa; \
	VFMADD231PS b, Z15, fb

#define SCALE(at) \
	VMOVUPS (at)(R8), Z28; \
	VMOVUPS (at+64)(R8), Z29; \
	SCALE1(0, Z0, Z6, Z16, Z22); \
	SCALE1(1, Z1, Z7, Z17, Z23); \
	SCALE1(2, Z2, Z8, Z18, Z24); \
	SCALE1(3, Z3, Z9, Z19, Z25); \
	SCALE1(4, Z4, Z10, Z20, Z26); \
	SCALE1(5, Z5, Z11, Z21, Z27)

#define BEGIN \
	MOVQ y_base+0(FP), R10; \
	MOVQ ldy+24(FP), R11; \
	MOVQ x_base+80(FP), BX; \
	MOVQ sums_base+104(FP), DX; \
	MOVQ d_base+128(FP), AX; \
	MOVQ stride+160(FP), DI; \
	MOVQ tiles+168(FP), R9; \
	SUBQ nb+152(FP), DI; \
	SHLQ $2, R11

// Lines of y are asked for at once: they arrive while the sums are made.
#define LOADY \
	MOVQ w_base+32(FP), SI; \
	MOVQ scales_base+56(FP), R8; \
	MOVQ nb+152(FP), CX; \
	LEAQ (R11)(R11*2), R12; \
	LEAQ (R10)(R12*1), R13; \
	PREFETCHT0 (R10); \
	PREFETCHT0 64(R10); \
	PREFETCHT0 (R10)(R11*1); \
	PREFETCHT0 64(R10)(R11*1); \
	PREFETCHT0 (R10)(R11*2); \
	PREFETCHT0 64(R10)(R11*2); \
	PREFETCHT0 (R13); \
	PREFETCHT0 64(R13); \
	PREFETCHT0 (R13)(R11*1); \
	PREFETCHT0 64(R13)(R11*1); \
	PREFETCHT0 (R13)(R11*2); \
	PREFETCHT0 64(R13)(R11*2); \
	VPXORQ Z16, Z16, Z16; \
	VPXORQ Z17, Z17, Z17; \
	VPXORQ Z18, Z18, Z18; \
	VPXORQ Z19, Z19, Z19; \
	VPXORQ Z20, Z20, Z20; \
	VPXORQ Z21, Z21, Z21; \
	VPXORQ Z22, Z22, Z22; \
	VPXORQ Z23, Z23, Z23; \
	VPXORQ Z24, Z24, Z24; \
	VPXORQ Z25, Z25, Z25; \
	VPXORQ Z26, Z26, Z26; \
	VPXORQ Z27, Z27, Z27; \
	CMPB acc+176(FP), $0; \
	JEQ  loop; \
	VMOVUPS (R10), Z16; \
	VMOVUPS (R10)(R11*1), Z17; \
	VMOVUPS (R10)(R11*2), Z18; \
	VMOVUPS (R13), Z19; \
	VMOVUPS (R13)(R11*1), Z20; \
	VMOVUPS (R13)(R11*2), Z21; \
	VMOVUPS 64(R10), Z22; \
	VMOVUPS 64(R10)(R11*1), Z23; \
	VMOVUPS 64(R10)(R11*2), Z24; \
	VMOVUPS 64(R13), Z25; \
	VMOVUPS 64(R13)(R11*1), Z26; \
	VMOVUPS 64(R13)(R11*2), Z27

#define STOREY \
	VMOVUPS Z16, (R10); \
	VMOVUPS Z17, (R10)(R11*1); \
	VMOVUPS Z18, (R10)(R11*2); \
	VMOVUPS Z19, (R13); \
	VMOVUPS Z20, (R13)(R11*1); \
	VMOVUPS Z21, (R13)(R11*2); \
	VMOVUPS Z22, 64(R10); \
	VMOVUPS Z23, 64(R10)(R11*1); \
	VMOVUPS Z24, 64(R10)(R11*2); \
	VMOVUPS Z25, 64(R13); \
	VMOVUPS Z26, 64(R13)(R11*1); \
	VMOVUPS Z27, 64(R13)(R11*2)

// A block of x, eight blocks further on.
#define XAHEAD \
	PREFETCHT0 1536(BX); \
	PREFETCHT0 1600(BX); \
	PREFETCHT0 1664(BX)

// To the next tile: sums is how many rows of sums a block has.
#define NEXT(sums) \
	LEAQ (R13)(R12*1), R10; \
	IMUL3Q $24, DI, R12; \
	ADDQ R12, AX; \
	LEAQ (DX)(R12*sums), DX; \
	LEAQ (BX)(R12*8), BX; \
	DECQ R9

// func gemmI8AVX512(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8AVX512(SB), NOSPLIT, $0-177
	BEGIN

tile:
	LOADY

loop:
	START(0)
	GROUP(0)
	GROUP(1)
	GROUP(2)
	GROUP(3)
	GROUP(4)
	GROUP(5)
	GROUP(6)
	GROUP(7)
	SCALE(0)
	XAHEAD
	ADDQ $1024, SI
	ADDQ $128, R8
	ADDQ $192, BX
	ADDQ $24, DX
	ADDQ $24, AX
	DECQ CX
	JNZ  loop
	STOREY
	NEXT(1)
	JNZ  tile
	VZEROUPPER
	RET

// func gemmI8hAVX512(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8hAVX512(SB), NOSPLIT, $0-177
	BEGIN

tile:
	LOADY

loop:
	START(0)
	GROUP(0)
	GROUP(1)
	GROUP(2)
	GROUP(3)
	SCALE(0)
	START(24)
	GROUP(4)
	GROUP(5)
	GROUP(6)
	GROUP(7)
	SCALE(128)
	XAHEAD
	ADDQ $1024, SI
	ADDQ $256, R8
	ADDQ $192, BX
	ADDQ $48, DX
	ADDQ $24, AX
	DECQ CX
	JNZ  loop
	STOREY
	NEXT(2)
	JNZ  tile
	VZEROUPPER
	RET
