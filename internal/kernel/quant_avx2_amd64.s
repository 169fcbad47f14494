// What:      int8 activations of one token, and their 16-bit form, for AVX2.
// Layout:    x [nb][32] float32; q [nb][8][lanes][4], sums, d, xs [nb][lanes],
//            halfSums [2*nb][lanes], each from this token's lane on.
// Algorithm: the largest magnitude of 32 values by an unsigned maximum of their
//            bits without signs, NaN above all; d = max/127, q = x*(127/max)
//            rounded to nearest even. No numbers: d = NaN. Tiny blocks: d = 0.
// Tested by: TestQuantise (quant_test.go).

#include "textflag.h"

DATA quantConst<>+0(SB)/4, $0x7FFFFFFF  // all bits but the sign
DATA quantConst<>+4(SB)/4, $0x3C010204  // float32(1/127)
DATA quantConst<>+8(SB)/4, $0x42FE0000  // 127
DATA quantConst<>+12(SB)/4, $0x0D800000 // 2^-100
DATA quantConst<>+16(SB)/4, $0x7FC00000 // NaN
GLOBL quantConst<>(SB), RODATA|NOPTR, $20

DATA quantOrder<>+0(SB)/4, $0
DATA quantOrder<>+4(SB)/4, $4
DATA quantOrder<>+8(SB)/4, $1
DATA quantOrder<>+12(SB)/4, $5
DATA quantOrder<>+16(SB)/4, $2
DATA quantOrder<>+20(SB)/4, $6
DATA quantOrder<>+24(SB)/4, $3
DATA quantOrder<>+28(SB)/4, $7
GLOBL quantOrder<>(SB), RODATA|NOPTR, $32

// The sum of eight int32 of y to the register r; x is y's lower half.
#define SUM8(y, x, r) \
	VEXTRACTI128 $1, y, X14; \
	VPADDD X14, x, x; \
	VPSHUFD $0x4E, x, X14; \
	VPADDD X14, x, x; \
	VPSHUFD $0xB1, x, X14; \
	VPADDD X14, x, x; \
	VMOVD x, r

// func quantRowAVX2(q *int8, sums, halfSums *int32, d, xs, x *float32, nb, lanes int)
TEXT ·quantRowAVX2(SB), NOSPLIT, $0-64
	MOVQ q+0(FP), DI
	MOVQ sums+8(FP), R8
	MOVQ halfSums+16(FP), R9
	MOVQ d+24(FP), R10
	MOVQ xs+32(FP), R11
	MOVQ x+40(FP), SI
	MOVQ nb+48(FP), CX
	MOVQ lanes+56(FP), BX
	SHLQ $2, BX
	LEAQ (BX)(BX*2), R12
	VPBROADCASTD quantConst<>+0(SB), Y15
	VMOVDQU quantOrder<>(SB), Y13

loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VPAND Y15, Y0, Y4
	VPAND Y15, Y1, Y5
	VPAND Y15, Y2, Y6
	VPAND Y15, Y3, Y7
	VPMAXUD Y5, Y4, Y4
	VPMAXUD Y7, Y6, Y6
	VPMAXUD Y6, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VPMAXUD X5, X4, X4
	VPSHUFD $0x4E, X4, X5
	VPMAXUD X5, X4, X4
	VPSHUFD $0xB1, X4, X5
	VPMAXUD X5, X4, X4
	VMOVD X4, AX
	CMPL AX, $0x7F800000
	JAE  none
	CMPL AX, $0x0D800000
	JB   tiny
	VMULSS quantConst<>+4(SB), X4, X8 // d
	VMOVSS quantConst<>+8(SB), X5
	VDIVSS X4, X5, X9                 // 127/max
	VBROADCASTSS X9, Y9
	VMULPS Y9, Y0, Y0
	VMULPS Y9, Y1, Y1
	VMULPS Y9, Y2, Y2
	VMULPS Y9, Y3, Y3
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3
	JMP  write

none:
	VMOVSS quantConst<>+16(SB), X8
	JMP  blank

tiny:
	VPXOR X8, X8, X8

blank:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3

write:
	VPADDD Y0, Y1, Y4
	VPADDD Y2, Y3, Y5
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSWB Y2, Y0, Y0
	VPERMD Y0, Y13, Y0
	SUM8(Y4, X4, AX)
	SUM8(Y5, X5, DX)
	LEAL (AX)(DX*1), R13
	VCVTSI2SSL R13, X6, X6
	VMULSS X6, X8, X6
	VMOVSS X8, (R10)
	VMOVSS X6, (R11)
	SHLL $7, AX
	SHLL $7, DX
	SHLL $7, R13
	NEGL AX
	NEGL DX
	NEGL R13
	MOVL AX, (R9)
	MOVL DX, (R9)(BX*1)
	MOVL R13, (R8)
	VEXTRACTI128 $1, Y0, X1
	VMOVD X0, (DI)
	VPEXTRD $1, X0, (DI)(BX*1)
	VPEXTRD $2, X0, (DI)(BX*2)
	VPEXTRD $3, X0, (DI)(R12*1)
	LEAQ (DI)(BX*4), DI
	VMOVD X1, (DI)
	VPEXTRD $1, X1, (DI)(BX*1)
	VPEXTRD $2, X1, (DI)(BX*2)
	VPEXTRD $3, X1, (DI)(R12*1)
	LEAQ (DI)(BX*4), DI
	ADDQ $128, SI
	LEAQ (R9)(BX*2), R9
	ADDQ BX, R8
	ADDQ BX, R10
	ADDQ BX, R11
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define EVENODD(at, y) \
	VPSRAW $8, y, Y14; \
	VPSLLW $8, y, y; \
	VPSRAW $8, y, y; \
	VMOVDQU y, (at)(DI); \
	VMOVDQU Y14, (192+at)(DI)

// Bytes [nb][192] to 16-bit numbers, the even ones of each block first. The
// bytes may be the second half of the result.
// func quantWidenAVX2(dst, src *int8, nb int)
TEXT ·quantWidenAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ nb+16(FP), CX

loop:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VMOVDQU 128(SI), Y4
	VMOVDQU 160(SI), Y5
	EVENODD(0, Y0)
	EVENODD(32, Y1)
	EVENODD(64, Y2)
	EVENODD(96, Y3)
	EVENODD(128, Y4)
	EVENODD(160, Y5)
	ADDQ $192, SI
	ADDQ $384, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
