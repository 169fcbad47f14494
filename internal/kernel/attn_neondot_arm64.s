// What:      attention over int8 pages with NEON's dot products of bytes: S = Q K^T,
//            the online softmax, O = c O + P V, for chunks of 4 rows. The mask is
//            attnMaskNEON.
// Layout:    pages as in attn_page.go: 64 bytes are 4 dimensions of 16 keys, or 4
//            tokens of 16 dimensions of V. Queries are 16-bit integers with a scale
//            per row, as 256 hi + lo in signed bytes: [rows] of scale f32, 12 bytes
//            unused, [d/16][2: hi, lo][16]. Probabilities times the value's scale
//            are such integers, [tokens/16][2][16], with a scale per row and block;
//            they overwrite the row of S.
// Algorithm: tiles of 4 rows x 8 columns (two registers), with sums for hi and for
//            lo, exact in 32 bits. 16 dimensions or tokens are 64 dot products by an
//            element and 8 loads.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"
#include "neon_arm64.h"
#include "attn_neon_arm64.h"

// The sums of row r are V(4r), V(4r+1) for hi and V(4r+2), V(4r+3) for lo.
#define DOTROW(r, i) \
	SDOTE(4*r, 24, 16+2*r, i); \
	SDOTE(4*r+1, 25, 16+2*r, i); \
	SDOTE(4*r+2, 24, 17+2*r, i); \
	SDOTE(4*r+3, 25, 17+2*r, i)

#define DOT(i) \
	LDPQ(24, 25, 6, 64*i); \
	DOTROW(0, i); \
	DOTROW(1, i); \
	DOTROW(2, i); \
	DOTROW(3, i)

// 16 dimensions or tokens: 256 bytes of the page from R6 on, 32 of each row.
#define DOT16 \
	LDPQ(16, 17, 10, 0); \
	LDPQ(18, 19, 11, 0); \
	LDPQ(20, 21, 12, 0); \
	LDPQ(22, 23, 13, 0); \
	ADD  $32, R10; \
	ADD  $32, R11; \
	ADD  $32, R12; \
	ADD  $32, R13; \
	ADD  R6, R7, R17; \
	PRFM (R17), PLDL2KEEP; \
	PRFM 64(R17), PLDL2KEEP; \
	PRFM 128(R17), PLDL2KEEP; \
	PRFM 192(R17), PLDL2KEEP; \
	DOT(0); \
	DOT(1); \
	DOT(2); \
	DOT(3); \
	ADD  $256, R6

// V(4r), V(4r+1) = 256 hi + lo, as float32.
#define SUMS(r, p, t) \
	SHL(4*r, 4*r, 8); \
	SHL(4*r+1, 4*r+1, 8); \
	ADD4(4*r, 4*r, 4*r+2); \
	ADD4(4*r+1, 4*r+1, 4*r+3); \
	SCVTF(4*r, 4*r); \
	SCVTF(4*r+1, 4*r+1)

// Times the query's scale, to which R8 points, and those of the keys, V24 and V25.
#define STORE8(r, p, t) \
	LDRS(t, 8, 0); \
	FMULE(4*r, 4*r, t, 0); \
	FMULE(4*r+1, 4*r+1, t, 0); \
	FMUL(4*r, 4*r, 24); \
	FMUL(4*r+1, 4*r+1, 25); \
	STRQ(4*r, 0, r*STRIDE); \
	STRQ(4*r+1, 0, r*STRIDE+16); \
	ADD R16, R8

// func attnQK4NEONDot(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4NEONDot(SB), NOSPLIT, $0-48
	MOVD s+0(FP), R0
	MOVD q+8(FP), R1
	MOVD k+16(FP), R2
	MOVD ks+24(FP), R3
	MOVD groups+32(FP), R4
	MOVD d+40(FP), R5
	LSL  $1, R5, R16
	ADD  $16, R16           // bytes of a row of Q
	LSL  $4, R5, R19        // bytes of a tile of 16 keys

group:
	MOVD.P 8(R2), R20
	MOVD 24(R2), R7
	SUB  R20, R7            // from here to the same place of what comes later
	MOVD.P 8(R3), R21       // scales of the keys
	MOVD $4, R9             // halves of tiles: 8 keys

half:
	MOVD R20, R6
	ADD  $16, R1, R10
	ADD  R16, R10, R11
	ADD  R16, R11, R12
	ADD  R16, R12, R13
	ROWS4(ZEROROW)
	LSR  $4, R5, R8

dims:
	DOT16
	SUBS $1, R8
	BNE  dims
	ROWS4(SUMS)
	VLD1.P 32(R21), [V24.S4, V25.S4]
	MOVD R1, R8
	ROWS4(STORE8)
	ADD  $32, R0
	ADD  $32, R20           // the other half of the tile
	TBZ  $0, R9, same
	ADD  R19, R20           // the next tile
	SUB  $64, R20

