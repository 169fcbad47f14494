// What:      products of quantised panels with int8 activations of six tokens,
//            for AVX2.
// Layout:    both operands as int16, a group's even columns apart from its odd
//            ones: w [nb][8 groups][2: even, odd][32 rows][2], code - zero; x
//            [nb][2: even, odd][8][6][2]; scales [nb][32], or [2*nb][32] for 16
//            columns each ("h"); d, the activations' scale per 32 columns, [nb][6];
//            sums are not needed; y [6][ldy] with 32 results per token. x and d of
//            the next tile are stride blocks further on.
// Algorithm: 16 rows at a time, in two passes over all tiles: the int32 sums of 6 tokens x 16 rows
//            fill twelve registers, so that each number of x that is spread over
//            a register meets two registers of w, and the results stay in y. Per
//            register of products one VPMADDWD and one VPADDD; splitting bytes
//            here, or VPMADDUBSW with its VPSIGNB and VPMADDWD, took a third
//            longer. A block's sums are scaled by scale*d and added to y in order
//            of the blocks.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands, TestWiden.

#include "textflag.h"

// The int32 sums of tokens 0..5 are Y0..Y5 for eight rows, Y6..Y11 for the next.
#define FIRST1(at, a, b) \
	VPBROADCASTD (at)(BX), Y14; \
	VPMADDWD Y12, Y14, a; \
	VPMADDWD Y13, Y14, b

#define DOT1(at, a, b) \
	VPBROADCASTD (at)(BX), Y14; \
	VPMADDWD Y12, Y14, Y15; \
	VPMADDWD Y13, Y14, Y14; \
	VPADDD Y15, a, a; \
	VPADDD Y14, b, b

// Products of half a group: two columns.
#define HALF(op, w, x) \
	VMOVDQU (w)(DI), Y12; \
	VMOVDQU (w+32)(DI), Y13; \
	op(x+0, Y0, Y6); \
	op(x+4, Y1, Y7); \
	op(x+8, Y2, Y8); \
	op(x+12, Y3, Y9); \
	op(x+16, Y4, Y10); \
	op(x+20, Y5, Y11)

#define GROUP(i) \
	HALF(DOT1, 256*i, 24*i); \
	HALF(DOT1, 256*i+128, 192+24*i)

// A block's first group: nothing to add to yet.
#define FIRST(i) \
	HALF(FIRST1, 256*i, 24*i); \
	HALF(DOT1, 256*i+128, 192+24*i)

#define SCALE1(t, y0, y1, a, b) \
	VBROADCASTSS (4*t)(AX), Y14; \
	VCVTDQ2PS a, a; \
	VCVTDQ2PS b, b; \
	VMULPS Y12, Y14, Y15; \
	VMULPS Y13, Y14, Y14; \
	VFMADD213PS y0, Y15, a; \
	VFMADD213PS y1, Y14, b; \
	VMOVUPS a, y0; \
	VMOVUPS b, y1

#define SCALE(at) \
	VMOVUPS (at)(R8), Y12; \
	VMOVUPS (at+32)(R8), Y13; \
	SCALE1(0, (R10), 32(R10), Y0, Y6); \
	SCALE1(1, (R10)(R11*1), 32(R10)(R11*1), Y1, Y7); \
	SCALE1(2, (R10)(R11*2), 32(R10)(R11*2), Y2, Y8); \
	SCALE1(3, (R13), 32(R13), Y3, Y9); \
	SCALE1(4, (R13)(R11*1), 32(R13)(R11*1), Y4, Y10); \
	SCALE1(5, (R13)(R11*2), 32(R13)(R11*2), Y5, Y11)

#define CLEAR(y0, y1) \
	VMOVUPS Y0, y0; \
	VMOVUPS Y0, y1

#define BEGIN \
	MOVQ ldy+24(FP), R11; \
	SHLQ $2, R11; \
	XORL R12, R12

