// What:      attention over bf16 pages with AVX2 and FMA, float32 throughout: S = Q
//            K^T, the mask, the online softmax, O = c O + P V, for chunks of 3, 4 and
//            6 rows.
// Layout:    pages as in attn_page.go: 64 bytes are a pair of dimensions of 16
//            keys, or of tokens of 16 dimensions of V. The first of a pair is the
//            lower half of a 32-bit lane (shift it up), the second the upper half
//            (mask it); both are then float32. Q is [rows][d]. S has rows of STRIDE
//            bytes and becomes P in place.
// Algorithm: register tiles of 3, 4 or 6 rows x 16 columns (two ymm registers); the
//            same lines of four groups later are prefetched.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

DATA attnF32<>+0(SB)/4, $0xffff0000  // upper half
DATA attnF32<>+4(SB)/4, $0x3fb8aa3b  // log2(e)
DATA attnF32<>+8(SB)/4, $0xff800000  // -Inf
DATA attnF32<>+12(SB)/4, $8
DATA attnF32<>+16(SB)/4, $1
DATA attnF32<>+20(SB)/4, $0xc2fc0000 // -126
// 2^f for |f| <= 1/2, relative error 1e-7, 1 exactly at 0.
DATA attnF32<>+24(SB)/4, $0x3f800000 // 1
DATA attnF32<>+28(SB)/4, $0x3f317215 // 0.69314698
DATA attnF32<>+32(SB)/4, $0x3e75fcde // 0.24022242
DATA attnF32<>+36(SB)/4, $0x3d635baa // 0.05550734
DATA attnF32<>+40(SB)/4, $0x3c1e754f // 0.00967152
DATA attnF32<>+44(SB)/4, $0x3aaddd24 // 0.00132648
GLOBL attnF32<>(SB), RODATA|NOPTR, $48

DATA attnIota8<>+0(SB)/8, $0x0000000100000000
DATA attnIota8<>+8(SB)/8, $0x0000000300000002
DATA attnIota8<>+16(SB)/8, $0x0000000500000004
DATA attnIota8<>+24(SB)/8, $0x0000000700000006
GLOBL attnIota8<>(SB), RODATA|NOPTR, $32

// LO and HI make float32 of the first and of the second of each pair at mem;
// Y15 is the mask.
#define LO(mem0, mem1) \
	VMOVDQU mem0, Y12; \
	VMOVDQU mem1, Y13; \
	VPSLLD $16, Y12, Y12; \
	VPSLLD $16, Y13, Y13
#define HI(mem0, mem1) \
	VPAND mem0, Y15, Y12; \
	VPAND mem1, Y15, Y13

// One row: an element of Q or P times the 16 columns in Y12 and Y13.
#define FMA(mem, a0, a1) \
	VBROADCASTSS mem, Y14; \
	VFMADD231PS Y12, Y14, a0; \
	VFMADD231PS Y13, Y14, a1

// One row of S: two vectors.
#define STORES(row, a0, a1) \
	VMOVUPS a0, (row*STRIDE)(DX); \
	VMOVUPS a1, (row*STRIDE+32)(DX)

// One row of O: load and scale by the row's factor, or store; AX walks the rows.
#define LOADO(row, a0, a1) \
	VBROADCASTSS (row*4)(R10), Y14; \
	VMULPS (AX), Y14, a0; \
	VMULPS 32(AX), Y14, a1; \
	ADDQ R11, AX
#define STOREO(a0, a1) \
	VMOVUPS a0, (AX); \
	VMOVUPS a1, 32(AX); \
	ADDQ R11, AX

// The bodies below are included once per number of rows.

// func attnQK3AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3AVX2(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_qk_amd64.h"

// func attnPV3AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3AVX2(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_pv_amd64.h"

#define ROWS4

// func attnQK4AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4AVX2(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_qk_amd64.h"

// func attnPV4AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4AVX2(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_pv_amd64.h"

#define ROWS6

// func attnQK6AVX2(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK6AVX2(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_qk_amd64.h"

// func attnPV6AVX2(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV6AVX2(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
	VBROADCASTSS attnF32<>+0(SB), Y15
#include "attn_avx2_pv_amd64.h"

// func attnMaskAVX2(s *float32, lo, hi int, bias *float32, groups int)
TEXT ·attnMaskAVX2(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), DI
	MOVQ bias+24(FP), SI
	VPBROADCASTD lo+8(FP), Y1
	VPBROADCASTD hi+16(FP), Y2
	VMOVDQU attnIota8<>(SB), Y0
	VPBROADCASTD attnF32<>+12(SB), Y3
	VBROADCASTSS attnF32<>+8(SB), Y4
	VBROADCASTSS attnF32<>+4(SB), Y5
	MOVQ groups+32(FP), CX
	SHLQ $2, CX

