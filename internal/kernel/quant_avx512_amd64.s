// What:      int8 activations of six tokens, for AVX-512: all blocks of a tile, or one
//            block of several tiles.
// Layout:    a block is x [6][row] float32, of which 32, and q [8][6][4], sums, d, xs
//            [6], halfSums [2][6]. The next one is so many bytes further on: xStep,
//            qStep, step (sums, d, xs), 2*step.
// Algorithm: that of quant_avx2_amd64.s, 32 columns of six tokens at a time. The
//            largest magnitudes of six registers are found side by side, so that
//            the tokens' scales are one vector. Pairs of tokens are packed to
//            bytes in one register, [4][2 tokens][2: group i, group i+4][4], and
//            sorted into the tile from there.
// Tested by: TestQuantise (quant_test.go).

#include "textflag.h"

DATA quantFloats<>+0(SB)/4, $0x7FFFFFFF  // all bits but the sign
DATA quantFloats<>+4(SB)/4, $0x3C010204  // float32(1/127)
DATA quantFloats<>+8(SB)/4, $0x42FE0000  // 127
DATA quantFloats<>+12(SB)/4, $0x0D800000 // 2^-100
DATA quantFloats<>+16(SB)/4, $0x7FC00000 // NaN
DATA quantFloats<>+20(SB)/4, $0x7F800000 // infinity
DATA quantFloats<>+24(SB)/4, $0x01010101
GLOBL quantFloats<>(SB), RODATA|NOPTR, $28

