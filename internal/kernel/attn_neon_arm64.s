// What:      attention over bf16 pages with NEON, float32 throughout: S = Q K^T,
//            the mask, the online softmax (which serves int8 pages as well),
//            O = c O + P V, for chunks of 3, 4 and 6 rows.
// Layout:    pages as in attn_page.go: 64 bytes are a pair of dimensions of 16
//            keys, or of tokens of 16 dimensions of V. The first of a pair is the
//            lower half of a 32-bit lane (shift it up), the second the upper half
//            (mask it); both are then float32. Q is [rows][d]. S has rows of STRIDE
//            bytes and becomes P in place; P of an int8 page is multiplied by the
//            scales of its values, vs, which is nil for others.
// Algorithm: register tiles of 3, 4 or 6 rows x 16 columns (four registers): with 6
//            rows 48 multiply-adds by an element of Q or P, 8 widenings and 16
//            loads per 64 bytes. The same lines of four groups later are
//            prefetched.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"
#include "neon_arm64.h"
#include "attn_neon_arm64.h"

DATA attnIota<>+0(SB)/8, $0x0000000100000000
DATA attnIota<>+8(SB)/8, $0x0000000300000002
GLOBL attnIota<>(SB), RODATA|NOPTR, $16

#define DIMBITS 1     // log2 of the dimensions in a step of QK
#define TOKENSTEPS 16 // steps of PV in 32 tokens
#define GROUPBITS 6   // log2 of the bytes of V of 32 tokens, over d
#define BEGINKEYS
#define ENDKEYS(rows)

#define UPPER \
	MOVD $0xFFFF0000, R8; \
	VDUP R8, V28.S4

#define STEPS(rows) \
	COLUMNS; \
	COLUMNS4(SHL, 16); \
	rows(FMAROW); \
	COLUMNS; \
	COLUMNS4(ANDV, 28); \
	rows(FMAROW)

// func attnQK3NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS3)

// func attnQK4NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS4)

// func attnQK6NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK6NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS6)

// func attnPV3NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS3)

// func attnPV4NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS4)

// func attnPV6NEON(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV6NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS6)

// func attnMaskNEON(s *float32, lo, hi int, bias *float32, groups int)
TEXT ·attnMaskNEON(SB), NOSPLIT, $0-40
	MOVD s+0(FP), R0
	MOVD lo+8(FP), R1
	MOVD hi+16(FP), R2
	MOVD bias+24(FP), R3
	VDUP R1, V1.S4
	VDUP R2, V2.S4
	MOVD $attnIota<>(SB), R4
	VLD1 (R4), [V0.S4]
	MOVD $4, R4
	VDUP R4, V3.S4
	MOVD $0xFF800000, R4 // -Inf
	VDUP R4, V4.S4
	MOVD $0x3FB8AA3B, R4 // log2(e)
	VDUP R4, V5.S4
	MOVD groups+32(FP), R5
	LSL  $3, R5

slots:
	VLD1 (R0), [V6.S4]
	CBZ  R3, plain
	VLD1.P 16(R3), [V7.S4]
	FMLA(6, 7, 5)

plain:
	CMGT(7, 1, 0) // lo > slot
	CMGT(8, 2, 0) // hi > slot
	BICV(8, 8, 7)
	ORRV(9, 4, 4)
	BITV(9, 6, 8)
	VST1.P [V9.S4], 16(R0)
	ADD4(0, 0, 3)
	SUBS $1, R5
	BNE  slots
	RET

// func attnSoftmaxNEON(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxNEON(SB), NOSPLIT, $0-56
	MOVD s+0(FP), R0
	MOVD m+8(FP), R1
	MOVD l+16(FP), R2
	MOVD c+24(FP), R3
	MOVD vs+32(FP), R4
	MOVD rows+40(FP), R5
	MOVD groups+48(FP), R6
	EXP2CONST

row:
	MAXIMUM
	MOVD R0, R7
	MOVD R4, R10
	MOVD R6, R11

group:
	MOVD.P 8(R10), R12 // scales of the values of a group, or nil
	MOVD $2, R8

exp:
	LDPQ(0, 1, 7, 0)
	LDPQ(2, 3, 7, 32)
	FSUB(0, 0, 23)
	FSUB(1, 1, 23)
	FSUB(2, 2, 23)
	FSUB(3, 3, 23)
	EXP2(0)
	EXP2(1)
	EXP2(2)
	EXP2(3)
	FADD(24, 24, 0)
	FADD(25, 25, 1)
	FADD(26, 26, 2)
	FADD(27, 27, 3)
	CBZ  R12, store
	VLD1.P 64(R12), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL(0, 0, 4)
	FMUL(1, 1, 5)
	FMUL(2, 2, 6)
	FMUL(3, 3, 7)

store:
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R7)
	SUBS $1, R8
	BNE  exp
	SUBS $1, R11
	BNE  group
	STPQ(24, 25, 2, 0)
	STPQ(26, 27, 2, 32)
	ADD  $STRIDE, R0
	ADD  $4, R1
	ADD  $64, R2
	ADD  $4, R3
	SUBS $1, R5
	BNE  row
	RET
