// What:      attention over int8 pages with VNNI dot products: S = Q K^T, the online
//            softmax, O = c O + P V, for chunks of 3, 4, 8 and 12 rows. The mask is
//            attnMaskAVX512.
// Layout:    pages as in attn_page.go: one zmm register is 4 dimensions of 16 keys,
//            or 4 tokens of 16 dimensions of V. Queries are 16-bit integers with a
//            scale per row, in two bytes: q = 256 hi + lo, both signed. Packed,
//            per 4 rows: scale [4] f32, 128*sum(q) [4] int32, hi [d/4][4][4 bytes],
//            lo the same. Probabilities times the value's scale are 15-bit integers
//            with a scale per row and block: p = 256 hi + lo, both unsigned. They
//            overwrite the row of S: per group hi [32] bytes, lo [32] bytes.
// Algorithm: register tiles of 3 to 12 rows x 2 tiles of 16 columns. One pass with
//            the high bytes, a shift by 8, one pass with the low bytes: the sum is
//            exact in 32 bits. VPDPBUSD wants one side unsigned: keys are read as
//            k + 128, and 128*sum(q) comes off at the end.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

#define ZERO(a0, a1) \
	VPXORQ a0, a0, a0; \
	VPXORQ a1, a1, a1
#define SHIFT(a0, a1) \
	VPSLLD $8, a0, a0; \
	VPSLLD $8, a1, a1

// Both accumulators of one row: 4 bytes of Q with the keys in Z24 and Z25
// (unsigned), or 4 bytes of P (unsigned) with the values there.
#define DOTK(mem, t, a0, a1) \
	VPBROADCASTD mem, t; \
	VPDPBUSD t, Z24, a0; \
	VPDPBUSD t, Z25, a1
#define DOTV(mem, t, a0, a1) \
	VPBROADCASTD mem, t; \
	VPDPBUSD Z24, t, a0; \
	VPDPBUSD Z25, t, a1

// One row of S, from the integers: the query's scale and sum are at mem0 and
// mem1, the keys' scales in Z24 and Z25.
#define STORES(row, mem0, mem1, a0, a1) \
	VBROADCASTSS mem0, Z26; \
	VPBROADCASTD mem1, Z27; \
	VPSUBD Z27, a0, a0; \
	VPSUBD Z27, a1, a1; \
	VCVTDQ2PS a0, a0; \
	VCVTDQ2PS a1, a1; \
	VMULPS Z26, a0, a0; \
	VMULPS Z26, a1, a1; \
	VMULPS Z24, a0, a0; \
	VMULPS Z25, a1, a1; \
	VMOVUPS a0, (row*STRIDE)(DX); \
	VMOVUPS a1, (row*STRIDE+64)(DX)

// One row of O, from the integers; AX walks the rows.
#define STOREO(row, a0, a1) \
	VBROADCASTSS (row*4)(R10), Z26; \
	VBROADCASTSS (row*4+64)(R10), Z27; \
	VCVTDQ2PS a0, a0; \
	VCVTDQ2PS a1, a1; \
	VMULPS Z27, a0, a0; \
	VMULPS Z27, a1, a1; \
	VFMADD231PS (AX), Z26, a0; \
	VFMADD231PS 64(AX), Z26, a1; \
	VMOVUPS a0, (AX); \
	VMOVUPS a1, 64(AX); \
	ADDQ R11, AX

// The bodies below are included once per number of rows.

// func attnQK3VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3VNNI(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_vnni_qk_amd64.h"

// func attnPV3VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3VNNI(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_vnni_pv_amd64.h"

#define ROWS4

// func attnQK4VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4VNNI(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_vnni_qk_amd64.h"

// func attnPV4VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4VNNI(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_vnni_pv_amd64.h"

#define ROWS8

// func attnQK8VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK8VNNI(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_vnni_qk_amd64.h"

// func attnPV8VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV8VNNI(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_vnni_pv_amd64.h"

#define ROWS12

// func attnQK12VNNI(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK12VNNI(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_vnni_qk_amd64.h"

// func attnPV12VNNI(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV12VNNI(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_vnni_pv_amd64.h"

// 1 and 2^f for 0 <= f < 1 as in attn_bf16_amd64.s; the least scale; 32767; 128
// in every byte.
DATA attnInt<>+0(SB)/4, $0x3f800000
DATA attnInt<>+4(SB)/4, $0x3f31f339
DATA attnInt<>+8(SB)/4, $0x3e691ae6
DATA attnInt<>+12(SB)/4, $0x3d9dd6ec
DATA attnInt<>+16(SB)/4, $0x0da24260 // 1e-30
DATA attnInt<>+20(SB)/4, $0x46fffe00 // 32767
DATA attnInt<>+24(SB)/4, $0x80808080
GLOBL attnInt<>(SB), RODATA|NOPTR, $28

