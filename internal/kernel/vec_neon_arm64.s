// What:      elementwise loops and the dot product, for NEON.
// Layout:    contiguous vectors of n elements, n a multiple of 8; the Go side
//            hands over the last, shorter piece in buffers of 8.
// Algorithm: exp(x) = 2^k * exp(r), k = x/ln 2 rounded, r = x - k ln 2 in two
//            parts, exp(r) a polynomial of degree 7 (Cephes, expf); relative
//            error below 3e-7. bf16 is rounded by adding 0x7FFF and the last bit
//            that stays.
// Tested by: TestVec, TestSwiGLUAccuracy (vec_test.go).

#include "textflag.h"
#include "neon_arm64.h"

DATA vecConst<>+0(SB)/4, $0x3FB8AA3B // log2(e)
DATA vecConst<>+4(SB)/4, $0x3F318000 // ln 2, upper bits
DATA vecConst<>+8(SB)/4, $0xB95E8083 // ln 2, the rest
DATA vecConst<>+12(SB)/4, $0x39506967 // coefficient of r^7
DATA vecConst<>+16(SB)/4, $0x3AB743CE // coefficient of r^6
DATA vecConst<>+20(SB)/4, $0x3C088908 // coefficient of r^5
DATA vecConst<>+24(SB)/4, $0x3D2AA9C1 // coefficient of r^4
DATA vecConst<>+28(SB)/4, $0x3E2AAAAA // coefficient of r^3
DATA vecConst<>+32(SB)/4, $0x3F000000 // coefficient of r^2
DATA vecConst<>+36(SB)/4, $0x3F800000 // 1
DATA vecConst<>+40(SB)/4, $0x42B1999A // upper bound of the argument, whose 2^k is infinite
DATA vecConst<>+44(SB)/4, $0xC2AE0000 // lower bound
DATA vecConst<>+48(SB)/4, $127
GLOBL vecConst<>(SB), RODATA|NOPTR, $52

// func addLoop(dst, x *float32, n int)
TEXT ·addLoop(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2

loop:
	LDPQ(0, 1, 0, 0)
	VLD1.P 32(R1), [V2.S4, V3.S4]
	FADD(0, 0, 2)
	FADD(1, 1, 3)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $8, R2
	BNE  loop
	RET

// Eight registers of sums; n may be any multiple of 8, also 0.
// func dotLoop(x, y *float32, n int) float32
TEXT ·dotLoop(SB), NOSPLIT, $0-28
	MOVD x+0(FP), R0
	MOVD y+8(FP), R1
	MOVD n+16(FP), R2
	ZEROV(0)
	ZEROV(1)
	ZEROV(2)
	ZEROV(3)
	ZEROV(4)
	ZEROV(5)
	ZEROV(6)
	ZEROV(7)
	SUBS $32, R2
	BLT  rest

loop:
	VLD1.P 64(R0), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R0), [V20.S4, V21.S4, V22.S4, V23.S4]
	VLD1.P 64(R1), [V24.S4, V25.S4, V26.S4, V27.S4]
	VLD1.P 64(R1), [V28.S4, V29.S4, V30.S4, V31.S4]
	FMLA(0, 16, 24)
	FMLA(1, 17, 25)
	FMLA(2, 18, 26)
	FMLA(3, 19, 27)
	FMLA(4, 20, 28)
	FMLA(5, 21, 29)
	FMLA(6, 22, 30)
	FMLA(7, 23, 31)
	SUBS $32, R2
	BGE  loop

rest:
	ADDS $32, R2
	BEQ  sum

eight:
	VLD1.P 32(R0), [V16.S4, V17.S4]
	VLD1.P 32(R1), [V24.S4, V25.S4]
	FMLA(0, 16, 24)
	FMLA(1, 17, 25)
	SUBS $8, R2
	BNE  eight

sum:
	FADD(0, 0, 1)
	FADD(2, 2, 3)
	FADD(4, 4, 5)
	FADD(6, 6, 7)
	FADD(0, 0, 2)
	FADD(4, 4, 6)
	FADD(0, 0, 4)
	FADDP(0, 0, 0)
	FADDP(0, 0, 0)
	FMOVS F0, ret+24(FP)
	RET

