// What:      keys and values of bf16 pages, put into their order by AVX2.
// Layout:    attn_page.go.
// Algorithm: the keys of 16 tokens are two columns of 8 x 8 matrices of pairs, which
//            are transposed; the values of two tokens are interleaved.
// Tested by: TestPutKV (attn_test.go).

#include "textflag.h"

// func putKeys16AVX2(at, rows *uint16, d int)
// at [d/2][16][2], rows [16][d]
TEXT ·putKeys16AVX2(SB), NOSPLIT, $0-24
	MOVQ at+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ d+16(FP), R8
	MOVQ R8, R9
	SHLQ $3, R9            // bytes of 4 rows
	ADDQ R8, R8            // bytes of a row
	LEAQ (R8)(R8*2), R10
	MOVQ $2, R11

tokens:
	MOVQ SI, R12
	MOVQ DI, R13
	MOVQ R8, CX
	SHRQ $5, CX

pairs:
	LEAQ (R12)(R9*1), R14
	VMOVDQU (R12), Y0
	VMOVDQU (R12)(R8*1), Y1
	VMOVDQU (R12)(R8*2), Y2
	VMOVDQU (R12)(R10*1), Y3
	VMOVDQU (R14), Y4
	VMOVDQU (R14)(R8*1), Y5
	VMOVDQU (R14)(R8*2), Y6
	VMOVDQU (R14)(R10*1), Y7
	VPUNPCKLDQ Y1, Y0, Y8
	VPUNPCKHDQ Y1, Y0, Y9
	VPUNPCKLDQ Y3, Y2, Y10
	VPUNPCKHDQ Y3, Y2, Y11
	VPUNPCKLDQ Y5, Y4, Y12
	VPUNPCKHDQ Y5, Y4, Y13
	VPUNPCKLDQ Y7, Y6, Y14
	VPUNPCKHDQ Y7, Y6, Y15
	VPUNPCKLQDQ Y10, Y8, Y0  // pairs 0 and 4 of four tokens
	VPUNPCKHQDQ Y10, Y8, Y1
	VPUNPCKLQDQ Y11, Y9, Y2
	VPUNPCKHQDQ Y11, Y9, Y3
	VPUNPCKLQDQ Y14, Y12, Y4
	VPUNPCKHQDQ Y14, Y12, Y5
	VPUNPCKLQDQ Y15, Y13, Y6
	VPUNPCKHQDQ Y15, Y13, Y7
	VPERM2I128 $0x20, Y4, Y0, Y8
	VPERM2I128 $0x20, Y5, Y1, Y9
	VPERM2I128 $0x20, Y6, Y2, Y10
	VPERM2I128 $0x20, Y7, Y3, Y11
	VPERM2I128 $0x31, Y4, Y0, Y12
	VPERM2I128 $0x31, Y5, Y1, Y13
	VPERM2I128 $0x31, Y6, Y2, Y14
	VPERM2I128 $0x31, Y7, Y3, Y15
	VMOVDQU Y8, (R13)
	VMOVDQU Y9, 64(R13)
	VMOVDQU Y10, 128(R13)
	VMOVDQU Y11, 192(R13)
	VMOVDQU Y12, 256(R13)
	VMOVDQU Y13, 320(R13)
	VMOVDQU Y14, 384(R13)
	VMOVDQU Y15, 448(R13)
	ADDQ $32, R12
	ADDQ $512, R13
	DECQ CX
	JNZ  pairs
	LEAQ (SI)(R9*2), SI
	ADDQ $32, DI
	DECQ R11
	JNZ  tokens
	VZEROUPPER
	RET

// func putValues2AVX2(at, x, y *uint16, d int)
// at [d/16][..][16][2], x and y [d]
TEXT ·putValues2AVX2(SB), NOSPLIT, $0-32
	MOVQ at+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ d+24(FP), CX
	SHRQ $4, CX

dims:
	VMOVDQU (SI), Y0
	VMOVDQU (DX), Y1
	VPUNPCKLWD Y1, Y0, Y2
	VPUNPCKHWD Y1, Y0, Y3
	VPERM2I128 $0x20, Y3, Y2, Y0
	VPERM2I128 $0x31, Y3, Y2, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $1024, DI
	DECQ CX
	JNZ  dims
	VZEROUPPER
	RET
