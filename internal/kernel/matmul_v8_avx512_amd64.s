// What:      products of quantised panels with the int8 activations of one token,
//            for AVX-512 with VNNI.
// Layout:    w the packed codes of pack.go; scales [nb][32], or [2*nb][32] for 16
//            columns each ("h"); x [nb][8][4]; sums, -128 times the activations'
//            sums per scale; d [nb], their own scale; y [32].
// Algorithm: VPDPBUSD adds 4 products per row and instruction; reading memory is
//            what limits the speed. So it is read in the order in which it lies, and
//            only whole bytes, which come fastest, are asked for ahead: the processor
//            foresees the rest, and would be disturbed. A block's sums start at
//            sums*zero/128, which takes the zero out again, are scaled by scale*d
//            and added to the float32 sums in order of the blocks: the same
//            numbers as for several tokens.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

// The int32 sums are in Z0 and Z1, of 16 rows each, the float32 sums in
// Z16 and Z17.
#define VARGS \
	MOVQ y_base+0(FP), R10; \
	MOVQ w_base+24(FP), SI; \
	MOVQ scales_base+48(FP), R8; \
	MOVQ x_base+72(FP), BX; \
	MOVQ sums_base+96(FP), DX; \
	MOVQ d_base+120(FP), AX; \
	MOVQ nb+144(FP), CX; \
	VPBROADCASTD zero+152(FP), Z28; \
	MOVL $0x0F0F0F0F, R11; \
	VPBROADCASTD R11, Z29; \
	VPXORQ Z16, Z16, Z16; \
	VPXORQ Z17, Z17, Z17; \
	CMPB acc+160(FP), $0; \
	JEQ  loop; \
	VMOVUPS (R10), Z16; \
	VMOVUPS 64(R10), Z17

#define VSTORE \
	VMOVUPS Z16, (R10); \
	VMOVUPS Z17, 64(R10); \
	VZEROUPPER

// sums*zero/128, sums being multiples of 128.
#define VSTART(at, a, b) \
	VPMULLD.BCST (at)(DX), Z28, a; \
	VPSRAD $7, a, a; \
	VMOVDQA64 a, b

#define VSCALE(at, a, b) \
	VBROADCASTSS (AX), Z30; \
	VCVTDQ2PS a, a; \
	VCVTDQ2PS b, b; \
	VMULPS (at)(R8), Z30, Z31; \
	VMULPS (at+64)(R8), Z30, Z15; \
	VFMADD231PS a, Z31, Z16; \
	VFMADD231PS b, Z15, Z17

#define VNEXT(codes, scales, sums) \
	ADDQ $codes, SI; \
	ADDQ $scales, R8; \
	ADDQ $sums, DX; \
	ADDQ $32, BX; \
	ADDQ $4, AX

#define VGROUP(i) \
	VMOVDQU64 (128*i)(SI), Z2; \
	VMOVDQU64 (128*i+64)(SI), Z3; \
	PREFETCHT1 (4096+128*i)(SI); \
	PREFETCHT1 (4160+128*i)(SI); \
	VPDPBUSD.BCST (4*i)(BX), Z2, Z0; \
	VPDPBUSD.BCST (4*i)(BX), Z3, Z1

// func gemvI8AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI8AVX512(SB), NOSPLIT, $0-161
	VARGS

