// What:      products of quantised panels with int8 activations of six tokens,
//            for AVX2.
// Layout:    w [nb][8 groups][32 rows][4] bytes, code - zero + 128; scales
//            [nb][32], or [2*nb][32] for 16 columns each ("h"); x as int16,
//            [nb][2: even columns, odd columns][8][6][2]; sums, -128 times the
//            activations' sums per scale, and d, their own scale per 32 columns,
//            [..][6]; y [6][ldy] with 32 results per token.
// Algorithm: 8 rows at a time, in four passes. Four bytes of w are two pairs of
//            16-bit numbers, even and odd, for VPMADDWD. A block's sums start at
//            sums, which takes the 128 out again, are scaled by scale*d and added
//            to the float32 sums in order of the blocks.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

// The int32 sums of tokens 0..5 are Y0..Y5, the float32 sums Y6..Y11.
#define START(at) \
	VPBROADCASTD (at+0)(DX), Y0; \
	VPBROADCASTD (at+4)(DX), Y1; \
	VPBROADCASTD (at+8)(DX), Y2; \
	VPBROADCASTD (at+12)(DX), Y3; \
	VPBROADCASTD (at+16)(DX), Y4; \
	VPBROADCASTD (at+20)(DX), Y5

#define DOT1(at, sum) \
	VPBROADCASTD (at)(BX), Y14; \
	VPMADDWD Y12, Y14, Y14; \
	VPADDD Y14, sum, sum; \
	VPBROADCASTD (192+at)(BX), Y14; \
	VPMADDWD Y13, Y14, Y14; \
	VPADDD Y14, sum, sum

#define GROUP(i) \
	VMOVDQU (128*i)(DI), Y13; \
	VPAND Y15, Y13, Y12; \
	VPSRLW $8, Y13, Y13; \
	DOT1(24*i+0, Y0); \
	DOT1(24*i+4, Y1); \
	DOT1(24*i+8, Y2); \
	DOT1(24*i+12, Y3); \
	DOT1(24*i+16, Y4); \
	DOT1(24*i+20, Y5)

#define SCALE1(t, scale, sum, f) \
	VBROADCASTSS (4*t)(AX), Y14; \
	VCVTDQ2PS sum, sum; \
	VMULPS scale, Y14, Y14; \
	VFMADD231PS sum, Y14, f

#define SCALE(at) \
	SCALE1(0, (at)(R8), Y0, Y6); \
	SCALE1(1, (at)(R8), Y1, Y7); \
	SCALE1(2, (at)(R8), Y2, Y8); \
	SCALE1(3, (at)(R8), Y3, Y9); \
	SCALE1(4, (at)(R8), Y4, Y10); \
	SCALE1(5, (at)(R8), Y5, Y11)

// Lines of y are asked for at once: they arrive while the sums are made.
#define BEGIN \
	MOVQ y_base+0(FP), R10; \
	MOVQ ldy+24(FP), R11; \
	MOVQ w_base+32(FP), SI; \
	SHLQ $2, R11; \
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
	VPCMPEQW Y15, Y15, Y15; \
	VPSRLW $8, Y15, Y15; \
	XORL R12, R12

#define LOADY \
	LEAQ (SI)(R12*1), DI; \
	MOVQ scales_base+56(FP), R8; \
	ADDQ R12, R8; \
	MOVQ sums_base+104(FP), DX; \
	MOVQ x_base+80(FP), BX; \
	MOVQ d_base+128(FP), AX; \
	MOVQ nb+152(FP), CX; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7; \
	VXORPS Y8, Y8, Y8; \
	VXORPS Y9, Y9, Y9; \
	VXORPS Y10, Y10, Y10; \
	VXORPS Y11, Y11, Y11; \
	CMPB acc+160(FP), $0; \
	JEQ  loop; \
	VMOVUPS (R10), Y6; \
	VMOVUPS (R10)(R11*1), Y7; \
	VMOVUPS (R10)(R11*2), Y8; \
	VMOVUPS (R13), Y9; \
	VMOVUPS (R13)(R11*1), Y10; \
	VMOVUPS (R13)(R11*2), Y11

#define STOREY \
	VMOVUPS Y6, (R10); \
	VMOVUPS Y7, (R10)(R11*1); \
	VMOVUPS Y8, (R10)(R11*2); \
	VMOVUPS Y9, (R13); \
	VMOVUPS Y10, (R13)(R11*1); \
	VMOVUPS Y11, (R13)(R11*2); \
	ADDQ $32, R12; \
	ADDQ $32, R10; \
	ADDQ $32, R13

// func gemmI8AVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb int, acc bool)
TEXT ·gemmI8AVX2(SB), NOSPLIT, $0-161
	BEGIN

pass:
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
	ADDQ $1024, DI
	ADDQ $128, R8
	ADDQ $384, BX
	ADDQ $24, DX
	ADDQ $24, AX
	DECQ CX
	JNZ  loop
	STOREY
	CMPQ R12, $128
	JNE  pass
	VZEROUPPER
	RET

// func gemmI8hAVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb int, acc bool)
TEXT ·gemmI8hAVX2(SB), NOSPLIT, $0-161
	BEGIN

pass:
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
	ADDQ $1024, DI
	ADDQ $256, R8
	ADDQ $384, BX
	ADDQ $48, DX
	ADDQ $24, AX
	DECQ CX
	JNZ  loop
	STOREY
	CMPQ R12, $128
	JNE  pass
	VZEROUPPER
	RET
