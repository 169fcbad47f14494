// What:      products of quantised panels with int8 activations of six tokens,
//            for NEON with dot products of bytes.
// Layout:    w [nb][8 groups][32 rows][4] bytes, code - zero + 128; scales
//            [nb][32], or [2*nb][32] for 16 columns each ("h"); x [nb][8][6][4]
//            int8; d, its own scale per 32 columns, [nb][6]; y [6][ldy] with 32
//            results per token. x and d of the next tile are stride blocks
//            further on.
// Algorithm: 8 rows at a time, in four passes. With its top bit turned a byte of w
//            is signed, code - zero, so the sums start at 0 and the argument sums,
//            for loops that need an offset, is not read. A pair of groups is 24 dot
//            products by an element of x, for 5 loads and 4 exclusive ors. A
//            block's sums are scaled by scale*d and added to the float32 sums in
//            order of the blocks.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"
#include "neon_arm64.h"

// The int32 sums of token t are V(2t) and V(2t+1), the float32 sums V(12+2t) and
// V(13+2t).
#define START \
	ZEROV(0); \
	ZEROV(1); \
	ZEROV(2); \
	ZEROV(3); \
	ZEROV(4); \
	ZEROV(5); \
	ZEROV(6); \
	ZEROV(7); \
	ZEROV(8); \
	ZEROV(9); \
	ZEROV(10); \
	ZEROV(11)

#define WEIGHTS(at) \
	LDPQ(24, 25, 6, at); \
	EORV(24, 24, 31); \
	EORV(25, 25, 31)

#define TOKEN(t, x, i) \
	SDOTE(2*t, 24, x, i); \
	SDOTE(2*t+1, 25, x, i)

// Groups 2i and 2i+1, whose x fill three registers.
#define GROUPS(i) \
	LDRQ(26, 7, 48*i); \
	LDRQ(27, 7, 48*i+16); \
	LDRQ(28, 7, 48*i+32); \
	WEIGHTS(256*i); \
	TOKEN(0, 26, 0); \
	TOKEN(1, 26, 1); \
	TOKEN(2, 26, 2); \
	TOKEN(3, 26, 3); \
	TOKEN(4, 27, 0); \
	TOKEN(5, 27, 1); \
	WEIGHTS(256*i+128); \
	TOKEN(0, 27, 2); \
	TOKEN(1, 27, 3); \
	TOKEN(2, 28, 0); \
	TOKEN(3, 28, 1); \
	TOKEN(4, 28, 2); \
	TOKEN(5, 28, 3)

#define SCALE1(t, d, i) \
	SCVTF(2*t, 2*t); \
	SCVTF(2*t+1, 2*t+1); \
	FMULE(24, 28, d, i); \
	FMULE(25, 29, d, i); \
	FMLA(12+2*t, 2*t, 24); \
	FMLA(13+2*t, 2*t+1, 25)

#define SCALE(at) \
	LDURQ(26, 9, 0); \
	LDURD(27, 9, 16); \
	LDPQ(28, 29, 8, at); \
	SCALE1(0, 26, 0); \
	SCALE1(1, 26, 1); \
	SCALE1(2, 26, 2); \
	SCALE1(3, 26, 3); \
	SCALE1(4, 27, 0); \
	SCALE1(5, 27, 1)

// R0 y, R1 its stride, R2 w, R3 scales, R4 x, R5 d, R11 passes, R13 acc, R14 tiles;
// R6 to R9 walk over w, x, scales and d.
#define BEGIN \
	MOVD  y_base+0(FP), R0; \
	MOVD  ldy+24(FP), R1; \
	MOVD  w_base+32(FP), R2; \
	MOVD  scales_base+56(FP), R3; \
	MOVD  x_base+80(FP), R4; \
	MOVD  d_base+128(FP), R5; \
	MOVD  tiles+168(FP), R14; \
	MOVBU acc+176(FP), R13; \
	LSL   $2, R1, R1; \
	MOVD  $0x80, R12; \
	VDUP  R12, V31.B16

#define LOADY \
	MOVD R2, R6; \
	MOVD R4, R7; \
	MOVD R3, R8; \
	MOVD R5, R9; \
	MOVD nb+152(FP), R10; \
	ZEROV(12); \
	ZEROV(13); \
	ZEROV(14); \
	ZEROV(15); \
	ZEROV(16); \
	ZEROV(17); \
	ZEROV(18); \
	ZEROV(19); \
	ZEROV(20); \
	ZEROV(21); \
	ZEROV(22); \
	ZEROV(23); \
	CBZ  R13, loop; \
	MOVD R0, R12; \
	LDPQ(12, 13, 12, 0); \
	ADD  R1, R12; \
	LDPQ(14, 15, 12, 0); \
	ADD  R1, R12; \
	LDPQ(16, 17, 12, 0); \
	ADD  R1, R12; \
	LDPQ(18, 19, 12, 0); \
	ADD  R1, R12; \
	LDPQ(20, 21, 12, 0); \
	ADD  R1, R12; \
	LDPQ(22, 23, 12, 0)

#define STOREY \
	MOVD R0, R12; \
	STPQ(12, 13, 12, 0); \
	ADD  R1, R12; \
	STPQ(14, 15, 12, 0); \
	ADD  R1, R12; \
	STPQ(16, 17, 12, 0); \
	ADD  R1, R12; \
	STPQ(18, 19, 12, 0); \
	ADD  R1, R12; \
	STPQ(20, 21, 12, 0); \
	ADD  R1, R12; \
	STPQ(22, 23, 12, 0); \
	ADD  $32, R0; \
	ADD  $32, R2; \
	ADD  $32, R3

// To the next tile; the passes have moved on by 128 bytes.
#define NEXT \
	MOVD stride+160(FP), R12; \
	MOVD $24, R10; \
	MUL  R10, R12, R12; \
	ADD  R12, R5; \
	ADD  R12<<3, R4; \
	MOVD $6, R12; \
	MUL  R12, R1, R12; \
	ADD  R12, R0; \
	SUB  $128, R0; \
	SUB  $128, R2; \
	SUB  $128, R3; \
	SUBS $1, R14

// func gemmI8NEON(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8NEON(SB), NOSPLIT, $0-177
	BEGIN

tile:
	MOVD $4, R11

pass:
	LOADY

loop:
	START
	GROUPS(0)
	GROUPS(1)
	GROUPS(2)
	GROUPS(3)
	SCALE(0)
	ADD  $1024, R6
	ADD  $192, R7
	ADD  $128, R8
	ADD  $24, R9
	SUBS $1, R10
	BNE  loop
	STOREY
	SUBS $1, R11
	BNE  pass
	NEXT
	BNE  tile
	RET

// func gemmI8hNEON(y []float32, ldy int, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, stride, tiles int, acc bool)
TEXT ·gemmI8hNEON(SB), NOSPLIT, $0-177
	BEGIN

tile:
	MOVD $4, R11

pass:
	LOADY

loop:
	START
	GROUPS(0)
	GROUPS(1)
	SCALE(0)
	START
	GROUPS(2)
	GROUPS(3)
	SCALE(128)
	ADD  $1024, R6
	ADD  $192, R7
	ADD  $256, R8
	ADD  $24, R9
	SUBS $1, R10
	BNE  loop
	STOREY
	SUBS $1, R11
	BNE  pass
	NEXT
	BNE  tile
	RET
