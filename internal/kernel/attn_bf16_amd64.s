// What:      attention over bf16 pages with AVX512-BF16 dot products: S = Q K^T,
//            the mask, the online softmax, O = c O + P V, for chunks of 3, 4, 8
//            and 12 rows.
// Layout:    pages as in attn_page.go: one zmm register is a pair of dimensions
//            of 16 keys, or a pair of tokens of 16 dimensions of V. S has rows of
//            STRIDE bytes; P overwrites the first half of each row.
// Algorithm: 8 and 12 rows: register tiles of so many rows x 2 tiles of 16 columns.
//            Per step two 64-byte loads of K or V and one broadcast per row feed 16
//            or 24 dot products; nothing is repacked. The same lines of four groups
//            later are prefetched into L2. 3 and 4 rows: memory is the limit, and K
//            and V are read as they lie, one tile after the other, which the
//            processor foresees: prefetching by hand only slows it down. The order
//            of the sums is the same.
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

// One row of S: two vectors.
#define STORES(row, a0, a1) \
	VMOVUPS a0, (row*STRIDE)(DX); \
	VMOVUPS a1, (row*STRIDE+64)(DX)

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

// 32 dimensions of one row as 16 pairs of bf16, times Z31.
#define PAIRS(mem0, mem1, a, b, na, nb) \
	VMULPS mem0, Z31, a; \
	VMULPS mem1, Z31, b; \
	VCVTNE2PS2BF16(na, nb, na)

