// What:      elementwise loops and the dot product, for AVX2.
// Layout:    contiguous vectors of n elements, n a multiple of 8; the Go side
//            hands over the last, shorter piece in buffers of 8.
// Algorithm: exp(x) = 2^k * exp(r), k = x/ln 2 rounded, r = x - k ln 2 in two
//            parts, exp(r) a polynomial of degree 7 (Cephes, expf); relative
//            error below 3e-7. bf16 is rounded by adding 0x7FFF and the last bit
//            that stays.
// Tested by: TestVec (vec_test.go).

#include "textflag.h"

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
DATA vecConst<>+48(SB)/4, $0x7FFF
DATA vecConst<>+52(SB)/4, $0x40 // a quiet NaN's bit
DATA vecConst<>+56(SB)/4, $1
DATA vecConst<>+60(SB)/4, $127
DATA vecConst<>+64(SB)/4, $0x80000000
GLOBL vecConst<>(SB), RODATA|NOPTR, $68

// func addLoop(dst, x *float32, n int)
TEXT ·addLoop(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	VMOVUPS (DI), Y0
	VADDPS (SI), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// Four registers of sums; n may be any multiple of 8, also 0.
// func dotLoop(x, y *float32, n int) float32
TEXT ·dotLoop(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DI
	MOVQ n+16(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ $32, CX
	JLT  rest

loop:
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VMOVUPS 64(SI), Y6
	VMOVUPS 96(SI), Y7
	VFMADD231PS (DI), Y4, Y0
	VFMADD231PS 32(DI), Y5, Y1
	VFMADD231PS 64(DI), Y6, Y2
	VFMADD231PS 96(DI), Y7, Y3
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JGE  loop

rest:
	ADDQ $32, CX
	JZ   sum

eight:
	VMOVUPS (SI), Y4
	VFMADD231PS (DI), Y4, Y0
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ  eight

sum:
	VADDPS Y1, Y0, Y0
	VADDPS Y3, Y2, Y2
	VADDPS Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VPERMILPS $0x4E, X0, X1
	VADDPS X1, X0, X0
	VPERMILPS $0xB1, X0, X1
	VADDPS X1, X0, X0
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func scaleLoop(dst, x, w *float32, s float32, n int)
TEXT ·scaleLoop(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), DX
	VBROADCASTSS s+24(FP), Y1
	MOVQ n+32(FP), CX

loop:
	VMULPS (SI), Y1, Y0
	VMULPS (DX), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// func timesLoop(dst, x *float32, s float32, n int)
TEXT ·timesLoop(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS s+16(FP), Y1
	MOVQ n+24(FP), CX
	VXORPS Y2, Y2, Y2

loop:
	VMULPS (SI), Y1, Y0
	VADDPS Y2, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// func ropeLoop(x0, x1, cos, sin *float32, n int)
TEXT ·ropeLoop(SB), NOSPLIT, $0-40
	MOVQ x0+0(FP), DI
	MOVQ x1+8(FP), SI
	MOVQ cos+16(FP), DX
	MOVQ sin+24(FP), BX
	MOVQ n+32(FP), CX

loop:
	VMOVUPS (DI), Y0
	VMOVUPS (SI), Y1
	VMOVUPS (DX), Y2
	VMOVUPS (BX), Y3
	VMULPS Y3, Y1, Y4
	VMULPS Y3, Y0, Y5
	VFMSUB231PS Y2, Y0, Y4 // x0*cos - x1*sin
	VFMADD231PS Y2, Y1, Y5 // x1*cos + x0*sin
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, (SI)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, BX
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// func swigluLoop(dst, gate, up *float32, n int)
TEXT ·swigluLoop(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), DX
	MOVQ n+24(FP), CX
	VBROADCASTSS vecConst<>+0(SB), Y15
	VBROADCASTSS vecConst<>+4(SB), Y14
	VBROADCASTSS vecConst<>+8(SB), Y13
	VBROADCASTSS vecConst<>+12(SB), Y12
	VBROADCASTSS vecConst<>+16(SB), Y11
	VBROADCASTSS vecConst<>+20(SB), Y10
	VBROADCASTSS vecConst<>+24(SB), Y9
	VBROADCASTSS vecConst<>+28(SB), Y8
	VBROADCASTSS vecConst<>+32(SB), Y7
	VBROADCASTSS vecConst<>+36(SB), Y6

loop:
	VMOVUPS (SI), Y0
	VBROADCASTSS vecConst<>+64(SB), Y1
	VBROADCASTSS vecConst<>+40(SB), Y2
	VBROADCASTSS vecConst<>+44(SB), Y3
	VXORPS Y1, Y0, Y1      // -gate
	VMINPS Y1, Y2, Y1      // NaN stays
	VMAXPS Y1, Y3, Y1
	VMULPS Y15, Y1, Y2
	VROUNDPS $8, Y2, Y2    // k, to nearest even
	VFNMADD231PS Y14, Y2, Y1
	VFNMADD231PS Y13, Y2, Y1 // r
	VMOVAPS Y12, Y3
	VFMADD213PS Y11, Y1, Y3
	VFMADD213PS Y10, Y1, Y3
	VFMADD213PS Y9, Y1, Y3
	VFMADD213PS Y8, Y1, Y3
	VFMADD213PS Y7, Y1, Y3
	VMULPS Y1, Y1, Y4
	VFMADD213PS Y1, Y4, Y3 // r + r^2 * polynomial
	VADDPS Y6, Y3, Y3
	VCVTPS2DQ Y2, Y2
	VPBROADCASTD vecConst<>+60(SB), Y4
	VPADDD Y4, Y2, Y2
	VPSLLD $23, Y2, Y2
	VFMADD213PS Y6, Y2, Y3 // 1 + 2^k * exp(r)
	VDIVPS Y3, Y0, Y0
	VMULPS (DX), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// func toBF16Loop(dst *uint16, src *float32, n int)
TEXT ·toBF16Loop(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTD vecConst<>+48(SB), Y15
	VPBROADCASTD vecConst<>+52(SB), Y14
	VPBROADCASTD vecConst<>+56(SB), Y13

loop:
	VMOVDQU (SI), Y0
	VCMPPS $3, Y0, Y0, Y1 // NaN
	VPSRLD $16, Y0, Y2
	VPAND Y13, Y2, Y3
	VPADDD Y15, Y3, Y3
	VPADDD Y3, Y0, Y3
	VPSRLD $16, Y3, Y3
	VPOR Y14, Y2, Y2
	VPBLENDVB Y1, Y2, Y3, Y3
	VEXTRACTI128 $1, Y3, X4
	VPACKUSDW X4, X3, X3
	VMOVDQU X3, (DI)
	ADDQ $16, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

// func fromBF16Loop(dst *float32, src *uint16, n int)
TEXT ·fromBF16Loop(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	VPMOVZXWD (SI), Y0
	VPSLLD $16, Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $32, DI
	ADDQ $16, SI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET
