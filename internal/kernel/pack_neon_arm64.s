// What:      widening of a quantised panel for NEON: codes of 4, 5 and 6 bits to
//            bytes, scales and minima to float32.
// Layout:    src as in pack.go; codes to dst [nb][8 groups][32 rows][4] bytes,
//            code - zero + 128; scales and minima to [..][32] float32.
// Algorithm: nibbles by mask and shift; the planes of high bits are shifted so
//            that a group's bits come to stand above its nibbles. All groups of 4
//            rows at a time.
// Tested by: TestWiden, TestMatMul, FuzzMatMul.

#include "textflag.h"
#include "neon_arm64.h"

// R0 dst, R1 src, R2 blocks; V30 is 128 - zero, V31 masks nibbles, V29 high bits.
#define LOADARGS \
	MOVD dst_base+0(FP), R0; \
	MOVD src_base+24(FP), R1; \
	MOVD nb+56(FP), R2; \
	MOVD zero+48(FP), R3; \
	MOVD $128, R4; \
	SUB  R3, R4, R4; \
	VDUP R4, V30.B16; \
	MOVD $0x0F, R4; \
	VDUP R4, V31.B16

// Group i to V0, group i+4 to V1.
#define NIBBLES(i) \
	LDRQ(0, 1, 128*i); \
	USHRB(1, 0, 4); \
	ANDV(0, 0, 31)

#define STORE(i) \
	ADDB(0, 0, 30); \
	ADDB(1, 1, 30); \
	STRQ(0, 0, 128*i); \
	STRQ(1, 0, 512+128*i)

#define HIGH(d, plane, shift, n) \
	shift(2, plane, n); \
	ANDV(2, 2, 29); \
	ORRV(d, d, 2)

// After the 8 steps through a block the next one begins.
#define NEXT(size) \
	ADD  $16, R0; \
	ADD  $16, R1; \
	SUBS $1, R3; \
	BNE  rows; \
	ADD  $(1024-128), R0; \
	ADD  $(size-128), R1; \
	SUBS $1, R2; \
	BNE  block

// func widenCodes4NEON(dst, src []byte, zero, nb int)
TEXT ·widenCodes4NEON(SB), NOSPLIT, $0-64
	LOADARGS

block:
	MOVD $8, R3

rows:
	NIBBLES(0)
	STORE(0)
	NIBBLES(1)
	STORE(1)
	NIBBLES(2)
	STORE(2)
	NIBBLES(3)
	STORE(3)
	NEXT(512)
	RET

#define GROUP5(i, shift) \
	NIBBLES(i); \
	HIGH(0, 4, SHLB, 4-i); \
	HIGH(1, 4, shift, i); \
	STORE(i)

// func widenCodes5NEON(dst, src []byte, zero, nb int)
TEXT ·widenCodes5NEON(SB), NOSPLIT, $0-64
	LOADARGS
	MOVD $0x10, R4
	VDUP R4, V29.B16

block:
	MOVD $8, R3

rows:
	LDRQ(4, 1, 512)
	GROUP5(0, SHLB)
	GROUP5(1, USHRB)
	GROUP5(2, USHRB)
	GROUP5(3, USHRB)
	NEXT(640)
	RET

#define GROUP6(i, shift, n) \
	NIBBLES(i); \
	HIGH(0, 4, shift, n); \
	HIGH(1, 5, shift, n); \
	STORE(i)

// func widenCodes6NEON(dst, src []byte, zero, nb int)
TEXT ·widenCodes6NEON(SB), NOSPLIT, $0-64
	LOADARGS
	MOVD $0x30, R4
	VDUP R4, V29.B16

block:
	MOVD $8, R3

rows:
	LDRQ(4, 1, 512)
	LDRQ(5, 1, 640)
	GROUP6(0, SHLB, 4)
	GROUP6(1, SHLB, 2)
	GROUP6(2, SHLB, 0)
	GROUP6(3, USHRB, 2)
	NEXT(768)
	RET

// 32 halves to V0..V7.
#define HALVES(at) \
	LDPQ(16, 17, 1, at); \
	LDPQ(18, 19, 1, at+32); \
	FCVTL(0, 16); \
	FCVTL2(1, 16); \
	FCVTL(2, 17); \
	FCVTL2(3, 17); \
	FCVTL(4, 18); \
	FCVTL2(5, 18); \
	FCVTL(6, 19); \
	FCVTL2(7, 19)

#define STORE32(r) \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(r); \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(r)

// func widenScaleMin16NEON(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleMin16NEON(SB), NOSPLIT, $0-80
	MOVD scales_base+0(FP), R0
	MOVD minima_base+24(FP), R2
	MOVD src_base+48(FP), R1
	MOVD n+72(FP), R3

loop:
	HALVES(0)
	STORE32(R0)
	HALVES(64)
	STORE32(R2)
	ADD  $128, R1
	SUBS $1, R3
	BNE  loop
	RET

// 16 numbers in the bytes of V16 or V17 times d..d+3, to r.
#define SCALE16(bytes, low, high, low4, high4, convert, d, r) \
	low(18, bytes); \
	high(19, bytes); \
	low4(20, 18); \
	high4(21, 18); \
	low4(22, 19); \
	high4(23, 19); \
	convert(20, 20); \
	convert(21, 21); \
	convert(22, 22); \
	convert(23, 23); \
	FMUL(20, 20, d); \
	FMUL(21, 21, d+1); \
	FMUL(22, 22, d+2); \
	FMUL(23, 23, d+3); \
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(r)

// Eight times 32 numbers from R4 on, 64 bytes apart, times V0..V7.
#define SCALEK(r) \
	LDPQ(16, 17, 4, 0); \
	SCALE16(16, UXTLH, UXTLH2, UXTLS, UXTLS2, UCVTF, 0, r); \
	SCALE16(17, UXTLH, UXTLH2, UXTLS, UXTLS2, UCVTF, 4, r); \
	ADD  $64, R4; \
	SUBS $1, R5

// func widenScaleKNEON(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleKNEON(SB), NOSPLIT, $0-80
	MOVD scales_base+0(FP), R0
	MOVD minima_base+24(FP), R2
	MOVD src_base+48(FP), R1
	MOVD n+72(FP), R3

loop:
	HALVES(0)
	ADD  $128, R1, R4
	MOVD $8, R5

scale:
	SCALEK(R0)
	BNE scale

	HALVES(64)
	FNEG(0, 0)
	FNEG(1, 1)
	FNEG(2, 2)
	FNEG(3, 3)
	FNEG(4, 4)
	FNEG(5, 5)
	FNEG(6, 6)
	FNEG(7, 7)
	ADD  $160, R1, R4
	MOVD $8, R5

minimum:
	SCALEK(R2)
	BNE  minimum
	ADD  $640, R1
	SUBS $1, R3
	BNE  loop
	RET

// func widenScale6KNEON(scales []float32, src []byte, n int)
TEXT ·widenScale6KNEON(SB), NOSPLIT, $0-56
	MOVD scales_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD n+48(FP), R3

loop:
	HALVES(0)
	ADD  $64, R1, R4
	MOVD $16, R5

scale:
	LDPQ(16, 17, 4, 0)
	SCALE16(16, SXTLH, SXTLH2, SXTLS, SXTLS2, SCVTF, 0, R0)
	SCALE16(17, SXTLH, SXTLH2, SXTLS, SXTLS2, SCVTF, 4, R0)
	ADD  $32, R4
	SUBS $1, R5
	BNE  scale
	ADD  $576, R1
	SUBS $1, R3
	BNE  loop
	RET
