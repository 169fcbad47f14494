// What:      widening of a quantised panel for AVX-512: codes of 4, 5 and 6 bits
//            to bytes, scales and minima to float32.
// Layout:    src as in pack.go; codes to dst [nb][8 groups][32 rows][4] bytes,
//            code - zero + 128; scales and minima to [..][32] float32.
// Algorithm: nibbles by mask and shift; the planes of high bits are shifted so
//            that a group's bits come to stand above its nibbles. A block's rows
//            0..15 are done before its rows 16..31.
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
#define NIBBLE(at, i, lo, hi) \
	VMOVDQU64 (at+128*i)(SI), lo; \
	VPSRLD $4, lo, hi; \
	VPANDD Z30, lo, lo; \
	VPANDD Z30, hi, hi

#define NIBBLES(at) \
	NIBBLE(at, 0, Z0, Z4); \
	NIBBLE(at, 1, Z1, Z5); \
	NIBBLE(at, 2, Z2, Z6); \
	NIBBLE(at, 3, Z3, Z7)

#define STORE1(at, i, z) \
	VPADDB Z31, z, z; \
	VMOVDQU64 z, (at+128*i)(DI)

#define STORE(at) \
	STORE1(at, 0, Z0); \
	STORE1(at, 1, Z1); \
	STORE1(at, 2, Z2); \
	STORE1(at, 3, Z3); \
	STORE1(at, 4, Z4); \
	STORE1(at, 5, Z5); \
	STORE1(at, 6, Z6); \
	STORE1(at, 7, Z7)

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
	NIBBLES(0)
	STORE(0)
	NIBBLES(64)
	STORE(64)
	ADDQ $512, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define HALF5(at) \
	NIBBLES(at); \
	VMOVDQU64 (512+at)(SI), Z8; \
	LEFT(4, Z8, Z0); \
	LEFT(3, Z8, Z1); \
	LEFT(2, Z8, Z2); \
	LEFT(1, Z8, Z3); \
	LEFT(0, Z8, Z4); \
	RIGHT(1, Z8, Z5); \
	RIGHT(2, Z8, Z6); \
	RIGHT(3, Z8, Z7); \
	STORE(at)

// func widenCodes5AVX512(dst, src []byte, zero, nb int)
TEXT ·widenCodes5AVX512(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x10101010, Z29)

loop:
	HALF5(0)
	HALF5(64)
	ADDQ $640, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define HALF6(at) \
	NIBBLES(at); \
	VMOVDQU64 (512+at)(SI), Z8; \
	VMOVDQU64 (640+at)(SI), Z9; \
	LEFT(4, Z8, Z0); \
	LEFT(2, Z8, Z1); \
	LEFT(0, Z8, Z2); \
	RIGHT(2, Z8, Z3); \
	LEFT(4, Z9, Z4); \
	LEFT(2, Z9, Z5); \
	LEFT(0, Z9, Z6); \
	RIGHT(2, Z9, Z7); \
	STORE(at)

// func widenCodes6AVX512(dst, src []byte, zero, nb int)
TEXT ·widenCodes6AVX512(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x30303030, Z29)

loop:
	HALF6(0)
	HALF6(64)
	ADDQ $768, SI
	ADDQ $1024, DI
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
	VCVTPH2PS 64(SI), Z2
	VCVTPH2PS 96(SI), Z3
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, (DX)
	VMOVUPS Z3, 64(DX)
	ADDQ $128, SI
	ADDQ $128, DI
	ADDQ $128, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// 16 numbers at, in bytes, times d.
#define SCALE(extend, at, d, to) \
	extend (at)(SI), Z4; \
	VCVTDQ2PS Z4, Z4; \
	VMULPS Z4, d, Z4; \
	VMOVUPS Z4, to

#define SCALEK(j) \
	SCALE(VPMOVZXBD, 128+64*j, Z0, (128*j)(DI)); \
	SCALE(VPMOVZXBD, 144+64*j, Z1, (128*j+64)(DI)); \
	SCALE(VPMOVZXBD, 160+64*j, Z2, (128*j)(DX)); \
	SCALE(VPMOVZXBD, 176+64*j, Z3, (128*j+64)(DX))

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
	VCVTPH2PS 64(SI), Z2
	VCVTPH2PS 96(SI), Z3
	VPXORD Z31, Z2, Z2
	VPXORD Z31, Z3, Z3
	SCALEK(0)
	SCALEK(1)
	SCALEK(2)
	SCALEK(3)
	SCALEK(4)
	SCALEK(5)
	SCALEK(6)
	SCALEK(7)
	ADDQ $640, SI
	ADDQ $1024, DI
	ADDQ $1024, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define SCALE6K(j) \
	SCALE(VPMOVSXBD, 64+32*j, Z0, (128*j)(DI)); \
	SCALE(VPMOVSXBD, 80+32*j, Z1, (128*j+64)(DI))

// func widenScale6KAVX512(scales []float32, src []byte, n int)
TEXT ·widenScale6KAVX512(SB), NOSPLIT, $0-56
	MOVQ scales_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ n+48(FP), CX

loop:
	VCVTPH2PS (SI), Z0
	VCVTPH2PS 32(SI), Z1
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
	ADDQ $576, SI
	ADDQ $2048, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