// Rows 16*p of pass p are R12 = 64*p bytes from the panel's first.
#define PASS \
	MOVQ y_base+0(FP), R10; \
	ADDQ R12, R10; \
	MOVQ x_base+80(FP), DX; \
	MOVQ d_base+128(FP), R9; \
	MOVQ tiles+168(FP), SI

#define TILE \
	LEAQ (R11)(R11*2), R13; \
	ADDQ R10, R13; \
	MOVQ w_base+32(FP), DI; \
	ADDQ R12, DI; \
	MOVQ scales_base+56(FP), R8; \
	ADDQ R12, R8; \
	MOVQ DX, BX; \
	MOVQ R9, AX; \
	MOVQ nb+152(FP), CX; \
	CMPB acc+176(FP), $0; \
	JNE  loop; \
	VXORPS Y0, Y0, Y0; \
	CLEAR((R10), 32(R10)); \
	CLEAR((R10)(R11*1), 32(R10)(R11*1)); \
	CLEAR((R10)(R11*2), 32(R10)(R11*2)); \
	CLEAR((R13), 32(R13)); \
	CLEAR((R13)(R11*1), 32(R13)(R11*1)); \
	CLEAR((R13)(R11*2), 32(R13)(R11*2))

#define NEXT(scales) \
	ADDQ $2048, DI; \
	ADDQ $scales, R8; \
	ADDQ $384, BX; \
	ADDQ $24, AX; \
	DECQ CX

#define NEXTTILE \
	LEAQ (R11)(R11*2), R10; \
	ADDQ R13, R10; \
	MOVQ stride+160(FP), AX; \
	IMUL3Q $24, AX, AX; \
	ADDQ AX, R9; \
	SHLQ $4, AX; \
	ADDQ AX, DX; \
	DECQ SI

#define NEXTPASS \
	ADDQ $64, R12; \
	CMPQ R12, $128

// func gemmI8AVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8AVX2(SB), NOSPLIT, $0-177
	BEGIN

pass:
	PASS

tile:
	TILE

loop:
	FIRST(0)
	GROUP(1)
	GROUP(2)
	GROUP(3)
	GROUP(4)
	GROUP(5)
	GROUP(6)
	GROUP(7)
	SCALE(0)
	NEXT(128)
	JNZ  loop
	NEXTTILE
	JNE  tile
	NEXTPASS
	JNE  pass
	VZEROUPPER
	RET

// func gemmI8hAVX2(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8hAVX2(SB), NOSPLIT, $0-177
	BEGIN

pass:
	PASS

tile:
	TILE

loop:
	FIRST(0)
	GROUP(1)
	GROUP(2)
	GROUP(3)
	SCALE(0)
	FIRST(4)
	GROUP(5)
	GROUP(6)
	GROUP(7)
	SCALE(128)
	NEXT(256)
	JNZ  loop
	NEXTTILE
	JNE  tile
	NEXTPASS
	JNE  pass
	VZEROUPPER
	RET

#define SPLIT(at, from) \
	VPXOR (from)(SI), Y15, Y0; \
	VPSRAW $8, Y0, Y1; \
	VPSLLW $8, Y0, Y0; \
	VPSRAW $8, Y0, Y0; \
	VMOVDQU Y0, (at)(DI); \
	VMOVDQU Y1, (at+128)(DI)

// Bytes to the int16 of the products: src [n][32 rows][4] code - zero + 128, n
// being len(src)/128; dst [n][2: even, odd columns][32 rows][2].
// func widenPairsAVX2(dst, src []byte)
TEXT ·widenPairsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SHRQ $7, CX
	JZ   done
	VPCMPEQB Y15, Y15, Y15
	VPSLLW $7, Y15, Y15
	VPACKSSWB Y15, Y15, Y15 // 0x80 in every byte

loop:
	SPLIT(0, 0)
	SPLIT(32, 32)
	SPLIT(64, 64)
	SPLIT(96, 96)
	ADDQ $128, SI
	ADDQ $256, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