slots:
	VMOVUPS (DI), Y6
	TESTQ SI, SI
	JZ plain
	VMOVUPS (SI), Y7
	VFMADD231PS Y7, Y5, Y6
	ADDQ $32, SI

plain:
	VPCMPGTD Y0, Y1, Y7     // lo > slot
	VPCMPGTD Y0, Y2, Y8     // hi > slot
	VBLENDVPS Y8, Y6, Y4, Y6
	VBLENDVPS Y7, Y4, Y6, Y6
	VMOVUPS Y6, (DI)
	VPADDD Y3, Y0, Y0
	ADDQ $32, DI
	DECQ CX
	JNZ slots
	VZEROUPPER
	RET

// x = 2^x for x <= 0, 0 below -126: nearest integer n, polynomial in x - n, n
// added to the exponent. NaN stays NaN. n, y and z are scratch.
#define EXP2(x, n, y, z) \
	VMAXPS x, Y8, y; \
	VROUNDPS $0, y, n; \
	VSUBPS n, y, y; \
	VCVTPS2DQ n, n; \
	VPSLLD $23, n, n; \
	VMOVAPS Y9, z; \
	VFMADD213PS Y10, y, z; \
	VFMADD213PS Y11, y, z; \
	VFMADD213PS Y12, y, z; \
	VFMADD213PS Y13, y, z; \
	VFMADD213PS Y14, y, z; \
	VPADDD n, z, z; \
	VCMPPS $1, Y8, x, x; \
	VANDNPS z, x, x

// func attnSoftmaxAVX2(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxAVX2(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ l+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ rows+40(FP), R11
	MOVQ groups+48(FP), R12
	VBROADCASTSS attnF32<>+20(SB), Y8
	VBROADCASTSS attnF32<>+44(SB), Y9
	VBROADCASTSS attnF32<>+40(SB), Y10
	VBROADCASTSS attnF32<>+36(SB), Y11
	VBROADCASTSS attnF32<>+32(SB), Y12
	VBROADCASTSS attnF32<>+28(SB), Y13
	VBROADCASTSS attnF32<>+24(SB), Y14

row:
	// Y15 = the new maximum, in all lanes
	VBROADCASTSS (R8), Y7
	VMOVAPS Y7, Y0
	VMOVAPS Y7, Y1
	VMOVAPS Y7, Y2
	VMOVAPS Y7, Y3
	MOVQ DI, SI
	MOVQ R12, CX

top:
	VMAXPS (SI), Y0, Y0
	VMAXPS 32(SI), Y1, Y1
	VMAXPS 64(SI), Y2, Y2
	VMAXPS 96(SI), Y3, Y3
	ADDQ $128, SI
	DECQ CX
	JNZ top
	VMAXPS Y1, Y0, Y0
	VMAXPS Y3, Y2, Y2
	VMAXPS Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0x4E, X0, X0, X1
	VMAXPS X1, X0, X0
	VSHUFPS $0xB1, X0, X0, X1
	VMAXPS X1, X0, X0
	VBROADCASTSS X0, Y15
	VMOVSS X0, (R8)

	// c = 2^(old - new), l = l*c + sum of p
	VSUBPS Y15, Y7, Y0
	EXP2(Y0, Y1, Y2, Y3)
	VMOVSS X0, (R10)
	VMULPS (R9), Y0, Y6
	VMULPS 32(R9), Y0, Y7
	MOVQ DI, SI
	MOVQ R12, CX
	SHLQ $1, CX

exp:
	VMOVUPS (SI), Y0
	VSUBPS Y15, Y0, Y0
	EXP2(Y0, Y1, Y2, Y3)
	VMOVUPS 32(SI), Y4
	VSUBPS Y15, Y4, Y4
	EXP2(Y4, Y1, Y2, Y3)
	VADDPS Y0, Y6, Y6
	VADDPS Y4, Y7, Y7
	VMOVUPS Y0, (SI)
	VMOVUPS Y4, 32(SI)
	ADDQ $64, SI
	DECQ CX
	JNZ exp
	VMOVUPS Y6, (R9)
	VMOVUPS Y7, 32(R9)
	ADDQ $STRIDE, DI
	ADDQ $4, R8
	ADDQ $64, R9
	ADDQ $4, R10
	DECQ R11
	JNZ row
	VZEROUPPER
	RET
