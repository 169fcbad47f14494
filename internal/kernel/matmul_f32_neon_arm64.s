// What:      products of float32, f16 and bf16 panels with float32 activations,
//            and the widening of f16 and bf16 to float32, for NEON.
// Layout:    panel w [k][32] (bf16 [k/2][32][2]); x [k][6] for several tokens,
//            [k] for one; y [6][ldy] with 32 results per token.
// Algorithm: several tokens: 4 registers per token hold 16 rows, 24 in all, and
//            the 32 rows are done in two passes; per column 24 multiply-adds by an
//            element of x, and 3 loads. One token: 8 registers hold 32 rows. All
//            sums run over k in order, by fused multiply-add, in one register each.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands, TestWiden.

#include "textflag.h"
#include "neon_arm64.h"

#define ZERO4(a, b, c, d) \
	ZEROV(a); \
	ZEROV(b); \
	ZEROV(c); \
	ZEROV(d)

// 16 rows of a token: a..d += the weights in V24..V27 * element i of x.
#define TOKEN(a, b, c, d, x, i) \
	FMLAE(a, 24, x, i); \
	FMLAE(b, 25, x, i); \
	FMLAE(c, 26, x, i); \
	FMLAE(d, 27, x, i)

// func gemmF32NEON(y []float32, ldy int, w, x []float32, k int, acc bool)
TEXT ·gemmF32NEON(SB), NOSPLIT, $0-89
	MOVD  y_base+0(FP), R0
	MOVD  ldy+24(FP), R1
	MOVD  w_base+32(FP), R2
	MOVD  x_base+56(FP), R3
	MOVD  k+80(FP), R4
	MOVBU acc+88(FP), R5
	LSL   $2, R1, R1
	MOVD  $2, R9
	MOVD  $128, R10

pass:
	MOVD R2, R6
	MOVD R3, R7
	MOVD R4, R8
	CBNZ R5, load
	ZERO4(0, 1, 2, 3)
	ZERO4(4, 5, 6, 7)
	ZERO4(8, 9, 10, 11)
	ZERO4(12, 13, 14, 15)
	ZERO4(16, 17, 18, 19)
	ZERO4(20, 21, 22, 23)
	B    loop

load:
	MOVD R0, R11
	VLD1 (R11), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R1, R11, R11
	VLD1 (R11), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD  R1, R11, R11
	VLD1 (R11), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD  R1, R11, R11
	VLD1 (R11), [V12.S4, V13.S4, V14.S4, V15.S4]
	ADD  R1, R11, R11
	VLD1 (R11), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD  R1, R11, R11
	VLD1 (R11), [V20.S4, V21.S4, V22.S4, V23.S4]

loop:
	VLD1.P (R6)(R10), [V24.S4, V25.S4, V26.S4, V27.S4]
	VLD1.P 16(R7), [V28.S4]
	VLD1.P 8(R7), [V29.S2]
	TOKEN(0, 1, 2, 3, 28, 0)
	TOKEN(4, 5, 6, 7, 28, 1)
	TOKEN(8, 9, 10, 11, 28, 2)
	TOKEN(12, 13, 14, 15, 28, 3)
	TOKEN(16, 17, 18, 19, 29, 0)
	TOKEN(20, 21, 22, 23, 29, 1)
	SUBS $1, R8
	BNE  loop

	MOVD R0, R11
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R11)
	ADD  R1, R11, R11
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R11)
	ADD  R1, R11, R11
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R11)
	ADD  R1, R11, R11
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R11)
	ADD  R1, R11, R11
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R11)
	ADD  R1, R11, R11
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (R11)
	ADD  $64, R2
	ADD  $64, R0
	SUBS $1, R9
	BNE  pass
	RET

#define ZERO8 \
	ZERO4(0, 1, 2, 3); \
	ZERO4(4, 5, 6, 7)

#define STORE8 \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0); \
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R0)

// V0..V7 += V16..V23 * the first element of x.
#define ROWS32(x) \
	FMLAE(0, 16, x, 0); \
	FMLAE(1, 17, x, 0); \
	FMLAE(2, 18, x, 0); \
	FMLAE(3, 19, x, 0); \
	FMLAE(4, 20, x, 0); \
	FMLAE(5, 21, x, 0); \
	FMLAE(6, 22, x, 0); \
	FMLAE(7, 23, x, 0)

