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
//            loads per 64 bytes. The same lines of the page that comes next are
//            prefetched.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"
#include "neon_arm64.h"
#include "attn_neon_arm64.h"

DATA attnF32<>+0(SB)/4, $0xc2fc0000 // -126
// 2^f for |f| <= 1/2, relative error 1e-7, 1 exactly at 0.
DATA attnF32<>+4(SB)/4, $0x3aaddd24 // 0.00132648
DATA attnF32<>+8(SB)/4, $0x3c1e754f // 0.00967152
DATA attnF32<>+12(SB)/4, $0x3d635baa // 0.05550734
DATA attnF32<>+16(SB)/4, $0x3e75fcde // 0.24022242
DATA attnF32<>+20(SB)/4, $0x3f317215 // 0.69314698
DATA attnF32<>+24(SB)/4, $0x3f800000 // 1
GLOBL attnF32<>(SB), RODATA|NOPTR, $28

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

// func attnQK3NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)
TEXT ·attnQK3NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS3)

// func attnQK4NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)
TEXT ·attnQK4NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS4)

// func attnQK6NEON(s *float32, q *uint32, k, ks *unsafe.Pointer, pages, d int)
TEXT ·attnQK6NEON(SB), NOSPLIT, $0-48
	UPPER
	QK(ROWS6)

// func attnPV3NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
TEXT ·attnPV3NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS3)

// func attnPV4NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
TEXT ·attnPV4NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS4)

// func attnPV6NEON(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
TEXT ·attnPV6NEON(SB), NOSPLIT, $0-48
	UPPER
	PV(ROWS6)

// func attnMaskNEON(s *float32, lo, hi int, bias *float32)
TEXT ·attnMaskNEON(SB), NOSPLIT, $0-32
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
	MOVD $32, R5

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

// x = 2^x for x <= 0, 0 below -126: nearest integer V28, polynomial in the rest,
// V28 added to the exponent. NaN stays NaN. FMLA adds to a copy of each coefficient.
#define EXP2(x) \
	FMAX(29, x, 16); \
	FRINTN(28, 29); \
	FSUB(29, 29, 28); \
	FCVTNS(28, 28); \
	SHL(28, 28, 23); \
	ORRV(30, 18, 18); \
	FMLA(30, 17, 29); \
	ORRV(31, 19, 19); \
	FMLA(31, 30, 29); \
	ORRV(30, 20, 20); \
	FMLA(30, 31, 29); \
	ORRV(31, 21, 21); \
	FMLA(31, 30, 29); \
	ORRV(30, 22, 22); \
	FMLA(30, 31, 29); \
	ADD4(30, 30, 28); \
	FCMGT(28, 16, x); \
	BICV(x, 30, 28)

// func attnSoftmaxNEON(s, m, l, c *float32, vs *unsafe.Pointer, rows, pages int)
TEXT ·attnSoftmaxNEON(SB), NOSPLIT, $0-56
	MOVD s+0(FP), R0
	MOVD m+8(FP), R1
	MOVD l+16(FP), R2
	MOVD c+24(FP), R3
	MOVD vs+32(FP), R4
	MOVD rows+40(FP), R5
	MOVD pages+48(FP), R6
	MOVD $attnF32<>(SB), R7
	VLD1R.P 4(R7), [V16.S4]
	VLD1R.P 4(R7), [V17.S4]
	VLD1R.P 4(R7), [V18.S4]
	VLD1R.P 4(R7), [V19.S4]
	VLD1R.P 4(R7), [V20.S4]
	VLD1R.P 4(R7), [V21.S4]
	VLD1R.P 4(R7), [V22.S4]

row:
	// V23 = the new maximum, in all lanes
	VLD1R (R1), [V8.S4]
	ORRV(0, 8, 8)
	ORRV(1, 8, 8)
	ORRV(2, 8, 8)
	ORRV(3, 8, 8)
	MOVD R0, R7
	LSL  $3, R6, R8

top:
	VLD1.P 64(R7), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMAX(0, 0, 4)
	FMAX(1, 1, 5)
	FMAX(2, 2, 6)
	FMAX(3, 3, 7)
	SUBS $1, R8
	BNE  top
	FMAX(0, 0, 1)
	FMAX(2, 2, 3)
	FMAX(0, 0, 2)
	FMAXV(0, 0)
	VDUP V0.S[0], V23.S4
	FMOVS F0, (R1)

	// c = 2^(old - new), l = l*c + sum of p
	FSUB(0, 8, 23)
	EXP2(0)
	FMOVS F0, (R3)
	LDPQ(24, 25, 2, 0)
	LDPQ(26, 27, 2, 32)
	FMUL(24, 24, 0)
	FMUL(25, 25, 0)
	FMUL(26, 26, 0)
	FMUL(27, 27, 0)
	MOVD R0, R7
	MOVD R4, R10
	MOVD R6, R11

page:
	MOVD.P 8(R10), R12 // scales of the values of a page, or nil
	MOVD $8, R8

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
	BNE  page
	STPQ(24, 25, 2, 0)
	STPQ(26, 27, 2, 32)
	ADD  $STRIDE, R0
	ADD  $4, R1
	ADD  $64, R2
	ADD  $4, R3
	SUBS $1, R5
	BNE  row
	RET
