// What:      products of float32, f16 and bf16 panels with float32 activations,
//            and the widening of f16 and bf16 to float32, for AVX-512.
// Layout:    panel w [k][32] (bf16 [k/2][32][2]); x [k][6] for several tokens,
//            [k] for one; y [6][ldy] with 32 results per token.
// Algorithm: two registers per token hold the 32 rows; all sums run over k in
//            order, by fused multiply-add, in one register each.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

DATA highHalf<>+0(SB)/4, $0xFFFF0000
GLOBL highHalf<>(SB), RODATA|NOPTR, $4

#define F32_TOKEN(t, a, b) \
	VBROADCASTSS (4*t)(BX), Z14; \
	VFMADD231PS Z12, Z14, a; \
	VFMADD231PS Z13, Z14, b

// func gemmF32AVX512(y []float32, ldy int, w, x []float32, k int, acc bool)
TEXT ·gemmF32AVX512(SB), NOSPLIT, $0-89
	MOVQ y_base+0(FP), R10
	MOVQ ldy+24(FP), R11
	MOVQ w_base+32(FP), SI
	MOVQ x_base+56(FP), BX
	MOVQ k+80(FP), CX
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
	CMPB acc+88(FP), $0
	JEQ  zero
	VMOVUPS (R10), Z0
	VMOVUPS (R10)(R11*1), Z1
	VMOVUPS (R10)(R11*2), Z2
	VMOVUPS (R13), Z3
	VMOVUPS (R13)(R11*1), Z4
	VMOVUPS (R13)(R11*2), Z5
	VMOVUPS 64(R10), Z6
	VMOVUPS 64(R10)(R11*1), Z7
	VMOVUPS 64(R10)(R11*2), Z8
	VMOVUPS 64(R13), Z9
	VMOVUPS 64(R13)(R11*1), Z10
	VMOVUPS 64(R13)(R11*2), Z11
	JMP  loop

zero:
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
	VMOVUPS (SI), Z12
	VMOVUPS 64(SI), Z13
	F32_TOKEN(0, Z0, Z6)
	F32_TOKEN(1, Z1, Z7)
	F32_TOKEN(2, Z2, Z8)
	F32_TOKEN(3, Z3, Z9)
	F32_TOKEN(4, Z4, Z10)
	F32_TOKEN(5, Z5, Z11)
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

// func gemvF32AVX512(y, w, x []float32, k int, acc bool)
TEXT ·gemvF32AVX512(SB), NOSPLIT, $0-81
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	CMPB acc+80(FP), $0
	JEQ  loop
	VMOVUPS (R10), Z0
	VMOVUPS 64(R10), Z1

loop:
	VBROADCASTSS (BX), Z2
	VFMADD231PS (SI), Z2, Z0
	VFMADD231PS 64(SI), Z2, Z1
	ADDQ $128, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  loop
	VMOVUPS Z0, (R10)
	VMOVUPS Z1, 64(R10)
	VZEROUPPER
	RET

// func gemvF16AVX512(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvF16AVX512(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1

loop:
	VBROADCASTSS (BX), Z2
	VCVTPH2PS (SI), Z3
	VCVTPH2PS 32(SI), Z4
	VFMADD231PS Z3, Z2, Z0
	VFMADD231PS Z4, Z2, Z1
	ADDQ $64, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  loop
	VMOVUPS Z0, (R10)
	VMOVUPS Z1, 64(R10)
	VZEROUPPER
	RET

// func gemvBF16AVX512(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvBF16AVX512(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPBROADCASTD highHalf<>(SB), Z31
	SUBQ $2, CX
	JLT  odd

loop:
	VMOVDQU64 (SI), Z3
	VMOVDQU64 64(SI), Z4
	VBROADCASTSS (BX), Z2
	VBROADCASTSS 4(BX), Z5
	VPSLLD $16, Z3, Z6
	VPSLLD $16, Z4, Z7
	VPANDD Z31, Z3, Z3
	VPANDD Z31, Z4, Z4
	VFMADD231PS Z6, Z2, Z0
	VFMADD231PS Z7, Z2, Z1
	VFMADD231PS Z3, Z5, Z0
	VFMADD231PS Z4, Z5, Z1
	ADDQ $128, SI
	ADDQ $8, BX
	SUBQ $2, CX
	JGE  loop

odd:
	ADDQ $2, CX
	JZ   done
	VMOVDQU64 (SI), Z3
	VMOVDQU64 64(SI), Z4
	VBROADCASTSS (BX), Z2
	VPSLLD $16, Z3, Z6
	VPSLLD $16, Z4, Z7
	VFMADD231PS Z6, Z2, Z0
	VFMADD231PS Z7, Z2, Z1

done:
	VMOVUPS Z0, (R10)
	VMOVUPS Z1, 64(R10)
	VZEROUPPER
	RET

// len(src) is a multiple of 16.
// func widenF16AVX512(dst []float32, src []uint16)
TEXT ·widenF16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SHRQ $4, CX
	JZ   done

loop:
	VCVTPH2PS (SI), Z0
	VMOVUPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET

// len(src) is a multiple of 64: two columns of 32 rows.
// func widenBF16AVX512(dst []float32, src []uint16)
TEXT ·widenBF16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	VPBROADCASTD highHalf<>(SB), Z31
	SHRQ $6, CX
	JZ   done

loop:
	VMOVDQU64 (SI), Z0
	VMOVDQU64 64(SI), Z1
	VPSLLD $16, Z0, Z2
	VPSLLD $16, Z1, Z3
	VPANDD Z31, Z0, Z0
	VPANDD Z31, Z1, Z1
	VMOVUPS Z2, (DI)
	VMOVUPS Z3, 64(DI)
	VMOVUPS Z0, 128(DI)
	VMOVUPS Z1, 192(DI)
	ADDQ $128, SI
	ADDQ $256, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
