// What:      what attention over bf16 pages and over int8 pages has in common in
//            NEON (attn_neon_arm64.s, attn_neoni8_arm64.s,
//            attn_neondot_arm64.s).
// Layout:    a tile is up to 6 rows x 16 columns: row r in V(4r) .. V(4r+3). The 64
//            bytes in hand are widened to the 16 columns V24..V27. p is the number
//            of the register that walks over Q or P of a row, t of a free V.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

#define ROWS3(op) \
	op(0, 10, 29); \
	op(1, 11, 30); \
	op(2, 12, 31)
#define ROWS4(op) \
	ROWS3(op); \
	op(3, 13, 29)
#define ROWS6(op) \
	ROWS4(op); \
	op(4, 14, 30); \
	op(5, 15, 31)

// The next element of Q or P times the 16 columns.
#define FMAROW(r, p, t) \
	LDRSP(t, p); \
	FMLAE(4*r, 24, t, 0); \
	FMLAE(4*r+1, 25, t, 0); \
	FMLAE(4*r+2, 26, t, 0); \
	FMLAE(4*r+3, 27, t, 0)

#define ZEROROW(r, p, t) \
	ZEROV(4*r); \
	ZEROV(4*r+1); \
	ZEROV(4*r+2); \
	ZEROV(4*r+3)

#define STORES(r, p, t) \
	STRQ(4*r, 0, r*STRIDE); \
	STRQ(4*r+1, 0, r*STRIDE+16); \
	STRQ(4*r+2, 0, r*STRIDE+32); \
	STRQ(4*r+3, 0, r*STRIDE+48)

// Times the scales of 16 keys, in V24..V27.
#define SCALEKEYS(r, p, t) \
	FMUL(4*r, 4*r, 24); \
	FMUL(4*r+1, 4*r+1, 25); \
	FMUL(4*r+2, 4*r+2, 26); \
	FMUL(4*r+3, 4*r+3, 27)

// One row of O, to which R8 points: load and scale by the row's factor, or store.
#define LOADO(r, p, t) \
	LDRS(t, 3, 4*r); \
	LDPQ(4*r, 4*r+1, 8, 0); \
	LDPQ(4*r+2, 4*r+3, 8, 32); \
	FMULE(4*r, 4*r, t, 0); \
	FMULE(4*r+1, 4*r+1, t, 0); \
	FMULE(4*r+2, 4*r+2, t, 0); \
	FMULE(4*r+3, 4*r+3, t, 0); \
	ADD  R16, R8
#define STOREO(r, p, t) \
	STPQ(4*r, 4*r+1, 8, 0); \
	STPQ(4*r+2, 4*r+3, 8, 32); \
	ADD  R16, R8

#define COLUMNS \
	LDPQ(24, 25, 6, 0); \
	LDPQ(26, 27, 6, 32)

// Each of the columns by an operation with an operand.
#define COLUMNS4(op, x) \
	op(24, 24, x); \
	op(25, 25, x); \
	op(26, 26, x); \
	op(27, 27, x)

// QK computes S = Q K^T, rows being one of ROWS3 .. ROWS6. R0 s, R1 q [rows][d],
// R2 k, R3 ks, R4 groups, R5 d.
#define QK(rows) \
	MOVD s+0(FP), R0; \
	MOVD q+8(FP), R1; \
	MOVD k+16(FP), R2; \
	MOVD ks+24(FP), R3; \
	MOVD groups+32(FP), R4; \
	MOVD d+40(FP), R5; \
	LSL  $2, R5, R16; \
group: \
	MOVD.P 8(R2), R6; \
	MOVD 24(R2), R7; \
	SUB  R6, R7; \
	BEGINKEYS; \
	MOVD $2, R9; \
tile: \
	MOVD R1, R10; \
	ADD  R16, R10, R11; \
	ADD  R16, R11, R12; \
	ADD  R16, R12, R13; \
	ADD  R16, R13, R14; \
	ADD  R16, R14, R15; \
	rows(ZEROROW); \
	LSR  $DIMBITS, R5, R8; \
dims: \
	ADD  R6, R7, R17; \
	PRFM (R17), PLDL2KEEP; \
	STEPS(rows); \
	ADD  $64, R6; \
	SUBS $1, R8; \
	BNE  dims; \
	ENDKEYS(rows); \
	rows(STORES); \
	ADD  $64, R0; \
	SUBS $1, R9; \
	BNE  tile; \
	SUBS $1, R4; \
	BNE  group; \
	RET

