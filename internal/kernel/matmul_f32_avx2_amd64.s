// What:      products of float32, f16 and bf16 panels with float32 activations,
//            and the widening of f16 and bf16 to float32, for AVX2.
// Layout:    panel w [k][32] (bf16 [k/2][32][2]); x [k][6] for several tokens,
//            [k] for one; y [6][ldy] with 32 results per token.
// Algorithm: two registers per token hold 16 rows, and the 32 rows are done in
//            two passes; all sums run over k in order, by fused multiply-add, in
//            one register each.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

DATA highHalfY<>+0(SB)/4, $0xFFFF0000
GLOBL highHalfY<>(SB), RODATA|NOPTR, $4

#define F32_TOKEN(t, a, b) \
	VBROADCASTSS (4*t)(AX), Y14; \
	VFMADD231PS Y12, Y14, a; \
	VFMADD231PS Y13, Y14, b

// func gemmF32AVX2(y []float32, ldy int, w, x []float32, k int, acc bool)
TEXT ·gemmF32AVX2(SB), NOSPLIT, $0-89
	MOVQ y_base+0(FP), R10
	MOVQ ldy+24(FP), R11
	MOVQ w_base+32(FP), SI
	MOVQ x_base+56(FP), BX
	MOVQ $2, R9
	SHLQ $2, R11
	LEAQ (R11)(R11*2), R12
	LEAQ (R10)(R12*1), R13

pass:
	MOVQ SI, DI
	MOVQ BX, AX
	MOVQ k+80(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	CMPB acc+88(FP), $0
	JEQ  loop
	VMOVUPS (R10), Y0
	VMOVUPS (R10)(R11*1), Y1
	VMOVUPS (R10)(R11*2), Y2
	VMOVUPS (R13), Y3
	VMOVUPS (R13)(R11*1), Y4
	VMOVUPS (R13)(R11*2), Y5
	VMOVUPS 32(R10), Y6
	VMOVUPS 32(R10)(R11*1), Y7
	VMOVUPS 32(R10)(R11*2), Y8
	VMOVUPS 32(R13), Y9
	VMOVUPS 32(R13)(R11*1), Y10
	VMOVUPS 32(R13)(R11*2), Y11

loop:
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	F32_TOKEN(0, Y0, Y6)
	F32_TOKEN(1, Y1, Y7)
	F32_TOKEN(2, Y2, Y8)
	F32_TOKEN(3, Y3, Y9)
	F32_TOKEN(4, Y4, Y10)
	F32_TOKEN(5, Y5, Y11)
	ADDQ $128, DI
	ADDQ $24, AX
	DECQ CX
	JNZ  loop

	VMOVUPS Y0, (R10)
	VMOVUPS Y1, (R10)(R11*1)
	VMOVUPS Y2, (R10)(R11*2)
	VMOVUPS Y3, (R13)
	VMOVUPS Y4, (R13)(R11*1)
	VMOVUPS Y5, (R13)(R11*2)
	VMOVUPS Y6, 32(R10)
	VMOVUPS Y7, 32(R10)(R11*1)
	VMOVUPS Y8, 32(R10)(R11*2)
	VMOVUPS Y9, 32(R13)
	VMOVUPS Y10, 32(R13)(R11*1)
	VMOVUPS Y11, 32(R13)(R11*2)
	ADDQ $64, SI
	ADDQ $64, R10
	ADDQ $64, R13
	DECQ R9
	JNZ  pass
	VZEROUPPER
	RET

// func gemvF32AVX2(y, w, x []float32, k int, acc bool)
TEXT ·gemvF32AVX2(SB), NOSPLIT, $0-81
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	CMPB acc+80(FP), $0
	JEQ  loop
	VMOVUPS (R10), Y0
	VMOVUPS 32(R10), Y1
	VMOVUPS 64(R10), Y2
	VMOVUPS 96(R10), Y3

loop:
	VBROADCASTSS (BX), Y4
	VFMADD231PS (SI), Y4, Y0
	VFMADD231PS 32(SI), Y4, Y1
	VFMADD231PS 64(SI), Y4, Y2
	VFMADD231PS 96(SI), Y4, Y3
	ADDQ $128, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  loop
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	VMOVUPS Y2, 64(R10)
	VMOVUPS Y3, 96(R10)
	VZEROUPPER
	RET

// func gemvF16AVX2(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvF16AVX2(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3

loop:
	VBROADCASTSS (BX), Y4
	VCVTPH2PS (SI), Y5
	VCVTPH2PS 16(SI), Y6
	VCVTPH2PS 32(SI), Y7
	VCVTPH2PS 48(SI), Y8
	VFMADD231PS Y5, Y4, Y0
	VFMADD231PS Y6, Y4, Y1
	VFMADD231PS Y7, Y4, Y2
	VFMADD231PS Y8, Y4, Y3
	ADDQ $64, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  loop
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	VMOVUPS Y2, 64(R10)
	VMOVUPS Y3, 96(R10)
	VZEROUPPER
	RET

// The even column's value of 8 rows, and the odd one's.
#define EVEN(at, y) \
	VPSLLD $16, at, Y6; \
	VFMADD231PS Y6, Y4, y

#define ODD(at, y) \
	VPAND at, Y15, at; \
	VFMADD231PS at, Y5, y

// func gemvBF16AVX2(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvBF16AVX2(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), R10
	MOVQ w_base+24(FP), SI
	MOVQ x_base+48(FP), BX
	MOVQ k+72(FP), CX
	VPBROADCASTD highHalfY<>(SB), Y15
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3

loop:
	VMOVDQU (SI), Y8
	VMOVDQU 32(SI), Y9
	VMOVDQU 64(SI), Y10
	VMOVDQU 96(SI), Y11
	VBROADCASTSS (BX), Y4
	EVEN(Y8, Y0)
	EVEN(Y9, Y1)
	EVEN(Y10, Y2)
	EVEN(Y11, Y3)
	DECQ CX
	JZ   done
	VBROADCASTSS 4(BX), Y5
	ODD(Y8, Y0)
	ODD(Y9, Y1)
	ODD(Y10, Y2)
	ODD(Y11, Y3)
	ADDQ $128, SI
	ADDQ $8, BX
	DECQ CX
	JNZ  loop

done:
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	VMOVUPS Y2, 64(R10)
	VMOVUPS Y3, 96(R10)
	VZEROUPPER
	RET

// len(src) is a multiple of 8.
// func widenF16AVX2(dst []float32, src []uint16)
TEXT ·widenF16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SHRQ $3, CX
	JZ   done

loop:
	VCVTPH2PS (SI), Y0
	VMOVUPS Y0, (DI)
	ADDQ $16, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET

#define WIDEN2(at) \
	VMOVDQU at(SI), Y0; \
	VPSLLD $16, Y0, Y1; \
	VPAND Y15, Y0, Y0; \
	VMOVUPS Y1, at(DI); \
	VMOVUPS Y0, (128+at)(DI)

// len(src) is a multiple of 64: two columns of 32 rows.
// func widenBF16AVX2(dst []float32, src []uint16)
TEXT ·widenBF16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	VPBROADCASTD highHalfY<>(SB), Y15
	SHRQ $6, CX
	JZ   done

loop:
	WIDEN2(0)
	WIDEN2(32)
	WIDEN2(64)
	WIDEN2(96)
	ADDQ $128, SI
	ADDQ $256, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