// Which number of the pairs' registers goes where in the tile's three: of tokens
// 0 to 3, then of tokens 4 and 5.
DATA quantTile<>+0(SB)/4, $0
DATA quantTile<>+4(SB)/4, $2
DATA quantTile<>+8(SB)/4, $16
DATA quantTile<>+12(SB)/4, $18
DATA quantTile<>+16(SB)/4, $0
DATA quantTile<>+20(SB)/4, $0
DATA quantTile<>+24(SB)/4, $4
DATA quantTile<>+28(SB)/4, $6
DATA quantTile<>+32(SB)/4, $20
DATA quantTile<>+36(SB)/4, $22
DATA quantTile<>+40(SB)/4, $0
DATA quantTile<>+44(SB)/4, $0
DATA quantTile<>+48(SB)/4, $8
DATA quantTile<>+52(SB)/4, $10
DATA quantTile<>+56(SB)/4, $24
DATA quantTile<>+60(SB)/4, $26
DATA quantTile<>+64(SB)/4, $0
DATA quantTile<>+68(SB)/4, $0
DATA quantTile<>+72(SB)/4, $0
DATA quantTile<>+76(SB)/4, $0
DATA quantTile<>+80(SB)/4, $0
DATA quantTile<>+84(SB)/4, $2
DATA quantTile<>+88(SB)/4, $0
DATA quantTile<>+92(SB)/4, $0
DATA quantTile<>+96(SB)/4, $0
DATA quantTile<>+100(SB)/4, $0
DATA quantTile<>+104(SB)/4, $4
DATA quantTile<>+108(SB)/4, $6
DATA quantTile<>+112(SB)/4, $0
DATA quantTile<>+116(SB)/4, $0
DATA quantTile<>+120(SB)/4, $0
DATA quantTile<>+124(SB)/4, $0
DATA quantTile<>+128(SB)/4, $0
DATA quantTile<>+132(SB)/4, $0
DATA quantTile<>+136(SB)/4, $12
DATA quantTile<>+140(SB)/4, $14
DATA quantTile<>+144(SB)/4, $28
DATA quantTile<>+148(SB)/4, $30
DATA quantTile<>+152(SB)/4, $0
DATA quantTile<>+156(SB)/4, $0
DATA quantTile<>+160(SB)/4, $1
DATA quantTile<>+164(SB)/4, $3
DATA quantTile<>+168(SB)/4, $17
DATA quantTile<>+172(SB)/4, $19
DATA quantTile<>+176(SB)/4, $0
DATA quantTile<>+180(SB)/4, $0
DATA quantTile<>+184(SB)/4, $5
DATA quantTile<>+188(SB)/4, $7
DATA quantTile<>+192(SB)/4, $8
DATA quantTile<>+196(SB)/4, $10
DATA quantTile<>+200(SB)/4, $0
DATA quantTile<>+204(SB)/4, $0
DATA quantTile<>+208(SB)/4, $0
DATA quantTile<>+212(SB)/4, $0
DATA quantTile<>+216(SB)/4, $12
DATA quantTile<>+220(SB)/4, $14
DATA quantTile<>+224(SB)/4, $0
DATA quantTile<>+228(SB)/4, $0
DATA quantTile<>+232(SB)/4, $0
DATA quantTile<>+236(SB)/4, $0
DATA quantTile<>+240(SB)/4, $1
DATA quantTile<>+244(SB)/4, $3
DATA quantTile<>+248(SB)/4, $0
DATA quantTile<>+252(SB)/4, $0
DATA quantTile<>+256(SB)/4, $21
DATA quantTile<>+260(SB)/4, $23
DATA quantTile<>+264(SB)/4, $0
DATA quantTile<>+268(SB)/4, $0
DATA quantTile<>+272(SB)/4, $9
DATA quantTile<>+276(SB)/4, $11
DATA quantTile<>+280(SB)/4, $25
DATA quantTile<>+284(SB)/4, $27
DATA quantTile<>+288(SB)/4, $0
DATA quantTile<>+292(SB)/4, $0
DATA quantTile<>+296(SB)/4, $13
DATA quantTile<>+300(SB)/4, $15
DATA quantTile<>+304(SB)/4, $29
DATA quantTile<>+308(SB)/4, $31
DATA quantTile<>+312(SB)/4, $0
DATA quantTile<>+316(SB)/4, $0
DATA quantTile<>+320(SB)/4, $0
DATA quantTile<>+324(SB)/4, $0
DATA quantTile<>+328(SB)/4, $5
DATA quantTile<>+332(SB)/4, $7
DATA quantTile<>+336(SB)/4, $0
DATA quantTile<>+340(SB)/4, $0
DATA quantTile<>+344(SB)/4, $0
DATA quantTile<>+348(SB)/4, $0
DATA quantTile<>+352(SB)/4, $9
DATA quantTile<>+356(SB)/4, $11
DATA quantTile<>+360(SB)/4, $0
DATA quantTile<>+364(SB)/4, $0
DATA quantTile<>+368(SB)/4, $0
DATA quantTile<>+372(SB)/4, $0
DATA quantTile<>+376(SB)/4, $13
DATA quantTile<>+380(SB)/4, $15
GLOBL quantTile<>(SB), RODATA|NOPTR, $384

// The sums of columns 0..15, then 16..31, of six tokens, [token][2] before.
DATA quantHalves<>+0(SB)/4, $0
DATA quantHalves<>+4(SB)/4, $2
DATA quantHalves<>+8(SB)/4, $4
DATA quantHalves<>+12(SB)/4, $6
DATA quantHalves<>+16(SB)/4, $8
DATA quantHalves<>+20(SB)/4, $10
DATA quantHalves<>+24(SB)/4, $0
DATA quantHalves<>+28(SB)/4, $0
DATA quantHalves<>+32(SB)/4, $1
DATA quantHalves<>+36(SB)/4, $3
DATA quantHalves<>+40(SB)/4, $5
DATA quantHalves<>+44(SB)/4, $7
DATA quantHalves<>+48(SB)/4, $9
DATA quantHalves<>+52(SB)/4, $11
DATA quantHalves<>+56(SB)/4, $0
DATA quantHalves<>+60(SB)/4, $0
GLOBL quantHalves<>(SB), RODATA|NOPTR, $64

// The largest magnitudes of a token's a and b.
#define TOP(a, b, m, ym) \
	VPANDD Z31, a, m; \
	VPANDD Z31, b, Z18; \
	VPMAXUD Z18, m, m; \
	VEXTRACTI64X4 $1, m, Y18; \
	VPMAXUD Y18, ym, ym