// PV computes O = c O + P V. R0 o, R1 p, R2 v, R3 c, R4 groups, R5 d.
#define PV(rows) \
	MOVD o+0(FP), R0; \
	MOVD p+8(FP), R1; \
	MOVD v+16(FP), R2; \
	MOVD c+24(FP), R3; \
	MOVD d+40(FP), R5; \
	LSL  $2, R5, R16; \
	LSL  $GROUPBITS, R5, R19; \
	MOVD $0, R20; \
tile: \
	MOVD R0, R8; \
	rows(LOADO); \
	MOVD R1, R10; \
	ADD  $STRIDE, R10, R11; \
	ADD  $STRIDE, R11, R12; \
	ADD  $STRIDE, R12, R13; \
	ADD  $STRIDE, R13, R14; \
	ADD  $STRIDE, R14, R15; \
	MOVD R2, R21; \
	MOVD groups+32(FP), R4; \
group: \
	MOVD.P 8(R21), R6; \
	MOVD 24(R21), R7; \
	SUB  R6, R7; \
	ADD  R20, R6; \
	MOVD $TOKENSTEPS, R8; \
tokens: \
	ADD  R6, R7, R17; \
	PRFM (R17), PLDL2KEEP; \
	STEPS(rows); \
	ADD  $64, R6; \
	SUBS $1, R8; \
	BNE  tokens; \
	SUBS $1, R4; \
	BNE  group; \
	MOVD R0, R8; \
	rows(STOREO); \
	ADD  $64, R0; \
	ADD  $(64*TOKENSTEPS), R20; \
	CMP  R19, R20; \
	BNE  tile; \
	RET

DATA attnF32<>+0(SB)/4, $0xc2fc0000 // -126
// 2^f for |f| <= 1/2, relative error 1e-7, 1 exactly at 0.
DATA attnF32<>+4(SB)/4, $0x3aaddd24 // 0.00132648
DATA attnF32<>+8(SB)/4, $0x3c1e754f // 0.00967152
DATA attnF32<>+12(SB)/4, $0x3d635baa // 0.05550734
DATA attnF32<>+16(SB)/4, $0x3e75fcde // 0.24022242
DATA attnF32<>+20(SB)/4, $0x3f317215 // 0.69314698
DATA attnF32<>+24(SB)/4, $0x3f800000 // 1
GLOBL attnF32<>(SB), RODATA|NOPTR, $28

#define EXP2CONST \
	MOVD $attnF32<>(SB), R7; \
	VLD1R.P 4(R7), [V16.S4]; \
	VLD1R.P 4(R7), [V17.S4]; \
	VLD1R.P 4(R7), [V18.S4]; \
	VLD1R.P 4(R7), [V19.S4]; \
	VLD1R.P 4(R7), [V20.S4]; \
	VLD1R.P 4(R7), [V21.S4]; \
	VLD1R.P 4(R7), [V22.S4]

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

// The beginning of a row of softmax: V23 = the new maximum, in all lanes; c = 2^(old
// - new); V24..V27 = l*c. R0 s, R1 m, R2 l, R3 c, R6 groups.
#define MAXIMUM \
	VLD1R (R1), [V8.S4]; \
	ORRV(0, 8, 8); \
	ORRV(1, 8, 8); \
	ORRV(2, 8, 8); \
	ORRV(3, 8, 8); \
	MOVD R0, R7; \
	LSL  $1, R6, R8; \
top: \
	VLD1.P 64(R7), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	FMAX(0, 0, 4); \
	FMAX(1, 1, 5); \
	FMAX(2, 2, 6); \
	FMAX(3, 3, 7); \
	SUBS $1, R8; \
	BNE  top; \
	FMAX(0, 0, 1); \
	FMAX(2, 2, 3); \
	FMAX(0, 0, 2); \
	FMAXV(0, 0); \
	VDUP V0.S[0], V23.S4; \
	FMOVS F0, (R1); \
	FSUB(0, 8, 23); \
	EXP2(0); \
	FMOVS F0, (R3); \
	LDPQ(24, 25, 2, 0); \
	LDPQ(26, 27, 2, 32); \
	FMUL(24, 24, 0); \
	FMUL(25, 25, 0); \
	FMUL(26, 26, 0); \
	FMUL(27, 27, 0)
