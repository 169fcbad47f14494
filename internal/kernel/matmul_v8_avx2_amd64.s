// What:      products of quantised panels with the int8 activations of one token,
//            for AVX2.
// Layout:    w the packed codes of pack.go; scales [nb][32], or [2*nb][32] for 16
//            columns each ("h"); x [nb][8][4]; sums, -128 times the activations'
//            sums per scale; d [nb], their own scale; y [32].
// Algorithm: Codes below 64 are multiplied as they are, which fits VPMADDUBSW's 16
//            bits, and a block's sums start at sums*zero/128; 8-bit codes are split
//            into sign and magnitude. Memory is read in order where registers allow
//            it, else 8 rows at a time within a block, and never asked for ahead:
//            that would only disturb the processor, which foresees it.
//            Scaled by scale*d, the sums are added to the float32 sums in order
//            of the blocks: the same numbers as for several tokens.
// Tested by: TestMatMul, FuzzMatMul, TestLoopsKeepToTheirOperands.

#include "textflag.h"

DATA signBitsV<>+0(SB)/8, $0x8080808080808080
DATA signBitsV<>+8(SB)/8, $0x8080808080808080
DATA signBitsV<>+16(SB)/8, $0x8080808080808080
DATA signBitsV<>+24(SB)/8, $0x8080808080808080
GLOBL signBitsV<>(SB), RODATA|NOPTR, $32

// The int32 sums are in Y0..Y3, or those of 8 rows in Y0 (and Y1); the float32 sums in
// Y4..Y7.
#define VARGS \
	MOVQ y_base+0(FP), R10; \
	MOVQ w_base+24(FP), SI; \
	MOVQ scales_base+48(FP), R8; \
	MOVQ x_base+72(FP), BX; \
	MOVQ sums_base+96(FP), DX; \
	MOVQ d_base+120(FP), AX; \
	MOVQ nb+144(FP), CX; \
	VPBROADCASTD zero+152(FP), Y14; \
	VPCMPEQW Y15, Y15, Y15; \
	VPABSW Y15, Y15; \
	MOVL $0x0F0F0F0F, R11; \
	VMOVD R11, X13; \
	VPBROADCASTD X13, Y13; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7; \
	CMPB acc+160(FP), $0; \
	JEQ  loop; \
	VMOVUPS (R10), Y4; \
	VMOVUPS 32(R10), Y5; \
	VMOVUPS 64(R10), Y6; \
	VMOVUPS 96(R10), Y7

#define VSTORE \
	VMOVUPS Y4, (R10); \
	VMOVUPS Y5, 32(R10); \
	VMOVUPS Y6, 64(R10); \
	VMOVUPS Y7, 96(R10); \
	VZEROUPPER

#define VNEXT(codes, scales, sums) \
	ADDQ $codes, SI; \
	ADDQ $scales, R8; \
	ADDQ $sums, DX; \
	ADDQ $32, BX; \
	ADDQ $4, AX

// sums*zero/128, sums being multiples of 128.
#define VSTART(at, sum) \
	VPBROADCASTD (at)(DX), sum; \
	VPMULLD Y14, sum, sum; \
	VPSRAD $7, sum, sum

#define VSCALE(at, sum, f) \
	VBROADCASTSS (AX), Y8; \
	VCVTDQ2PS sum, sum; \
	VMULPS (at)(R8), Y8, Y8; \
	VFMADD231PS sum, Y8, f

// Products of 8 rows, the activations being in Y9.
#define VSIGNED(at, sum) \
	VPXOR (at)(SI), Y12, Y8; \
	VPSIGNB Y8, Y9, Y10; \
	VPABSB Y8, Y8; \
	VPMADDUBSW Y10, Y8, Y8; \
	VPMADDWD Y15, Y8, Y8; \
	VPADDD Y8, sum, sum

#define VGROUP(i) \
	VPBROADCASTD (4*i)(BX), Y9; \
	VSIGNED(128*i, Y0); \
	VSIGNED(128*i+32, Y1); \
	VSIGNED(128*i+64, Y2); \
	VSIGNED(128*i+96, Y3)

#define VSCALES \
	VSCALE(0, Y0, Y4); \
	VSCALE(32, Y1, Y5); \
	VSCALE(64, Y2, Y6); \
	VSCALE(96, Y3, Y7)

// func gemvI8AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI8AVX2(SB), NOSPLIT, $0-161
	VMOVDQU signBitsV<>(SB), Y12
	VARGS