// func scaleLoop(dst, x, w *float32, s float32, n int)
TEXT ·scaleLoop(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  w+16(FP), R2
	FMOVS s+24(FP), F4
	MOVD  n+32(FP), R3

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1.P 32(R2), [V2.S4, V3.S4]
	FMULE(0, 0, 4, 0)
	FMULE(1, 1, 4, 0)
	FMUL(0, 0, 2)
	FMUL(1, 1, 3)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $8, R3
	BNE  loop
	RET

// func timesLoop(dst, x *float32, s float32, n int)
TEXT ·timesLoop(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	FMOVS s+16(FP), F4
	MOVD  n+24(FP), R3
	VEOR  V5.B16, V5.B16, V5.B16

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	FMULE(0, 0, 4, 0)
	FMULE(1, 1, 4, 0)
	FADD(0, 0, 5)
	FADD(1, 1, 5)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $8, R3
	BNE  loop
	RET

// func ropeLoop(x0, x1, cos, sin *float32, n int)
TEXT ·ropeLoop(SB), NOSPLIT, $0-40
	MOVD x0+0(FP), R0
	MOVD x1+8(FP), R1
	MOVD cos+16(FP), R2
	MOVD sin+24(FP), R3
	MOVD n+32(FP), R4

loop:
	LDPQ(0, 1, 0, 0)
	LDPQ(2, 3, 1, 0)
	VLD1.P 32(R2), [V4.S4, V5.S4]
	VLD1.P 32(R3), [V6.S4, V7.S4]
	FMUL(16, 0, 4)
	FMUL(17, 1, 5)
	FMUL(18, 0, 6)
	FMUL(19, 1, 7)
	FMLS(16, 2, 6) // x0*cos - x1*sin
	FMLS(17, 3, 7)
	FMLA(18, 2, 4) // x1*cos + x0*sin
	FMLA(19, 3, 5)
	VST1.P [V16.S4, V17.S4], 32(R0)
	VST1.P [V18.S4, V19.S4], 32(R1)
	SUBS $8, R4
	BNE  loop
	RET

// x = gate / (1 + exp(-gate)); z, k and p are scratch. FMLA adds to a copy of
// each coefficient.
#define SILU(x, z, k, p) \
	FNEG(z, x); \
	FMIN(z, z, 26); \
	FMAX(z, z, 27); \
	FMUL(k, z, 16); \
	FRINTN(k, k); \
	FMLS(z, k, 17); \
	FMLS(z, k, 18); \
	ORRV(p, 20, 20); \
	FMLA(p, 19, z); \
	ORRV(30, 21, 21); \
	FMLA(30, p, z); \
	ORRV(p, 22, 22); \
	FMLA(p, 30, z); \
	ORRV(30, 23, 23); \
	FMLA(30, p, z); \
	ORRV(p, 24, 24); \
	FMLA(p, 30, z); \
	FMUL(30, z, z); \
	FMLA(z, p, 30); \
	FADD(z, z, 25); \
	FCVTNS(k, k); \
	ADD4(k, k, 28); \
	SHL(k, k, 23); \
	ORRV(p, 25, 25); \
	FMLA(p, z, k); \
	FDIV(x, x, p)

// func swigluLoop(dst, gate, up *float32, n int)
TEXT ·swigluLoop(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD n+24(FP), R3
	MOVD $vecConst<>(SB), R4
	VLD1R.P 4(R4), [V16.S4]
	VLD1R.P 4(R4), [V17.S4]
	VLD1R.P 4(R4), [V18.S4]
	VLD1R.P 4(R4), [V19.S4]
	VLD1R.P 4(R4), [V20.S4]
	VLD1R.P 4(R4), [V21.S4]
	VLD1R.P 4(R4), [V22.S4]
	VLD1R.P 4(R4), [V23.S4]
	VLD1R.P 4(R4), [V24.S4]
	VLD1R.P 4(R4), [V25.S4]
	VLD1R.P 4(R4), [V26.S4]
	VLD1R.P 4(R4), [V27.S4]
	VLD1R.P 4(R4), [V28.S4]

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1.P 32(R2), [V2.S4, V3.S4]
	SILU(0, 4, 5, 6)
	SILU(1, 4, 5, 6)
	FMUL(0, 0, 2)
	FMUL(1, 1, 3)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $8, R3
	BNE  loop
	RET

// x rounded, in the upper 16 bits of each lane; NaN stays NaN. r and e are scratch.
#define ROUND(x, r, e) \
	FCMEQ(e, x, x); \
	USHR(r, x, 16); \
	ANDV(r, r, 16); \
	ADD4(r, r, 17); \
	ADD4(r, r, x); \
	ORRV(x, x, 18); \
	BITV(x, r, e)

// func toBF16Loop(dst *uint16, src *float32, n int)
TEXT ·toBF16Loop(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD $1, R3
	VDUP R3, V16.S4
	MOVD $0x7FFF, R3
	VDUP R3, V17.S4
	MOVD $0x400000, R3 // a quiet NaN's bit
	VDUP R3, V18.S4

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	ROUND(0, 2, 3)
	ROUND(1, 2, 3)
	SHRN16(0, 0)
	SHRN162(0, 1)
	VST1.P [V0.H8], 16(R0)
	SUBS $8, R2
	BNE  loop
	RET

// func fromBF16Loop(dst *float32, src *uint16, n int)
TEXT ·fromBF16Loop(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	VLD1.P 16(R1), [V2.H8]
	UXTLS(0, 2)
	UXTLS2(1, 2)
	SHL(0, 0, 16)
	SHL(1, 1, 16)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS $8, R2
	BNE  loop
	RET
