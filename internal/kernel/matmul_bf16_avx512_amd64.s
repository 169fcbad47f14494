// What:      products of bf16 panels with bf16 activations, for AVX512-BF16.
// Layout:    w [pairs][32 rows][2] bf16; x [pairs][6][2] for several tokens,
//            [pairs][2] for one; y [6][ldy] with 32 results per token, or [32].
// Algorithm: VDPBF16PS adds two products per row and instruction, in order of the
//            columns, to float32 sums in one register each.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"
#include "evex_amd64.h"

#define TOKEN(t, a, b) \
	VPBROADCASTD (4*t)(BX), Z14; \
	VDPBF16PS(a, 14, 12); \
	VDPBF16PS(b, 14, 13)

// func gemmBF16AVX512(y []float32, ldy int, w, x []uint16, pairs int)
TEXT ·gemmBF16AVX512(SB), NOSPLIT, $0-88
	MOVQ y_base+0(FP), R10
	MOVQ ldy+24(FP), R11
	MOVQ w_base+32(FP), SI
	MOVQ x_base+56(FP), BX
	MOVQ pairs+80(FP), CX
	SHLQ $2, R11
	LEAQ (R11)(R11*2), R12
	LEAQ (R10)(R12*1), R13
	PREFETCHT0 (R10)
	PREFETCHT0 64(R10)
	PREFETCHT0 (R10)(R11*1)
	PREFETCHT0 64(R10)(R11*1)
	PREFETCHT0 (R10)(R11*2)
	PREFETCHT0 64(R10)(R11*2)
	PREFETCHT0 (R13)
	PREFETCHT0 64(R13)
	PREFETCHT0 (R13)(R11*1)
	PREFETCHT0 64(R13)(R11*1)
	PREFETCHT0 (R13)(R11*2)
	PREFETCHT0 64(R13)(R11*2)
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7
	VPXORQ Z8, Z8, Z8
	VPXORQ Z9, Z9, Z9
	VPXORQ Z10, Z10, Z10
	VPXORQ Z11, Z11, Z11

loop:
	VMOVDQU64 (SI), Z12
	VMOVDQU64 64(SI), Z13
	TOKEN(0, 0, 6)
	TOKEN(1, 1, 7)
	TOKEN(2, 2, 8)
	TOKEN(3, 3, 9)
	TOKEN(4, 4, 10)
	TOKEN(5, 5, 11)
	ADDQ $128, SI
	ADDQ $24, BX
	DECQ CX
	JNZ  loop

	VMOVUPS Z0, (R10)
	VMOVUPS Z1, (R10)(R11*1)
	VMOVUPS Z2, (R10)(R11*2)
	VMOVUPS Z3, (R13)
	VMOVUPS Z4, (R13)(R11*1)
	VMOVUPS Z5, (R13)(R11*2)
	VMOVUPS Z6, 64(R10)
	VMOVUPS Z7, 64(R10)(R11*1)
	VMOVUPS Z8, 64(R10)(R11*2)
	VMOVUPS Z9, 64(R13)
	VMOVUPS Z10, 64(R13)(R11*1)
	VMOVUPS Z11, 64(R13)(R11*2)
	VZEROUPPER
	RET

// func gemvBF16x2AVX512(y []float32, w, x []uint16, pairs int)
TEXT ·gemvBF16x2AVX512(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ pairs+72(FP), CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1

loop:
	VMOVDQU64 (SI), Z12
	VMOVDQU64 64(SI), Z13
	VPBROADCASTD (BX), Z14
	PREFETCHT0 2048(SI)
	PREFETCHT0 2112(SI)
	VDPBF16PS(0, 14, 12)
	VDPBF16PS(1, 14, 13)
	ADDQ $128, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  loop
	VMOVUPS Z0, (R10)
	VMOVUPS Z1, 64(R10)
	VZEROUPPER
	RET
