// What:      SwiGLU for AVX-512.
// Layout:    contiguous vectors of n elements; the last, shorter register is masked.
// Algorithm: that of vec_avx2_amd64.s in registers twice as wide, with the same bits.
// Tested by: TestVec, TestSwiGLUAccuracy, TestSwiGLUTiers (vec_test.go).

#include "textflag.h"

DATA swigluConst<>+0(SB)/4, $0xBFB8AA3B // -log2(e)
DATA swigluConst<>+4(SB)/4, $0x3F318000 // ln 2, upper bits
DATA swigluConst<>+8(SB)/4, $0xB95E8083 // ln 2, the rest
DATA swigluConst<>+12(SB)/4, $0x39506967 // coefficient of r^7
DATA swigluConst<>+16(SB)/4, $0x3AB743CE // coefficient of r^6
DATA swigluConst<>+20(SB)/4, $0x3C088908 // coefficient of r^5
DATA swigluConst<>+24(SB)/4, $0x3D2AA9C1 // coefficient of r^4
DATA swigluConst<>+28(SB)/4, $0x3E2AAAAA // coefficient of r^3
DATA swigluConst<>+32(SB)/4, $0x3F000000 // coefficient of r^2
DATA swigluConst<>+36(SB)/4, $0x3F800000 // 1
DATA swigluConst<>+40(SB)/4, $0xC2B1999A // lower bound of z: 2^k is infinite
DATA swigluConst<>+44(SB)/4, $0x42AE0000 // upper bound
DATA swigluConst<>+48(SB)/4, $127
GLOBL swigluConst<>(SB), RODATA|NOPTR, $52

// func swigluAVX512(dst, gate, up []float32)
TEXT ·swigluAVX512(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ gate_base+24(FP), SI
	MOVQ gate_len+32(FP), CX
	MOVQ up_base+48(FP), DX
	VBROADCASTSS swigluConst<>+0(SB), Z15
	VBROADCASTSS swigluConst<>+4(SB), Z14
	VBROADCASTSS swigluConst<>+8(SB), Z13
	VBROADCASTSS swigluConst<>+12(SB), Z12
	VBROADCASTSS swigluConst<>+16(SB), Z11
	VBROADCASTSS swigluConst<>+20(SB), Z10
	VBROADCASTSS swigluConst<>+24(SB), Z9
	VBROADCASTSS swigluConst<>+28(SB), Z8
	VBROADCASTSS swigluConst<>+32(SB), Z7
	VBROADCASTSS swigluConst<>+36(SB), Z6
	VBROADCASTSS swigluConst<>+40(SB), Z16
	VBROADCASTSS swigluConst<>+44(SB), Z17
	VPBROADCASTD swigluConst<>+48(SB), Z18
	MOVL $0xFFFF, AX
	KMOVW AX, K1

loop:
	CMPQ CX, $16
	JLT  last

register:
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z5
	VMAXPS Z0, Z16, Z1        // NaN stays
	VMINPS Z1, Z17, Z1
	VMULPS Z15, Z1, Z2
	VRNDSCALEPS $8, Z2, Z2    // k of -z, to nearest even
	VFNMSUB231PS Z14, Z2, Z1
	VFNMADD231PS Z13, Z2, Z1  // r
	VMOVAPS Z12, Z3
	VFMADD213PS Z11, Z1, Z3
	VFMADD213PS Z10, Z1, Z3
	VFMADD213PS Z9, Z1, Z3
	VFMADD213PS Z8, Z1, Z3
	VFMADD213PS Z7, Z1, Z3
	VMULPS Z1, Z1, Z4
	VFMADD213PS Z1, Z4, Z3    // r + r^2 * polynomial
	VADDPS Z6, Z3, Z3
	VCVTPS2DQ Z2, Z2
	VPADDD Z18, Z2, Z2
	VPSLLD $23, Z2, Z2
	VFMADD213PS Z6, Z2, Z3    // 1 + 2^k * exp(r)
	VDIVPS Z3, Z0, Z0
	VMULPS Z5, Z0, Z0
	VMOVUPS Z0, K1, (DI)
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $64, DX
	SUBQ $16, CX
	JGT  loop
	VZEROUPPER
	RET

last:
	TESTQ CX, CX
	JZ   done
	MOVL $1, AX
	SHLL CX, AX
	DECL AX
	KMOVW AX, K1
	JMP  register

done:
	VZEROUPPER
	RET