loop:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VGROUP(0)
	VGROUP(1)
	VGROUP(2)
	VGROUP(3)
	VGROUP(4)
	VGROUP(5)
	VGROUP(6)
	VGROUP(7)
	VSCALES
	VNEXT(1024, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Packed nibbles of 8 rows: the low ones to Y9, the high ones to Y8.
#define VNIBBLES(at) \
	VMOVDQU (at)(SI), Y8; \
	VPAND Y13, Y8, Y9; \
	VPSRLD $4, Y8, Y8; \
	VPAND Y13, Y8, Y8

// Their products with the activations in lo and hi, added in 16 bits first: codes up
// to 31 leave room for four.
#define VPAIRS(lo, hi, sum) \
	VPMADDUBSW lo, Y9, Y9; \
	VPMADDUBSW hi, Y8, Y8; \
	VPADDW Y9, Y8, Y8; \
	VPMADDWD Y15, Y8, Y8; \
	VPADDD Y8, sum, sum

#define VPACKED(at, sum) \
	VNIBBLES(at); \
	VPAIRS(Y10, Y11, sum)

#define VPACKEDGROUP(i) \
	VPBROADCASTD (4*i)(BX), Y10; \
	VPBROADCASTD (16+4*i)(BX), Y11; \
	VPACKED(128*i, Y0); \
	VPACKED(128*i+32, Y1); \
	VPACKED(128*i+64, Y2); \
	VPACKED(128*i+96, Y3)

// func gemvI4AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI4AVX2(SB), NOSPLIT, $0-161
	VARGS

loop:
	VSTART(0, Y0)
	VMOVDQA Y0, Y1
	VMOVDQA Y0, Y2
	VMOVDQA Y0, Y3
	VPACKEDGROUP(0)
	VPACKEDGROUP(1)
	VPACKEDGROUP(2)
	VPACKEDGROUP(3)
	VSCALES
	VNEXT(512, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Products of the low group to lo, of the high one to hi.
#define VPRODUCTS(i, lo, hi) \
	VPBROADCASTD (4*i)(BX), Y2; \
	VPBROADCASTD (16+4*i)(BX), Y3; \
	VPMADDUBSW Y2, Y9, Y9; \
	VPMADDUBSW Y3, Y8, Y8; \
	VPMADDWD Y15, Y9, Y9; \
	VPMADDWD Y15, Y8, Y8; \
	VPADDD Y9, lo, lo; \
	VPADDD Y8, hi, hi

#define VPRODUCTS2(i) \
	VPBROADCASTD (4*i)(BX), Y2; \
	VPBROADCASTD (16+4*i)(BX), Y3; \
	VPAIRS(Y2, Y3, Y0)

// Adds the bits of a plane, shifted, under the mask Y12 to y.
#define VHIGH(shift, n, plane, y) \
	shift $n, plane, Y11; \
	VPAND Y12, Y11, Y11; \
	VPOR Y11, y, y

#define OCTET5(o, f) \
	VSTART(0, Y0); \
	VMOVDQU (512+32*o)(SI), Y10; \
	VNIBBLES(0+32*o); \
	VHIGH(VPSLLD, 4, Y10, Y9); \
	VHIGH(VPSRLD, 0, Y10, Y8); \
	VPRODUCTS2(0); \
	VNIBBLES(128+32*o); \
	VHIGH(VPSLLD, 3, Y10, Y9); \
	VHIGH(VPSRLD, 1, Y10, Y8); \
	VPRODUCTS2(1); \
	VNIBBLES(256+32*o); \
	VHIGH(VPSLLD, 2, Y10, Y9); \
	VHIGH(VPSRLD, 2, Y10, Y8); \
	VPRODUCTS2(2); \
	VNIBBLES(384+32*o); \
	VHIGH(VPSLLD, 1, Y10, Y9); \
	VHIGH(VPSRLD, 3, Y10, Y8); \
	VPRODUCTS2(3); \
	VSCALE(32*o, Y0, f)

// func gemvI5AVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI5AVX2(SB), NOSPLIT, $0-161
	MOVL $0x10101010, R11
	VMOVD R11, X12
	VPBROADCASTD X12, Y12
	VARGS

loop:
	OCTET5(0, Y4)
	OCTET5(1, Y5)
	OCTET5(2, Y6)
	OCTET5(3, Y7)
	VNEXT(640, 128, 4)
	DECQ CX
	JNZ  loop
	VSTORE
	RET

// Columns 0..15 are the low nibbles' groups, with sums in Y0, 16..31 the high
// ones', with sums in Y1.
#define PLANES6(i, shift, n, o) \
	VNIBBLES(128*i+32*o); \
	VMOVDQU (512+32*o)(SI), Y10; \
	VHIGH(shift, n, Y10, Y9); \
	VMOVDQU (640+32*o)(SI), Y10; \
	VHIGH(shift, n, Y10, Y8); \
	VPRODUCTS(i, Y0, Y1)

#define OCTET6(o, f) \
	VSTART(0, Y0); \
	VSTART(4, Y1); \
	PLANES6(0, VPSLLD, 4, o); \
	PLANES6(1, VPSLLD, 2, o); \
	PLANES6(2, VPSLLD, 0, o); \
	PLANES6(3, VPSRLD, 2, o); \
	VSCALE(32*o, Y0, f); \
	VSCALE(128+32*o, Y1, f)

// func gemvI6hAVX2(y []float32, w []byte, scales []float32, x []int8, sums []int32, d []float32, nb, zero int, acc bool)
TEXT ·gemvI6hAVX2(SB), NOSPLIT, $0-161
	MOVL $0x30303030, R11
	VMOVD R11, X12
	VPBROADCASTD X12, Y12
	VARGS

loop:
	OCTET6(0, Y4)
	OCTET6(1, Y5)
	OCTET6(2, Y6)
	OCTET6(3, Y7)
	VNEXT(768, 256, 8)
	DECQ CX
	JNZ  loop
	VSTORE
	RET
