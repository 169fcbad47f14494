// What:      attention over bf16 pages with AVX512-BF16 dot products: S = Q K^T,
//            the mask, the online softmax, O = c O + P V, for chunks of 12 rows
//            and of 4.
// Layout:    pages as in attn_page.go: one zmm register is a pair of dimensions
//            of 16 keys, or a pair of tokens of 16 dimensions of V. S has rows of
//            STRIDE bytes; P overwrites the first half of each row.
// Algorithm: register tiles of 12 (4) rows x 2 tiles of 16 columns. Per step two
//            64-byte loads of K or V and one broadcast per row feed 24 (8) dot
//            products; nothing is repacked.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"
#include "evex_amd64.h"

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

// Both accumulators of one row: broadcast a word of Q or P, multiply by the two
// tiles in Z24 and Z25. t is the number of the register of tz, which rotates.
#define DOT(mem, tz, t, a0, a1) \
	VPBROADCASTD mem, tz; \
	VDPBF16PS(a0, 24, t); \
	VDPBF16PS(a1, 25, t)

#define ZERO8 \
	VPXORQ Z0, Z0, Z0; \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z4, Z4, Z4; \
	VPXORQ Z5, Z5, Z5; \
	VPXORQ Z6, Z6, Z6; \
	VPXORQ Z7, Z7, Z7

#define STORES(row, a0, a1) \
	VMOVUPS a0, (row*STRIDE)(DX); \
	VMOVUPS a1, (row*STRIDE+64)(DX)