// a = [a, b, a, b] per 128 bits.
#define PAIR(b, a) \
	VPUNPCKLDQ b, a, Y18; \
	VPUNPCKHDQ b, a, Y19; \
	VPMAXUD Y19, Y18, a

// A token's columns to 16 bits: per 128 bits four of a, four of b.
#define ROUND(t, a, b) \
	VMULPS.BCST inv-64+4*t(SP), a, a; \
	VMULPS.BCST inv-64+4*t(SP), b, b; \
	VCVTPS2DQ a, a; \
	VCVTPS2DQ b, b; \
	VPACKSSDW b, a, a

#define SORT(at, a, b, mask) \
	VMOVDQA64 Z0, Z12; \
	VPERMT2D Z4, a, Z12; \
	VPERMD Z8, b, mask, Z12; \
	VMOVDQU64 Z12, at(DI)

// x = a pair's sums: [token][2: columns 0..15, 16..31].
#define SUM(pair, z, y, x) \
	VPXORD z, z, z; \
	VPDPBUSD pair, Z26, z; \
	VEXTRACTI64X4 $1, z, Y18; \
	VPADDD Y18, y, y; \
	VEXTRACTI32X4 $1, y, X18; \
	VPADDD X18, x, x

#define CLEAR(t, a, b) \
	VANDPS.BCST ok-32+4*t(SP), a, a; \
	VANDPS.BCST ok-32+4*t(SP), b, b

// func quantBlocks6AVX512(q *int8, sums, halfSums *int32, d, xs, x *float32, n, row, xStep, qStep, step int)
TEXT ·quantBlocks6AVX512(SB), NOSPLIT, $64-88
	MOVQ q+0(FP), DI
	MOVQ sums+8(FP), R8
	MOVQ halfSums+16(FP), R9
	MOVQ d+24(FP), R10
	MOVQ xs+32(FP), R11
	MOVQ x+40(FP), SI
	MOVQ n+48(FP), CX
	MOVQ row+56(FP), BX
	MOVQ xStep+64(FP), R12
	MOVQ qStep+72(FP), DX
	MOVQ step+80(FP), R15
	SHLQ $2, BX
	LEAQ (BX)(BX*2), R13
	ADDQ SI, R13
	VPBROADCASTD quantFloats<>+0(SB), Z31
	VBROADCASTSS quantFloats<>+4(SB), Y30
	VBROADCASTSS quantFloats<>+8(SB), Y29
	VPBROADCASTD quantFloats<>+20(SB), Y28
	VPBROADCASTD quantFloats<>+12(SB), Y27
	VPBROADCASTD quantFloats<>+24(SB), Z26
	VMOVDQU64 quantTile<>+0(SB), Z20
	VMOVDQU64 quantTile<>+64(SB), Z21
	VMOVDQU64 quantTile<>+128(SB), Z22
	VMOVDQU64 quantTile<>+192(SB), Z23
	VMOVDQU64 quantTile<>+256(SB), Z24
	VMOVDQU64 quantTile<>+320(SB), Z25
	MOVL $0xC30, AX
	KMOVW AX, K3
	MOVL $0x30C3, AX
	KMOVW AX, K4
	MOVL $0xC30C, AX
	KMOVW AX, K5
	MOVL $0x3F, AX
	KMOVW AX, K6

loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS (SI)(BX*1), Z2
	VMOVUPS 64(SI)(BX*1), Z3
	VMOVUPS (SI)(BX*2), Z4
	VMOVUPS 64(SI)(BX*2), Z5
	VMOVUPS (R13), Z6
	VMOVUPS 64(R13), Z7
	VMOVUPS (R13)(BX*1), Z8
	VMOVUPS 64(R13)(BX*1), Z9
	VMOVUPS (R13)(BX*2), Z10
	VMOVUPS 64(R13)(BX*2), Z11
	TOP(Z0, Z1, Z12, Y12)
	TOP(Z2, Z3, Z13, Y13)
	TOP(Z4, Z5, Z14, Y14)
	TOP(Z6, Z7, Z15, Y15)
	TOP(Z8, Z9, Z16, Y16)
	TOP(Z10, Z11, Z17, Y17)
	PAIR(Y13, Y12)
	PAIR(Y15, Y14)
	PAIR(Y17, Y16)
	VPUNPCKLQDQ Y14, Y12, Y18
	VPUNPCKHQDQ Y14, Y12, Y19
	VPMAXUD Y19, Y18, Y12 // tokens 0..3, twice
	VPSHUFD $0x4E, Y16, Y18
	VPMAXUD Y18, Y16, Y16 // tokens 4, 5, 4, 5, twice
	VINSERTI32X4 $1, X16, Y12, Y13
	VSHUFI32X4 $3, Y16, Y12, Y14
	VPMAXUD Y14, Y13, Y12
	VMULPS Y30, Y12, Y13 // d
	VDIVPS Y12, Y29, Y14 // 127/max
	VPCMPUD $5, Y28, Y12, K1 // no numbers
	VPCMPUD $1, Y27, Y12, K2 // tiny
	VBROADCASTSS quantFloats<>+16(SB), K1, Y13
	VPXORD Y13, Y13, K2, Y13
	KORW K1, K2, K2
	VPXORD Y14, Y14, K2, Y14
	VMOVUPS Y14, inv-64(SP)
	VMOVUPS Y13, K6, (R10)
	KORTESTW K1, K1
	JNZ  clear

rest:
	ROUND(0, Z0, Z1)
	ROUND(1, Z2, Z3)
	ROUND(2, Z4, Z5)
	ROUND(3, Z6, Z7)
	ROUND(4, Z8, Z9)
	ROUND(5, Z10, Z11)
	VPACKSSWB Z2, Z0, Z0
	VPACKSSWB Z6, Z4, Z4
	VPACKSSWB Z10, Z8, Z8
	SORT(0, Z20, Z21, K3)
	SORT(64, Z22, Z23, K4)
	SORT(128, Z24, Z25, K5)
	SUM(Z0, Z15, Y15, X15)
	SUM(Z4, Z16, Y16, X16)
	SUM(Z8, Z17, Y17, X17)
	VINSERTI32X4 $1, X16, Y15, Y15
	VMOVDQU quantHalves<>+0(SB), Y12
	VMOVDQU quantHalves<>+32(SB), Y14
	VPERMI2D Y17, Y15, Y12
	VPERMI2D Y17, Y15, Y14
	VPADDD Y14, Y12, Y16
	VCVTDQ2PS Y16, Y17
	VMULPS Y17, Y13, Y17
	VMOVUPS Y17, K6, (R11)
	VPXORD Y18, Y18, Y18
	VPSLLD $7, Y12, Y12
	VPSLLD $7, Y14, Y14
	VPSUBD Y12, Y18, Y12
	VPSUBD Y14, Y18, Y14
	VPADDD Y14, Y12, Y16
	VMOVDQU32 Y12, K6, (R9)
	VMOVDQU32 Y14, K6, 24(R9)
	VMOVDQU32 Y16, K6, (R8)
	ADDQ R12, SI
	ADDQ R12, R13
	ADDQ DX, DI
	ADDQ R15, R8
	LEAQ (R9)(R15*2), R9
	ADDQ R15, R10
	ADDQ R15, R11
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// Some token's columns are no numbers: all of them become zeros.
clear:
	VPCMPEQD Y14, Y14, Y14
	VPXORD Y14, Y14, K1, Y14
	VMOVUPS Y14, ok-32(SP)
	CLEAR(0, Z0, Z1)
	CLEAR(1, Z2, Z3)
	CLEAR(2, Z4, Z5)
	CLEAR(3, Z6, Z7)
	CLEAR(4, Z8, Z9)
	CLEAR(5, Z10, Z11)
	JMP  rest