loop:
	VPBROADCASTD (DX), Z0
	VMOVDQA64 Z0, Z1
	VGROUP(0)
	VGROUP(1)
	VGROUP(2)
	VGROUP(3)
	VGROUP(4)
	VGROUP(5)
	VGROUP(6)
	VGROUP(7)
	VSCALE(0, Z0, Z1)
	VNEXT(1024, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Packed nibbles, group i to a and b. In order: blocks with more bits load all of a
// block before they begin.
#define VLOAD(i, a, b) \
	VMOVDQU64 (128*i)(SI), a; \
	VMOVDQU64 (128*i+64)(SI), b

// The low nibbles of a and b to Z4 and Z5, the high ones to Z2 and Z3.
#define VNIBBLES(a, b) \
	VPANDD Z29, a, Z4; \
	VPANDD Z29, b, Z5; \
	VPSRLD $4, a, Z2; \
	VPSRLD $4, b, Z3; \
	VPANDD Z29, Z2, Z2; \
	VPANDD Z29, Z3, Z3

// Products of the low groups to a and b, of the high ones to c and d.
#define VPRODUCTS(i, a, b, c, d) \
	VPDPBUSD.BCST (4*i)(BX), Z4, a; \
	VPDPBUSD.BCST (4*i)(BX), Z5, b; \
	VPDPBUSD.BCST (16+4*i)(BX), Z2, c; \
	VPDPBUSD.BCST (16+4*i)(BX), Z3, d

// func gemvI4AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI4AVX512(SB), NOSPLIT, $0-161
	VARGS

loop:
	VSTART(0, Z0, Z1)
	VLOAD(0, Z2, Z3)
	VNIBBLES(Z2, Z3)
	VPRODUCTS(0, Z0, Z1, Z0, Z1)
	VLOAD(1, Z2, Z3)
	VNIBBLES(Z2, Z3)
	VPRODUCTS(1, Z0, Z1, Z0, Z1)
	VLOAD(2, Z2, Z3)
	VNIBBLES(Z2, Z3)
	VPRODUCTS(2, Z0, Z1, Z0, Z1)
	VLOAD(3, Z2, Z3)
	VNIBBLES(Z2, Z3)
	VPRODUCTS(3, Z0, Z1, Z0, Z1)
	VSCALE(0, Z0, Z1)
	VNEXT(512, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Adds the bits of planes p and q, shifted, under the mask Z27 to a and b.
#define VHIGH(shift, n, p, q, a, b) \
	shift $n, p, Z10; \
	shift $n, q, Z11; \
	VPTERNLOGD $0xF8, Z27, Z10, a; \
	VPTERNLOGD $0xF8, Z27, Z11, b

// func gemvI5AVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI5AVX512(SB), NOSPLIT, $0-161
	MOVL $0x10101010, R11
	VPBROADCASTD R11, Z27
	VARGS

loop:
	VSTART(0, Z0, Z1)
	VLOAD(0, Z18, Z19)
	VLOAD(1, Z20, Z21)
	VLOAD(2, Z22, Z23)
	VLOAD(3, Z24, Z25)
	VMOVDQU64 512(SI), Z8
	VMOVDQU64 576(SI), Z9
	VNIBBLES(Z18, Z19)
	VHIGH(VPSLLD, 4, Z8, Z9, Z4, Z5)
	VHIGH(VPSRLD, 0, Z8, Z9, Z2, Z3)
	VPRODUCTS(0, Z0, Z1, Z0, Z1)
	VNIBBLES(Z20, Z21)
	VHIGH(VPSLLD, 3, Z8, Z9, Z4, Z5)
	VHIGH(VPSRLD, 1, Z8, Z9, Z2, Z3)
	VPRODUCTS(1, Z0, Z1, Z0, Z1)
	VNIBBLES(Z22, Z23)
	VHIGH(VPSLLD, 2, Z8, Z9, Z4, Z5)
	VHIGH(VPSRLD, 2, Z8, Z9, Z2, Z3)
	VPRODUCTS(2, Z0, Z1, Z0, Z1)
	VNIBBLES(Z24, Z25)
	VHIGH(VPSLLD, 1, Z8, Z9, Z4, Z5)
	VHIGH(VPSRLD, 3, Z8, Z9, Z2, Z3)
	VPRODUCTS(3, Z0, Z1, Z0, Z1)
	VSCALE(0, Z0, Z1)
	VNEXT(640, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Columns 0..15 are the low nibbles' groups, with sums in Z0 and Z1, 16..31 the
// high ones', with sums in Z6 and Z7.
// func gemvI6hAVX512(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI6hAVX512(SB), NOSPLIT, $0-161
	MOVL $0x30303030, R11
	VPBROADCASTD R11, Z27
	VARGS

loop:
	VSTART(0, Z0, Z1)
	VSTART(4, Z6, Z7)
	VLOAD(0, Z18, Z19)
	VLOAD(1, Z20, Z21)
	VLOAD(2, Z22, Z23)
	VLOAD(3, Z24, Z25)
	VMOVDQU64 512(SI), Z8
	VMOVDQU64 576(SI), Z9
	VMOVDQU64 640(SI), Z12
	VMOVDQU64 704(SI), Z13
	VNIBBLES(Z18, Z19)
	VHIGH(VPSLLD, 4, Z8, Z9, Z4, Z5)
	VHIGH(VPSLLD, 4, Z12, Z13, Z2, Z3)
	VPRODUCTS(0, Z0, Z1, Z6, Z7)
	VNIBBLES(Z20, Z21)
	VHIGH(VPSLLD, 2, Z8, Z9, Z4, Z5)
	VHIGH(VPSLLD, 2, Z12, Z13, Z2, Z3)
	VPRODUCTS(1, Z0, Z1, Z6, Z7)
	VNIBBLES(Z22, Z23)
	VHIGH(VPSLLD, 0, Z8, Z9, Z4, Z5)
	VHIGH(VPSLLD, 0, Z12, Z13, Z2, Z3)
	VPRODUCTS(2, Z0, Z1, Z6, Z7)
	VNIBBLES(Z24, Z25)
	VHIGH(VPSRLD, 2, Z8, Z9, Z4, Z5)
	VHIGH(VPSRLD, 2, Z12, Z13, Z2, Z3)
	VPRODUCTS(3, Z0, Z1, Z6, Z7)
	VSCALE(0, Z0, Z1)
	VSCALE(128, Z6, Z7)
	VNEXT(768, 256, 8)
	DECQ CX
	JNZ  loop
	VSTORE
	RET