// func attnQK12BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
TEXT ·attnQK12BF16(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ pages+24(FP), R10
	MOVQ d+32(FP), R11
	MOVQ R11, R12
	SHLQ $3, R11            // bytes of 4 rows of Q: d/2 * 16
	SHLQ $5, R12            // bytes of a tile of 16 keys: d/2 * 64

page12:
	MOVQ (R9), DI
	MOVQ $4, R13            // pairs of tiles in a page

tiles12:
	LEAQ (DI)(R12*1), BX
	MOVQ R8, SI
	MOVQ R12, CX
	SHRQ $6, CX             // d/2
	ZERO8
	VPXORQ Z8, Z8, Z8
	VPXORQ Z9, Z9, Z9
	VPXORQ Z10, Z10, Z10
	VPXORQ Z11, Z11, Z11
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13
	VPXORQ Z14, Z14, Z14
	VPXORQ Z15, Z15, Z15
	VPXORQ Z16, Z16, Z16
	VPXORQ Z17, Z17, Z17
	VPXORQ Z18, Z18, Z18
	VPXORQ Z19, Z19, Z19
	VPXORQ Z20, Z20, Z20
	VPXORQ Z21, Z21, Z21
	VPXORQ Z22, Z22, Z22
	VPXORQ Z23, Z23, Z23

dims12:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 (BX), Z25
	DOT((SI), Z26, 26, 0, 1)
	DOT(4(SI), Z27, 27, 2, 3)
	DOT(8(SI), Z28, 28, 4, 5)
	DOT(12(SI), Z29, 29, 6, 7)
	DOT((SI)(R11*1), Z26, 26, 8, 9)
	DOT(4(SI)(R11*1), Z27, 27, 10, 11)
	DOT(8(SI)(R11*1), Z28, 28, 12, 13)
	DOT(12(SI)(R11*1), Z29, 29, 14, 15)
	DOT((SI)(R11*2), Z26, 26, 16, 17)
	DOT(4(SI)(R11*2), Z27, 27, 18, 19)
	DOT(8(SI)(R11*2), Z28, 28, 20, 21)
	DOT(12(SI)(R11*2), Z29, 29, 22, 23)
	ADDQ $64, DI
	ADDQ $64, BX
	ADDQ $16, SI
	DECQ CX
	JNZ dims12

	STORES(0, Z0, Z1)
	STORES(1, Z2, Z3)
	STORES(2, Z4, Z5)
	STORES(3, Z6, Z7)
	STORES(4, Z8, Z9)
	STORES(5, Z10, Z11)
	STORES(6, Z12, Z13)
	STORES(7, Z14, Z15)
	STORES(8, Z16, Z17)
	STORES(9, Z18, Z19)
	STORES(10, Z20, Z21)
	STORES(11, Z22, Z23)
	ADDQ $128, DX
	MOVQ BX, DI             // the second tile ended where the next pair begins
	DECQ R13
	JNZ tiles12
	ADDQ $8, R9
	DECQ R10
	JNZ page12
	VZEROUPPER
	RET

// func attnQK4BF16(s *float32, q *uint32, k *unsafe.Pointer, pages, d int)
TEXT ·attnQK4BF16(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ pages+24(FP), R10
	MOVQ d+32(FP), R12
	SHLQ $5, R12

page4:
	MOVQ (R9), DI
	MOVQ $4, R13

tiles4:
	LEAQ (DI)(R12*1), BX
	MOVQ R8, SI
	MOVQ R12, CX
	SHRQ $6, CX
	ZERO8

dims4:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 (BX), Z25
	PREFETCHT0 4096(DI)
	PREFETCHT0 4096(BX)
	DOT((SI), Z26, 26, 0, 1)
	DOT(4(SI), Z27, 27, 2, 3)
	DOT(8(SI), Z28, 28, 4, 5)
	DOT(12(SI), Z29, 29, 6, 7)
	ADDQ $64, DI
	ADDQ $64, BX
	ADDQ $16, SI
	DECQ CX
	JNZ dims4

	STORES(0, Z0, Z1)
	STORES(1, Z2, Z3)
	STORES(2, Z4, Z5)
	STORES(3, Z6, Z7)
	ADDQ $128, DX
	MOVQ BX, DI
	DECQ R13
	JNZ tiles4
	ADDQ $8, R9
	DECQ R10
	JNZ page4
	VZEROUPPER
	RET

// One row of O: load and scale by the row's factor, or store; AX walks the rows.
#define LOADO(row, a0, a1) \
	VBROADCASTSS (row*4)(R10), Z26; \
	VMULPS (AX), Z26, a0; \
	VMULPS 64(AX), Z26, a1; \
	ADDQ R11, AX
#define STOREO(a0, a1) \
	VMOVUPS a0, (AX); \
	VMOVUPS a1, 64(AX); \
	ADDQ R11, AX

// func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
TEXT ·attnPV12BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ d+40(FP), R11
	MOVQ R11, R12
	SHLQ $2, R11            // bytes of a row of O
	SHLQ $6, R12            // bytes of 32 tokens of V
	XORQ R8, R8             // offset of the pair of tiles in V

tiles12:
	MOVQ DX, AX
	LOADO(0, Z0, Z1)
	LOADO(1, Z2, Z3)
	LOADO(2, Z4, Z5)
	LOADO(3, Z6, Z7)
	LOADO(4, Z8, Z9)
	LOADO(5, Z10, Z11)
	LOADO(6, Z12, Z13)
	LOADO(7, Z14, Z15)
	LOADO(8, Z16, Z17)
	LOADO(9, Z18, Z19)
	LOADO(10, Z20, Z21)
	LOADO(11, Z22, Z23)
	MOVQ p+8(FP), SI
	XORQ R13, R13           // page

page12:
	MOVQ (R9)(R13*8), DI
	ADDQ R8, DI
	MOVQ $4, BX             // groups of 32 tokens

group12:
	MOVQ $16, CX

pair12:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 1024(DI), Z25
	DOT((0*STRIDE)(SI), Z26, 26, 0, 1)
	DOT((1*STRIDE)(SI), Z27, 27, 2, 3)
	DOT((2*STRIDE)(SI), Z28, 28, 4, 5)
	DOT((3*STRIDE)(SI), Z29, 29, 6, 7)
	DOT((4*STRIDE)(SI), Z26, 26, 8, 9)
	DOT((5*STRIDE)(SI), Z27, 27, 10, 11)
	DOT((6*STRIDE)(SI), Z28, 28, 12, 13)
	DOT((7*STRIDE)(SI), Z29, 29, 14, 15)
	DOT((8*STRIDE)(SI), Z26, 26, 16, 17)
	DOT((9*STRIDE)(SI), Z27, 27, 18, 19)
	DOT((10*STRIDE)(SI), Z28, 28, 20, 21)
	DOT((11*STRIDE)(SI), Z29, 29, 22, 23)
	ADDQ $64, DI
	ADDQ $4, SI
	DECQ CX
	JNZ pair12
	LEAQ -1024(DI)(R12*1), DI
	DECQ BX
	JNZ group12
	INCQ R13
	CMPQ R13, pages+32(FP)
	JNE page12

	MOVQ DX, AX
	STOREO(Z0, Z1)
	STOREO(Z2, Z3)
	STOREO(Z4, Z5)
	STOREO(Z6, Z7)
	STOREO(Z8, Z9)
	STOREO(Z10, Z11)
	STOREO(Z12, Z13)
	STOREO(Z14, Z15)
	STOREO(Z16, Z17)
	STOREO(Z18, Z19)
	STOREO(Z20, Z21)
	STOREO(Z22, Z23)
	ADDQ $128, DX
	ADDQ $2048, R8
	CMPQ R8, R12
	JNE tiles12
	VZEROUPPER
	RET

// func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, pages, d int)
TEXT ·attnPV4BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ d+40(FP), R11
	MOVQ R11, R12
	SHLQ $2, R11
	SHLQ $6, R12
	XORQ R8, R8

tiles4:
	MOVQ DX, AX
	LOADO(0, Z0, Z1)
	LOADO(1, Z2, Z3)
	LOADO(2, Z4, Z5)
	LOADO(3, Z6, Z7)
	MOVQ p+8(FP), SI
	XORQ R13, R13

page4:
	MOVQ (R9)(R13*8), DI
	ADDQ R8, DI
	MOVQ $4, BX

group4:
	MOVQ $16, CX

pair4:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 1024(DI), Z25
	DOT((0*STRIDE)(SI), Z26, 26, 0, 1)
	DOT((1*STRIDE)(SI), Z27, 27, 2, 3)
	DOT((2*STRIDE)(SI), Z28, 28, 4, 5)
	DOT((3*STRIDE)(SI), Z29, 29, 6, 7)
	ADDQ $64, DI
	ADDQ $4, SI
	DECQ CX
	JNZ pair4
	LEAQ -1024(DI)(R12*1), DI
	DECQ BX
	JNZ group4
	INCQ R13
	CMPQ R13, pages+32(FP)
	JNE page4

	MOVQ DX, AX
	STOREO(Z0, Z1)
	STOREO(Z2, Z3)
	STOREO(Z4, Z5)
	STOREO(Z6, Z7)
	ADDQ $128, DX
	ADDQ $2048, R8
	CMPQ R8, R12
	JNE tiles4
	VZEROUPPER
	RET

DATA attnIota<>+0(SB)/8, $0x0000000100000000
DATA attnIota<>+8(SB)/8, $0x0000000300000002
DATA attnIota<>+16(SB)/8, $0x0000000500000004
DATA attnIota<>+24(SB)/8, $0x0000000700000006
DATA attnIota<>+32(SB)/8, $0x0000000900000008
DATA attnIota<>+40(SB)/8, $0x0000000b0000000a
DATA attnIota<>+48(SB)/8, $0x0000000d0000000c
DATA attnIota<>+56(SB)/8, $0x0000000f0000000e
GLOBL attnIota<>(SB), RODATA|NOPTR, $64

// log2(e), -Inf, 16, and 2^f for 0 <= f < 1 as a cubic, relative error 8.6e-5:
// 1 exactly at 0, so that a maximum which stays put scales by 1.
DATA attnConst<>+0(SB)/4, $0x3fb8aa3b
DATA attnConst<>+4(SB)/4, $0xff800000
DATA attnConst<>+8(SB)/4, $16
DATA attnConst<>+12(SB)/4, $0x3f800000 // 1
DATA attnConst<>+16(SB)/4, $0x3f31f339 // 0.69511754
DATA attnConst<>+20(SB)/4, $0x3e691ae6 // 0.22764167
DATA attnConst<>+24(SB)/4, $0x3d9dd6ec // 0.07707009
GLOBL attnConst<>(SB), RODATA|NOPTR, $28

// func attnMaskAVX512(s *float32, lo, hi int, bias *float32)
TEXT ·attnMaskAVX512(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), DI
	MOVQ bias+24(FP), SI
	VPBROADCASTD lo+8(FP), Z1
	VPBROADCASTD hi+16(FP), Z2
	VMOVDQU64 attnIota<>(SB), Z0
	VPBROADCASTD attnConst<>+8(SB), Z3
	VBROADCASTSS attnConst<>+4(SB), Z4
	MOVQ $8, CX
	TESTQ SI, SI
	JZ plain
	VBROADCASTSS attnConst<>+0(SB), Z5

biased:
	VMOVUPS (SI), Z6
	VFMADD213PS (DI), Z5, Z6
	VPCMPD $5, Z1, Z0, K1   // slot >= lo
	VPCMPD $1, Z2, Z0, K1, K1 // slot < hi
	VBLENDMPS Z6, Z4, K1, Z6
	VMOVUPS Z6, (DI)
	VPADDD Z3, Z0, Z0
	ADDQ $64, DI
	ADDQ $64, SI
	DECQ CX
	JNZ biased
	VZEROUPPER
	RET

plain:
	VPCMPD $5, Z1, Z0, K1
	VPCMPD $1, Z2, Z0, K1, K1
	VBLENDMPS (DI), Z4, K1, Z6
	VMOVUPS Z6, (DI)
	VPADDD Z3, Z0, Z0
	ADDQ $64, DI
	DECQ CX
	JNZ plain
	VZEROUPPER
	RET

// x = 2^x: split off the fraction above the floor, cubic, scale by the floor
// (VSCALEFPS takes the floor itself; -Inf gives 0).
#define EXP2(x, f, y) \
	VREDUCEPS $1, x, f; \
	VMOVAPS Z28, y; \
	VFMADD213PS Z29, f, y; \
	VFMADD213PS Z30, f, y; \
	VFMADD213PS Z31, f, y; \
	VSCALEFPS x, y, x

// func attnSoftmaxBF16(s, m, l, c *float32, rows, pages int)
TEXT ·attnSoftmaxBF16(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ l+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ rows+32(FP), R11
	MOVQ pages+40(FP), R12
	VBROADCASTSS attnConst<>+12(SB), Z31
	VBROADCASTSS attnConst<>+16(SB), Z30
	VBROADCASTSS attnConst<>+20(SB), Z29
	VBROADCASTSS attnConst<>+24(SB), Z28

row:
	// Z27 = the new maximum, in all lanes
	VBROADCASTSS (R8), Z26
	VMOVAPS Z26, Z0
	VMOVAPS Z26, Z1
	VMOVAPS Z26, Z2
	VMOVAPS Z26, Z3
	MOVQ DI, SI
	MOVQ R12, CX

top:
	VMAXPS (SI), Z0, Z0
	VMAXPS 64(SI), Z1, Z1
	VMAXPS 128(SI), Z2, Z2
	VMAXPS 192(SI), Z3, Z3
	VMAXPS 256(SI), Z0, Z0
	VMAXPS 320(SI), Z1, Z1
	VMAXPS 384(SI), Z2, Z2
	VMAXPS 448(SI), Z3, Z3
	ADDQ $512, SI
	DECQ CX
	JNZ top
	VMAXPS Z1, Z0, Z0
	VMAXPS Z3, Z2, Z2
	VMAXPS Z2, Z0, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0x4E, X0, X0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0xB1, X0, X0, X1
	VMAXPS X1, X0, X0
	VBROADCASTSS X0, Z27
	VMOVSS X0, (R8)

	// c = 2^(old - new), l = l*c + sum of p
	VSUBPS Z27, Z26, Z26
	EXP2(Z26, Z0, Z1)
	VMOVSS X26, (R10)
	VMULPS (R9), Z26, Z24
	VPXORQ Z25, Z25, Z25
	MOVQ DI, SI
	MOVQ DI, DX
	MOVQ R12, CX
	SHLQ $1, CX

exp:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	VSUBPS Z27, Z0, Z0
	VSUBPS Z27, Z1, Z1
	VSUBPS Z27, Z2, Z2
	VSUBPS Z27, Z3, Z3
	EXP2(Z0, Z4, Z5)
	EXP2(Z1, Z6, Z7)
	EXP2(Z2, Z8, Z9)
	EXP2(Z3, Z10, Z11)
	VADDPS Z0, Z24, Z24
	VADDPS Z1, Z25, Z25
	VADDPS Z2, Z24, Z24
	VADDPS Z3, Z25, Z25
	VCVTNE2PS2BF16(4, 1, 0)
	VCVTNE2PS2BF16(5, 3, 2)
	VMOVUPS Z4, (DX)
	VMOVUPS Z5, 64(DX)
	ADDQ $256, SI
	ADDQ $128, DX
	DECQ CX
	JNZ exp
	VADDPS Z25, Z24, Z24
	VMOVUPS Z24, (R9)
	ADDQ $STRIDE, DI
	ADDQ $4, R8
	ADDQ $64, R9
	ADDQ $4, R10
	DECQ R11
	JNZ row
	VZEROUPPER
	RET
