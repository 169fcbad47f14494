// What:      widening of a quantised panel for AVX-512: codes of 4, 5 and 6 bits
//            to bytes, scales and minima to float32.
// Layout:    src as in pack.go; codes to dst [nb][8 groups][16 rows][4] bytes,
//            code - zero + 128; scales and minima to [..][16] float32.
// Algorithm: nibbles by mask and shift; the planes of high bits are shifted so
//            that a group's bits come to stand above its nibbles. Scales in one
//            register of 16 rows, one conversion and product each.
// Tested by: TestWiden, TestMatMul, FuzzMatMul.

#include "textflag.h"

#define CONSTANT(value, z) \
	MOVL $(value), AX; \
	VPBROADCASTD AX, z

#define LOADARGS \
	MOVQ dst_base+0(FP), DI; \
	MOVQ src_base+24(FP), SI; \
	MOVQ nb+56(FP), CX; \
	MOVQ $128, AX; \
	SUBQ zero+48(FP), AX; \
	VPBROADCASTB AX, Z31; \
	CONSTANT(0x0F0F0F0F, Z30)

// The nibbles of groups 0..3 to Z0..Z3, of 4..7 to Z4..Z7.
#define NIBBLE(i, lo, hi) \
	VMOVDQU64 (64*i)(SI), lo; \
	VPSRLD $4, lo, hi; \
	VPANDD Z30, lo, lo; \
	VPANDD Z30, hi, hi

#define NIBBLES \
	NIBBLE(0, Z0, Z4); \
	NIBBLE(1, Z1, Z5); \
	NIBBLE(2, Z2, Z6); \
	NIBBLE(3, Z3, Z7)

#define STORE1(i, z) \
	VPADDB Z31, z, z; \
	VMOVDQU64 z, (64*i)(DI)

#define STORE \
	STORE1(0, Z0); \
	STORE1(1, Z1); \
	STORE1(2, Z2); \
	STORE1(3, Z3); \
	STORE1(4, Z4); \
	STORE1(5, Z5); \
	STORE1(6, Z6); \
	STORE1(7, Z7); \
	ADDQ $512, DI

// z |= plane shifted by n & Z29.
#define LEFT(n, plane, z) \
	VPSLLD $n, plane, Z10; \
	VPANDD Z29, Z10, Z10; \
	VPORD Z10, z, z

#define RIGHT(n, plane, z) \
	VPSRLD $n, plane, Z10; \
	VPANDD Z29, Z10, Z10; \
	VPORD Z10, z, z

// func widenCodes4AVX512(dst, src []byte, zero, nb int)
TEXT ·widenCodes4AVX512(SB), NOSPLIT, $0-64
	LOADARGS

loop:
	NIBBLES
	STORE
	ADDQ $256, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenCodes5AVX512(dst, src []byte, zero, nb int)
TEXT ·widenCodes5AVX512(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x10101010, Z29)

loop:
	NIBBLES
	VMOVDQU64 256(SI), Z8
	LEFT(4, Z8, Z0)
	LEFT(3, Z8, Z1)
	LEFT(2, Z8, Z2)
	LEFT(1, Z8, Z3)
	LEFT(0, Z8, Z4)
	RIGHT(1, Z8, Z5)
	RIGHT(2, Z8, Z6)
	RIGHT(3, Z8, Z7)
	STORE
	ADDQ $320, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenCodes6AVX512(dst, src []byte, zero, nb int)
TEXT ·widenCodes6AVX512(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x30303030, Z29)

loop:
	NIBBLES
	VMOVDQU64 256(SI), Z8
	VMOVDQU64 320(SI), Z9
	LEFT(4, Z8, Z0)
	LEFT(2, Z8, Z1)
	LEFT(0, Z8, Z2)
	RIGHT(2, Z8, Z3)
	LEFT(4, Z9, Z4)
	LEFT(2, Z9, Z5)
	LEFT(0, Z9, Z6)
	RIGHT(2, Z9, Z7)
	STORE
	ADDQ $384, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenScaleMin16AVX512(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleMin16AVX512(SB), NOSPLIT, $0-80
	MOVQ scales_base+0(FP), DI
	MOVQ minima_base+24(FP), DX
	MOVQ src_base+48(FP), SI
	MOVQ n+72(FP), CX

loop:
	VCVTPH2PS (SI), Z0
	VCVTPH2PS 32(SI), Z1
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, (DX)
	ADDQ $64, SI
	ADDQ $64, DI
	ADDQ $64, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define SCALEK(j) \
	VPMOVZXBD (64+32*j)(SI), Z2; \
	VPMOVZXBD (80+32*j)(SI), Z3; \
	VCVTDQ2PS Z2, Z2; \
	VCVTDQ2PS Z3, Z3; \
	VMULPS Z2, Z0, Z2; \
	VMULPS Z3, Z1, Z3; \
	VMOVUPS Z2, (64*j)(DI); \
	VMOVUPS Z3, (64*j)(DX)

// func widenScaleKAVX512(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleKAVX512(SB), NOSPLIT, $0-80
	MOVQ scales_base+0(FP), DI
	MOVQ minima_base+24(FP), DX
	MOVQ src_base+48(FP), SI
	MOVQ n+72(FP), CX
	CONSTANT(0x80000000, Z31)

loop:
	VCVTPH2PS (SI), Z0
	VCVTPH2PS 32(SI), Z1
	VPXORD Z31, Z1, Z1
	SCALEK(0)
	SCALEK(1)
	SCALEK(2)
	SCALEK(3)
	SCALEK(4)
	SCALEK(5)
	SCALEK(6)
	SCALEK(7)
	ADDQ $320, SI
	ADDQ $512, DI
	ADDQ $512, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define SCALE6K(j) \
	VPMOVSXBD (32+16*j)(SI), Z2; \
	VCVTDQ2PS Z2, Z2; \
	VMULPS Z2, Z0, Z2; \
	VMOVUPS Z2, (64*j)(DI)

// func widenScale6KAVX512(scales []float32, src []byte, n int)
TEXT ·widenScale6KAVX512(SB), NOSPLIT, $0-56
	MOVQ scales_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ n+48(FP), CX

loop:
	VCVTPH2PS (SI), Z0
	SCALE6K(0)
	SCALE6K(1)
	SCALE6K(2)
	SCALE6K(3)
	SCALE6K(4)
	SCALE6K(5)
	SCALE6K(6)
	SCALE6K(7)
	SCALE6K(8)
	SCALE6K(9)
	SCALE6K(10)
	SCALE6K(11)
	SCALE6K(12)
	SCALE6K(13)
	SCALE6K(14)
	SCALE6K(15)
	ADDQ $288, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
