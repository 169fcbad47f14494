// What:      widening of a quantised panel for AVX2: codes of 4, 5 and 6 bits
//            to bytes, scales and minima to float32.
// Layout:    src as in pack.go; codes to dst [nb][8 groups][32 rows][4] bytes,
//            code - zero + 128; scales and minima to [..][32] float32.
// Algorithm: nibbles by mask and shift; the planes of high bits are shifted so
//            that a group's bits come to stand above its nibbles. A block's rows
//            are done 8 at a time.
// Tested by: TestWiden, TestMatMul, FuzzMatMul.

#include "textflag.h"

#define CONSTANT(value, x, y) \
	MOVL $(value), AX; \
	VMOVD AX, x; \
	VPBROADCASTD x, y

#define LOADARGS \
	MOVQ dst_base+0(FP), DI; \
	MOVQ src_base+24(FP), SI; \
	MOVQ nb+56(FP), CX; \
	MOVQ $128, AX; \
	SUBQ zero+48(FP), AX; \
	VMOVD AX, X15; \
	VPBROADCASTB X15, Y15; \
	CONSTANT(0x0F0F0F0F, X14, Y14)

// The nibbles of groups 0..3 to Y0..Y3, of 4..7 to Y4..Y7.
#define NIBBLE(at, i, lo, hi) \
	VMOVDQU (at+128*i)(SI), lo; \
	VPSRLD $4, lo, hi; \
	VPAND Y14, lo, lo; \
	VPAND Y14, hi, hi

#define NIBBLES(at) \
	NIBBLE(at, 0, Y0, Y4); \
	NIBBLE(at, 1, Y1, Y5); \
	NIBBLE(at, 2, Y2, Y6); \
	NIBBLE(at, 3, Y3, Y7)

#define STORE1(at, i, z) \
	VPADDB Y15, z, z; \
	VMOVDQU z, (at+128*i)(DI)

#define STORE(at) \
	STORE1(at, 0, Y0); \
	STORE1(at, 1, Y1); \
	STORE1(at, 2, Y2); \
	STORE1(at, 3, Y3); \
	STORE1(at, 4, Y4); \
	STORE1(at, 5, Y5); \
	STORE1(at, 6, Y6); \
	STORE1(at, 7, Y7)

// z |= plane shifted by n & Y13.
#define LEFT(n, plane, z) \
	VPSLLD $n, plane, Y10; \
	VPAND Y13, Y10, Y10; \
	VPOR Y10, z, z

#define RIGHT(n, plane, z) \
	VPSRLD $n, plane, Y10; \
	VPAND Y13, Y10, Y10; \
	VPOR Y10, z, z

// func widenCodes4AVX2(dst, src []byte, zero, nb int)
TEXT ·widenCodes4AVX2(SB), NOSPLIT, $0-64
	LOADARGS

loop:
	NIBBLES(0)
	STORE(0)
	NIBBLES(32)
	STORE(32)
	NIBBLES(64)
	STORE(64)
	NIBBLES(96)
	STORE(96)
	ADDQ $512, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define OCTET5(at) \
	NIBBLES(at); \
	VMOVDQU (512+at)(SI), Y8; \
	LEFT(4, Y8, Y0); \
	LEFT(3, Y8, Y1); \
	LEFT(2, Y8, Y2); \
	LEFT(1, Y8, Y3); \
	LEFT(0, Y8, Y4); \
	RIGHT(1, Y8, Y5); \
	RIGHT(2, Y8, Y6); \
	RIGHT(3, Y8, Y7); \
	STORE(at)

// func widenCodes5AVX2(dst, src []byte, zero, nb int)
TEXT ·widenCodes5AVX2(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x10101010, X13, Y13)

loop:
	OCTET5(0)
	OCTET5(32)
	OCTET5(64)
	OCTET5(96)
	ADDQ $640, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define OCTET6(at) \
	NIBBLES(at); \
	VMOVDQU (512+at)(SI), Y8; \
	VMOVDQU (640+at)(SI), Y9; \
	LEFT(4, Y8, Y0); \
	LEFT(2, Y8, Y1); \
	LEFT(0, Y8, Y2); \
	RIGHT(2, Y8, Y3); \
	LEFT(4, Y9, Y4); \
	LEFT(2, Y9, Y5); \
	LEFT(0, Y9, Y6); \
	RIGHT(2, Y9, Y7); \
	STORE(at)

// func widenCodes6AVX2(dst, src []byte, zero, nb int)
TEXT ·widenCodes6AVX2(SB), NOSPLIT, $0-64
	LOADARGS
	CONSTANT(0x30303030, X13, Y13)

loop:
	OCTET6(0)
	OCTET6(32)
	OCTET6(64)
	OCTET6(96)
	ADDQ $768, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// 8 halves at to float32.