// x = 2^x: split off the fraction above the floor, cubic, scale by the floor
// (VSCALEFPS takes the floor itself; -Inf gives 0).
#define EXP2(x, f, y) \
	VREDUCEPS $1, x, f; \
	VMOVAPS Z28, y; \
	VFMADD213PS Z29, f, y; \
	VFMADD213PS Z30, f, y; \
	VFMADD213PS Z31, f, y; \
	VSCALEFPS x, y, x

// func attnSoftmaxVNNI(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxVNNI(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ l+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ vs+32(FP), R13
	MOVQ rows+40(FP), R11
	MOVQ groups+48(FP), R12
	VBROADCASTSS attnInt<>+0(SB), Z31
	VBROADCASTSS attnInt<>+4(SB), Z30
	VBROADCASTSS attnInt<>+8(SB), Z29
	VBROADCASTSS attnInt<>+12(SB), Z28

row:
	// Z27 = the new maximum, in all lanes
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
	VBROADCASTSS X0, Z27
	VMOVSS X0, (R8)

	// c = 2^(old - new), l = l*c + sum of p
	VSUBPS Z27, Z26, Z26
	EXP2(Z26, Z0, Z1)
	VMOVSS X26, (R10)
	VMULPS (R9), Z26, Z24
	VPXORQ Z25, Z25, Z25
	VPXORQ Z22, Z22, Z22    // largest p times the value's scale
	VPXORQ Z23, Z23, Z23    // their sum, to notice NaN
	MOVQ DI, SI
	XORQ BX, BX

exp:
	MOVQ (R13)(BX*8), DX    // scales of the values of a group
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VSUBPS Z27, Z0, Z0
	VSUBPS Z27, Z1, Z1
	EXP2(Z0, Z4, Z5)
	EXP2(Z1, Z6, Z7)
	VADDPS Z0, Z24, Z24
	VADDPS Z1, Z25, Z25
	VMULPS (DX), Z0, Z0
	VMULPS 64(DX), Z1, Z1
	VMAXPS Z0, Z22, Z22
	VMAXPS Z1, Z22, Z22
	VADDPS Z0, Z23, Z23
	VADDPS Z1, Z23, Z23
	VMOVUPS Z0, (SI)
	VMOVUPS Z1, 64(SI)
	ADDQ $128, SI
	INCQ BX
	CMPQ BX, R12
	JNE exp
	VADDPS Z25, Z24, Z24
	VMOVUPS Z24, (R9)

	// The scale of P: the largest is 32767. NaN anywhere makes it NaN.
	VEXTRACTF64X4 $1, Z22, Y1
	VMAXPS Y1, Y22, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0x4E, X0, X0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0xB1, X0, X0, X1
	VMAXPS X1, X0, X0
	VMAXSS attnInt<>+16(SB), X0, X0
	VMOVSS attnInt<>+20(SB), X2
	VDIVSS X0, X2, X3       // 32767 / largest
	VDIVSS X2, X0, X0
	VXORPS X4, X4, X4
	VMULPS Z4, Z23, Z5      // 0, or NaN
	VEXTRACTF64X4 $1, Z5, Y1
	VADDPS Y1, Y5, Y5
	VEXTRACTF128 $1, Y5, X1
	VADDPS X1, X5, X5
	VSHUFPS $0x4E, X5, X5, X1
	VADDPS X1, X5, X5
	VSHUFPS $0xB1, X5, X5, X1
	VADDPS X1, X5, X5
	VADDSS X5, X0, X0
	VMOVSS X0, 64(R10)
	VBROADCASTSS X3, Z3

	MOVQ DI, SI
	MOVQ DI, DX
	MOVQ R12, CX

bytes:
	VMULPS (SI), Z3, Z0
	VMULPS 64(SI), Z3, Z1
	VCVTPS2DQ Z0, Z0
	VCVTPS2DQ Z1, Z1
	VPSRLD $8, Z0, Z5
	VPSRLD $8, Z1, Z6
	VPMOVDB Z5, (DX)
	VPMOVDB Z6, 16(DX)
	VPMOVDB Z0, 32(DX)
	VPMOVDB Z1, 48(DX)
	ADDQ $128, SI
	ADDQ $64, DX
	DECQ CX
	JNZ bytes
	ADDQ $STRIDE, DI
	ADDQ $4, R8
	ADDQ $64, R9
	ADDQ $4, R10
	DECQ R11
	JNZ row
	VZEROUPPER
	RET
