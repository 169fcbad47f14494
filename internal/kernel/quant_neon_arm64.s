// What:      int8 activations of one token, for NEON.
// Layout:    x [nb][32] float32; q [nb][8][lanes][4], sums, d, xs [nb][lanes],
//            halfSums [2*nb][lanes], each from this token's lane on.
// Algorithm: the largest magnitude of 32 values by an unsigned maximum of their
//            bits without signs, NaN above all; d = max/127, q = x*(127/max)
//            rounded to nearest even. No numbers: d = NaN. Tiny blocks: d = 0.
// Tested by: TestQuantise (quant_test.go).

#include "textflag.h"
#include "neon_arm64.h"

#define EACH8(op, x) \
	op(0, x); \
	op(1, x); \
	op(2, x); \
	op(3, x); \
	op(4, x); \
	op(5, x); \
	op(6, x); \
	op(7, x)

#define MAGNITUDE(i, mask) ANDV(16+i, i, mask)
#define STEPS(i, inv) FMULE(i, i, inv, 0); FCVTNS(i, i)
#define NOTHING(i, x) ZEROV(i)

#define WORD4(from) \
	VMOV from, R10; \
	MOVW R10, (R0); \
	ADD  R7, R0

// func quantRowNEON(q *int8, sums, halfSums *int32, d, xs, x *float32, nb, lanes int)
TEXT ·quantRowNEON(SB), NOSPLIT, $0-64
	MOVD q+0(FP), R0
	MOVD sums+8(FP), R1
	MOVD halfSums+16(FP), R2
	MOVD d+24(FP), R3
	MOVD xs+32(FP), R4
	MOVD x+40(FP), R5
	MOVD nb+48(FP), R6
	MOVD lanes+56(FP), R7
	LSL  $2, R7, R7
	MOVD $0x7FFFFFFF, R10 // all bits but the sign
	VDUP R10, V31.S4
	MOVD $0x3C010204, R10 // float32(1/127)
	FMOVS R10, F28
	MOVD $0x42FE0000, R10 // 127
	FMOVS R10, F29
	MOVD $0x7FC00000, R10 // NaN
	FMOVS R10, F30
	MOVD $0x7F800000, R14 // infinity
	MOVD $0x0D800000, R15 // 2^-100

loop:
	VLD1.P 64(R5), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R5), [V4.S4, V5.S4, V6.S4, V7.S4]
	EACH8(MAGNITUDE, 31)
	UMAX4(16, 16, 17)
	UMAX4(18, 18, 19)
	UMAX4(20, 20, 21)
	UMAX4(22, 22, 23)
	UMAX4(16, 16, 18)
	UMAX4(20, 20, 22)
	UMAX4(16, 16, 20)
	UMAXV(16, 16)
	FMOVS F16, R8
	CMPW  R14, R8
	BHS   none
	CMPW  R15, R8
	BLO   tiny
	FMULS F28, F16, F24 // d
	FDIVS F16, F29, F25 // 127/max
	EACH8(STEPS, 25)
	B     write

none:
	FMOVS F30, F24
	B     blank

tiny:
	ZEROV(24)

blank:
	EACH8(NOTHING, 0)

write:
	ADD4(16, 0, 1)
	ADD4(17, 2, 3)
	ADD4(18, 4, 5)
	ADD4(19, 6, 7)
	ADD4(16, 16, 17)
	ADD4(18, 18, 19)
	ADDV(16, 16)
	ADDV(18, 18)
	FMOVS F16, R8
	FMOVS F18, R9
	ADDW  R8, R9, R11
	SCVTFWS R11, F26
	FMULS F24, F26, F26
	FMOVS F24, (R3)
	FMOVS F26, (R4)
	LSLW  $7, R8, R8
	LSLW  $7, R9, R9
	LSLW  $7, R11, R11
	NEGW  R8, R8
	NEGW  R9, R9
	NEGW  R11, R11
	MOVW  R8, (R2)
	ADD   R7, R2
	MOVW  R9, (R2)
	ADD   R7, R2
	MOVW  R11, (R1)
	ADD   R7, R1
	ADD   R7, R3
	ADD   R7, R4
	SQXTNH(0, 0)
	SQXTNH2(0, 1)
	SQXTNH(2, 2)
	SQXTNH2(2, 3)
	SQXTNH(4, 4)
	SQXTNH2(4, 5)
	SQXTNH(6, 6)
	SQXTNH2(6, 7)
	SQXTNB(0, 0)
	SQXTNB2(0, 2)
	SQXTNB(4, 4)
	SQXTNB2(4, 6)
	WORD4(V0.S[0])
	WORD4(V0.S[1])
	WORD4(V0.S[2])
	WORD4(V0.S[3])
	WORD4(V4.S[0])
	WORD4(V4.S[1])
	WORD4(V4.S[2])
	WORD4(V4.S[3])
	SUBS $1, R6
	BNE  loop
	RET