#define HALVES(at, to) \
	VCVTPH2PS (at)(SI), Y4; \
	VMOVUPS Y4, to

// func widenScaleMin16AVX2(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleMin16AVX2(SB), NOSPLIT, $0-80
	MOVQ scales_base+0(FP), DI
	MOVQ minima_base+24(FP), DX
	MOVQ src_base+48(FP), SI
	MOVQ n+72(FP), CX

loop:
	HALVES(0, 0(DI))
	HALVES(16, 32(DI))
	HALVES(32, 64(DI))
	HALVES(48, 96(DI))
	HALVES(64, 0(DX))
	HALVES(80, 32(DX))
	HALVES(96, 64(DX))
	HALVES(112, 96(DX))
	ADDQ $128, SI
	ADDQ $128, DI
	ADDQ $128, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// 8 numbers at, in bytes, times d.
#define SCALE(extend, at, d, to) \
	extend (at)(SI), Y4; \
	VCVTDQ2PS Y4, Y4; \
	VMULPS Y4, d, Y4; \
	VMOVUPS Y4, to

#define SCALE4(extend, at, to, r) \
	SCALE(extend, at, Y0, (to)(r)); \
	SCALE(extend, at+8, Y1, (to+32)(r)); \
	SCALE(extend, at+16, Y2, (to+64)(r)); \
	SCALE(extend, at+24, Y3, (to+96)(r))

#define HALVES4(at) \
	VCVTPH2PS (at)(SI), Y0; \
	VCVTPH2PS (at+16)(SI), Y1; \
	VCVTPH2PS (at+32)(SI), Y2; \
	VCVTPH2PS (at+48)(SI), Y3

// func widenScaleKAVX2(scales, minima []float32, src []byte, n int)
TEXT ·widenScaleKAVX2(SB), NOSPLIT, $0-80
	MOVQ scales_base+0(FP), DI
	MOVQ minima_base+24(FP), DX
	MOVQ src_base+48(FP), SI
	MOVQ n+72(FP), CX
	CONSTANT(0x80000000, X15, Y15)

loop:
	HALVES4(0)
	SCALE4(VPMOVZXBD, 128, 0, DI)
	SCALE4(VPMOVZXBD, 192, 128, DI)
	SCALE4(VPMOVZXBD, 256, 256, DI)
	SCALE4(VPMOVZXBD, 320, 384, DI)
	SCALE4(VPMOVZXBD, 384, 512, DI)
	SCALE4(VPMOVZXBD, 448, 640, DI)
	SCALE4(VPMOVZXBD, 512, 768, DI)
	SCALE4(VPMOVZXBD, 576, 896, DI)
	HALVES4(64)
	VXORPS Y15, Y0, Y0
	VXORPS Y15, Y1, Y1
	VXORPS Y15, Y2, Y2
	VXORPS Y15, Y3, Y3
	SCALE4(VPMOVZXBD, 160, 0, DX)
	SCALE4(VPMOVZXBD, 224, 128, DX)
	SCALE4(VPMOVZXBD, 288, 256, DX)
	SCALE4(VPMOVZXBD, 352, 384, DX)
	SCALE4(VPMOVZXBD, 416, 512, DX)
	SCALE4(VPMOVZXBD, 480, 640, DX)
	SCALE4(VPMOVZXBD, 544, 768, DX)
	SCALE4(VPMOVZXBD, 608, 896, DX)
	ADDQ $640, SI
	ADDQ $1024, DI
	ADDQ $1024, DX
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenScale6KAVX2(scales []float32, src []byte, n int)
TEXT ·widenScale6KAVX2(SB), NOSPLIT, $0-56
	MOVQ scales_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ n+48(FP), CX

loop:
	HALVES4(0)
	SCALE4(VPMOVSXBD, 64, 0, DI)
	SCALE4(VPMOVSXBD, 96, 128, DI)
	SCALE4(VPMOVSXBD, 128, 256, DI)
	SCALE4(VPMOVSXBD, 160, 384, DI)
	SCALE4(VPMOVSXBD, 192, 512, DI)
	SCALE4(VPMOVSXBD, 224, 640, DI)
	SCALE4(VPMOVSXBD, 256, 768, DI)
	SCALE4(VPMOVSXBD, 288, 896, DI)
	SCALE4(VPMOVSXBD, 320, 1024, DI)
	SCALE4(VPMOVSXBD, 352, 1152, DI)
	SCALE4(VPMOVSXBD, 384, 1280, DI)
	SCALE4(VPMOVSXBD, 416, 1408, DI)
	SCALE4(VPMOVSXBD, 448, 1536, DI)
	SCALE4(VPMOVSXBD, 480, 1664, DI)
	SCALE4(VPMOVSXBD, 512, 1792, DI)
	SCALE4(VPMOVSXBD, 544, 1920, DI)
	ADDQ $576, SI
	ADDQ $2048, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