same:
	SUBS $1, R9
	BNE  half
	SUBS $1, R4
	BNE  group
	RET

// One row of O, to which R8 points: c O + the scale of P times the sums.
#define ADDO(r, p, t) \
	LDRS(t, 3, 64+4*r); \
	FMULE(4*r, 4*r, t, 0); \
	FMULE(4*r+1, 4*r+1, t, 0); \
	LDRS(t, 3, 4*r); \
	LDPQ(24, 25, 8, 0); \
	FMLAE(4*r, 24, t, 0); \
	FMLAE(4*r+1, 25, t, 0); \
	STPQ(4*r, 4*r+1, 8, 0); \
	ADD  R16, R8

// func attnPV4NEONDot(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4NEONDot(SB), NOSPLIT, $0-48
	MOVD o+0(FP), R0
	MOVD p+8(FP), R1
	MOVD v+16(FP), R2
	MOVD c+24(FP), R3
	MOVD groups+32(FP), R4
	MOVD d+40(FP), R5
	LSL  $2, R5, R16        // bytes of a row of O
	LSR  $3, R5, R9         // halves of tiles: 8 dimensions
	MOVD $0, R20            // offset of the half tile in V

half:
	MOVD R2, R21
	MOVD R1, R10
	ADD  $STRIDE, R10, R11
	ADD  $STRIDE, R11, R12
	ADD  $STRIDE, R12, R13
	ROWS4(ZEROROW)
	MOVD R4, R8

group:
	MOVD.P 8(R21), R6
	MOVD 24(R21), R7
	SUB  R6, R7             // from here to the same place of what comes later
	ADD  R20, R6
	DOT16
	DOT16
	SUBS $1, R8
	BNE  group
	ROWS4(SUMS)
	MOVD R0, R8
	ROWS4(ADDO)
	ADD  $32, R0
	ADD  $32, R20           // the other half of the tile
	TBZ  $0, R9, same
	ADD  $(512-64), R20     // the next tile

same:
	SUBS $1, R9
	BNE  half
	RET

// func attnSoftmaxNEONDot(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxNEONDot(SB), NOSPLIT, $0-56
	MOVD s+0(FP), R0
	MOVD m+8(FP), R1
	MOVD l+16(FP), R2
	MOVD c+24(FP), R3
	MOVD vs+32(FP), R4
	MOVD rows+40(FP), R5
	MOVD groups+48(FP), R6
	EXP2CONST
	MOVD $0x0DA24260, R7    // 1e-30
	FMOVS R7, F13
	MOVD $0x46FEFE00, R7    // 32639 = 127*256 + 127
	FMOVS R7, F14
	MOVD $128, R7
	VDUP R7, V15.H8

row:
	MAXIMUM
	MOVD R0, R7
	MOVD R4, R10
	MOVD R6, R11
	ZEROV(8)                // largest p times the value's scale
	ZEROV(9)
	ZEROV(10)
	ZEROV(11)

group:
	MOVD.P 8(R10), R12      // scales of the values of a group
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
	VLD1.P 64(R12), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL(0, 0, 4)
	FMUL(1, 1, 5)
	FMUL(2, 2, 6)
	FMUL(3, 3, 7)
	FMAX(8, 8, 0)
	FMAX(9, 9, 1)
	FMAX(10, 10, 2)
	FMAX(11, 11, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R7)
	SUBS $1, R8
	BNE  exp
	SUBS $1, R11
	BNE  group
	STPQ(24, 25, 2, 0)
	STPQ(26, 27, 2, 32)

	// The scale of P: the largest is 32639. NaN anywhere makes it NaN.
	FMAX(8, 8, 9)
	FMAX(10, 10, 11)
	FMAX(8, 8, 10)
	FMAXV(8, 8)
	FMAX(8, 8, 13)
	FDIVS F14, F8, F12
	FDIVS F8, F14, F8
	FMOVS F12, 64(R3)
	MOVD R0, R7
	MOVD R0, R10
	LSL  $1, R6, R8

words:
	VLD1.P 64(R7), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMULE(0, 0, 8, 0)
	FMULE(1, 1, 8, 0)
	FMULE(2, 2, 8, 0)
	FMULE(3, 3, 8, 0)
	FCVTNS(0, 0)
	FCVTNS(1, 1)
	FCVTNS(2, 2)
	FCVTNS(3, 3)
	UZP1H(0, 0, 1)
	UZP1H(2, 2, 3)
	UZP1B(5, 0, 2)          // lo
	ADDH(0, 0, 15)
	ADDH(2, 2, 15)
	UZP2B(4, 0, 2)          // hi
	VST1.P [V4.B16, V5.B16], 32(R10)
	SUBS $1, R8
	BNE  words
	ADD  $STRIDE, R0
	ADD  $4, R1
	ADD  $64, R2
	ADD  $4, R3
	SUBS $1, R5
	BNE  row
	RET