// func attnPack4BF16(dst *uint32, q0, q1, q2, q3 *float32, d int)
// 4 rows of q, [d] each, times log2(e) to [d/2][4] pairs: 4 x 4 transposes inside the
// 128-bit lanes, stored lane by lane.
TEXT ·attnPack4BF16(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ q0+8(FP), SI
	MOVQ q1+16(FP), R8
	MOVQ q2+24(FP), BX
	MOVQ q3+32(FP), R9
	MOVQ d+40(FP), CX
	XORQ AX, AX
	SHRQ $5, CX
	VBROADCASTSS attnConst<>+0(SB), Z31

dims:
	PAIRS((SI)(AX*1), 64(SI)(AX*1), Z0, Z4, 0, 4)
	PAIRS((R8)(AX*1), 64(R8)(AX*1), Z1, Z4, 1, 4)
	PAIRS((BX)(AX*1), 64(BX)(AX*1), Z2, Z4, 2, 4)
	PAIRS((R9)(AX*1), 64(R9)(AX*1), Z3, Z4, 3, 4)
	VPUNPCKLDQ Z1, Z0, Z4   // pairs 0 and 1 of rows 0 and 1, per lane
	VPUNPCKHDQ Z1, Z0, Z5   // pairs 2 and 3
	VPUNPCKLDQ Z3, Z2, Z6
	VPUNPCKHDQ Z3, Z2, Z7
	VPUNPCKLQDQ Z6, Z4, Z0  // pair 0 of four rows, per lane
	VPUNPCKHQDQ Z6, Z4, Z1
	VPUNPCKLQDQ Z7, Z5, Z2
	VPUNPCKHQDQ Z7, Z5, Z3
#define LANE(n) \
	VEXTRACTI32X4 $n, Z0, (n*64)(DI); \
	VEXTRACTI32X4 $n, Z1, (n*64+16)(DI); \
	VEXTRACTI32X4 $n, Z2, (n*64+32)(DI); \
	VEXTRACTI32X4 $n, Z3, (n*64+48)(DI)
	LANE(0)
	LANE(1)
	LANE(2)
	LANE(3)
	ADDQ $128, AX
	ADDQ $256, DI
	DECQ CX
	JNZ dims
	VZEROUPPER
	RET

// func attnAskAVX512(p unsafe.Pointer)
// 2 KiB, into L2.
TEXT ·attnAskAVX512(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), SI
	MOVQ $8, CX

ask:
	PREFETCHT1 (SI)
	PREFETCHT1 64(SI)
	PREFETCHT1 128(SI)
	PREFETCHT1 192(SI)
	ADDQ $256, SI
	DECQ CX
	JNZ ask
	RET

// The bodies below are included once per number of rows.

// A pair of tokens of 16 dimensions of V times 3 or 4 rows of P.
#define PAIR3(i) \
	VMOVDQU64 (64*i)(DI), Z24; \
	VDPBF16PSBCST(0, 24, 6, 0*STRIDE+4*i); \
	VDPBF16PSBCST(1, 24, 6, 1*STRIDE+4*i); \
	VDPBF16PSBCST(2, 24, 6, 2*STRIDE+4*i)
#define PAIR4(i) \
	PAIR3(i); \
	VDPBF16PSBCST(3, 24, 6, 3*STRIDE+4*i)
#define PAIR(i) PAIR3(i)

// func attnQK3BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3BF16(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_bf16_few_qk_amd64.h"

// func attnPV3BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
	MOVQ $3, R13
#include "attn_bf16_few_pv_amd64.h"

#define ROWS4
#undef PAIR
#define PAIR(i) PAIR4(i)

// func attnQK4BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4BF16(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_bf16_few_qk_amd64.h"

// func attnPV4BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
	MOVQ $4, R13
#include "attn_bf16_few_pv_amd64.h"


// func attnQK8BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK8BF16(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_bf16_qk_amd64.h"

// func attnPV8BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV8BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_bf16_pv_amd64.h"


#define ROWS12

// func attnQK12BF16(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK12BF16(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_bf16_qk_amd64.h"

// func attnPV12BF16(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV12BF16(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_bf16_pv_amd64.h"

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

// func attnMaskAVX512(s *float32, lo, hi int, bias *float32, groups int)
TEXT ·attnMaskAVX512(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), DI
	MOVQ bias+24(FP), SI
	VPBROADCASTD lo+8(FP), Z1
	VPBROADCASTD hi+16(FP), Z2
	VMOVDQU64 attnIota<>(SB), Z0
	VPBROADCASTD attnConst<>+8(SB), Z3
	VBROADCASTSS attnConst<>+4(SB), Z4
	MOVQ groups+32(FP), CX
	SHLQ $1, CX
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

// x = 2^(x - m), y likewise: split off the fraction above the floor, cubic, scale by
// the floor (VSCALEFPS takes the floor itself; -Inf gives 0). VREDUCEPS and VSCALEFPS
// keep the adders busy, so the subtraction is one of the multipliers'.
#define EXP2(x, y, m, f, g, a, b) \
	VFMSUB213PS m, Z31, x; \
	VFMSUB213PS m, Z31, y; \
	VREDUCEPS $1, x, f; \
	VREDUCEPS $1, y, g; \
	VMOVAPS Z28, a; \
	VMOVAPS Z28, b; \
	VFMADD213PS Z29, f, a; \
	VFMADD213PS Z29, g, b; \
	VFMADD213PS Z30, f, a; \
	VFMADD213PS Z30, g, b; \
	VFMADD213PS Z31, f, a; \
	VFMADD213PS Z31, g, b; \
	VSCALEFPS x, a, x; \
	VSCALEFPS y, b, y

// The maxima of all rows come first, so that one row's work fills the time in which
// another's goes from register to register. The sum is that of the probabilities
// before they are rounded to bf16: the error of a large one then stays with that
// token, where a rounded sum would give it to all others.
// func attnSoftmaxBF16(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxBF16(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ c+24(FP), R10
	MOVQ rows+40(FP), R11
	MOVQ groups+48(FP), R12
	VBROADCASTSS attnConst<>+12(SB), Z31
	VBROADCASTSS attnConst<>+16(SB), Z30
	VBROADCASTSS attnConst<>+20(SB), Z29
	VBROADCASTSS attnConst<>+24(SB), Z28

max:
	VBROADCASTSS (R8), Z26
	VMOVAPS Z26, Z0
	VMOVAPS Z26, Z1
	VMOVAPS Z26, Z2
	VMOVAPS Z26, Z3
	MOVQ DI, SI
	MOVQ R12, CX
	SHRQ $1, CX
	JZ odd

top:
	VMAXPS (SI), Z0, Z0
	VMAXPS 64(SI), Z1, Z1
	VMAXPS 128(SI), Z2, Z2
	VMAXPS 192(SI), Z3, Z3
	ADDQ $256, SI
	DECQ CX
	JNZ top

odd:
	TESTQ $1, R12
	JZ even
	VMAXPS (SI), Z0, Z0
	VMAXPS 64(SI), Z1, Z1

even:
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
	VMOVSS X0, (R8)
	VMOVSS X26, (R10)
	ADDQ $STRIDE, DI
	ADDQ $4, R8
	ADDQ $4, R10
	DECQ R11
	JNZ max

	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ l+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ rows+40(FP), R11

row:
	// c = 2^(old - new), l = l*c + sum of p
	VBROADCASTSS (R8), Z27
	VBROADCASTSS (R10), Z0
	VMOVAPS Z0, Z1
	EXP2(Z0, Z1, Z27, Z4, Z5, Z6, Z7)
	VMOVSS X0, (R10)
	VMULPS (R9), Z0, Z24
	VPXORQ Z25, Z25, Z25
	MOVQ DI, SI
	MOVQ DI, DX
	MOVQ R12, CX

exp:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	EXP2(Z0, Z1, Z27, Z4, Z5, Z6, Z7)
	VADDPS Z0, Z24, Z24
	VADDPS Z1, Z25, Z25
	VCVTNE2PS2BF16(4, 1, 0)
	VMOVUPS Z4, (DX)
	ADDQ $128, SI
	ADDQ $64, DX
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