// func gemvF32NEON(y, w, x []float32, k int, acc bool)
TEXT ·gemvF32NEON(SB), NOSPLIT, $0-81
	MOVD  y_base+0(FP), R0
	MOVD  w_base+24(FP), R1
	MOVD  x_base+48(FP), R2
	MOVD  k+72(FP), R3
	MOVBU acc+80(FP), R4
	ZERO8
	CBZ   R4, loop
	MOVD  R0, R5
	VLD1.P 64(R5), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R5), [V4.S4, V5.S4, V6.S4, V7.S4]

loop:
	PRFM 2048(R1), PLDL1KEEP
	PRFM 2112(R1), PLDL1KEEP
	LDRSP(24, 2)
	VLD1.P 64(R1), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R1), [V20.S4, V21.S4, V22.S4, V23.S4]
	ROWS32(24)
	SUBS $1, R3
	BNE  loop
	STORE8
	RET

// func gemvF16NEON(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvF16NEON(SB), NOSPLIT, $0-80
	MOVD y_base+0(FP), R0
	MOVD w_base+24(FP), R1
	MOVD x_base+48(FP), R2
	MOVD k+72(FP), R3
	ZERO8

loop:
	PRFM 2048(R1), PLDL1KEEP
	LDRSP(24, 2)
	VLD1.P 64(R1), [V28.H8, V29.H8, V30.H8, V31.H8]
	FCVTL(16, 28)
	FCVTL2(17, 28)
	FCVTL(18, 29)
	FCVTL2(19, 29)
	FCVTL(20, 30)
	FCVTL2(21, 30)
	FCVTL(22, 31)
	FCVTL2(23, 31)
	ROWS32(24)
	SUBS $1, R3
	BNE  loop
	STORE8
	RET

// A register of 4 rows' pairs: the even column to d, by shift, the odd one in
// place, by the mask V31.
#define PAIR(d, pair) \
	SHL(d, pair, 16); \
	ANDV(pair, pair, 31)

// func gemvBF16NEON(y []float32, w []uint16, x []float32, k int)
TEXT ·gemvBF16NEON(SB), NOSPLIT, $0-80
	MOVD y_base+0(FP), R0
	MOVD w_base+24(FP), R1
	MOVD x_base+48(FP), R2
	MOVD k+72(FP), R3
	MOVD $0xFFFF0000, R4
	VDUP R4, V31.S4
	ZERO8

loop:
	PRFM 2048(R1), PLDL1KEEP
	PRFM 2112(R1), PLDL1KEEP
	VLD1.P 64(R1), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1.P 64(R1), [V12.S4, V13.S4, V14.S4, V15.S4]
	LDRSP(24, 2)
	PAIR(16, 8)
	PAIR(17, 9)
	PAIR(18, 10)
	PAIR(19, 11)
	PAIR(20, 12)
	PAIR(21, 13)
	PAIR(22, 14)
	PAIR(23, 15)
	ROWS32(24)
	SUBS $1, R3
	BEQ  done
	LDRSP(24, 2)
	FMLAE(0, 8, 24, 0)
	FMLAE(1, 9, 24, 0)
	FMLAE(2, 10, 24, 0)
	FMLAE(3, 11, 24, 0)
	FMLAE(4, 12, 24, 0)
	FMLAE(5, 13, 24, 0)
	FMLAE(6, 14, 24, 0)
	FMLAE(7, 15, 24, 0)
	SUBS $1, R3
	BNE  loop

done:
	STORE8
	RET

// len(src) is a multiple of 8.
// func widenF16NEON(dst []float32, src []uint16)
TEXT ·widenF16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	LSR  $3, R2, R2
	CBZ  R2, done

loop:
	VLD1.P 16(R1), [V2.H8]
	FCVTL(0, 2)
	FCVTL2(1, 2)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $1, R2
	BNE  loop

done:
	RET

// len(src) is a multiple of 64: two columns of 32 rows.
// func widenBF16NEON(dst []float32, src []uint16)
TEXT ·widenBF16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	LSR  $6, R2, R2
	CBZ  R2, done
	MOVD $0xFFFF0000, R3
	VDUP R3, V31.S4

loop:
	VLD1.P 64(R1), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1.P 64(R1), [V12.S4, V13.S4, V14.S4, V15.S4]
	PAIR(16, 8)
	PAIR(17, 9)
	PAIR(18, 10)
	PAIR(19, 11)
	PAIR(20, 12)
	PAIR(21, 13)
	PAIR(22, 14)
	PAIR(23, 15)
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(R0)
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	VST1.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(R0)
	SUBS $1, R2
	BNE  loop

done:
	RET
