// What:      attention over int8 pages with AVX2 integer products: S = Q K^T, the
//            online softmax, O = c O + P V, for chunks of 3, 4 and 6 rows. The mask
//            is attnMaskAVX2.
// Layout:    pages as in attn_page.go: 32 bytes are 4 dimensions of 8 keys, or 4
//            tokens of 8 dimensions of V. Queries are 16-bit integers with a scale
//            per row: [rows] of scale f32, 4 bytes unused, [d] int16. Probabilities
//            times the value's scale are 15-bit integers with a scale per row and
//            block; as int16 they overwrite the row of S.
// Algorithm: register tiles of 3, 4 or 6 rows x 8 columns. Bytes are widened to
//            words; VPMADDWD adds up pairs, so each of two accumulators per row
//            holds two parts for 4 columns, which are added at the end. Sums are
//            exact in 32 bits.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

#define ZERO(a0, a1) \
	VPXOR a0, a0, a0; \
	VPXOR a1, a1, a1

// One row: 4 words of Q or P times the 4 columns in Y12 and the 4 in Y13.
#define DOTW(mem, a0, a1) \
	VPBROADCASTQ mem, Y15; \
	VPMADDWD Y12, Y15, Y14; \
	VPADDD Y14, a0, a0; \
	VPMADDWD Y13, Y15, Y14; \
	VPADDD Y14, a1, a1

// a0 = the 8 columns of one row as float32.
#define COLUMNS(a0, a1) \
	VPHADDD a1, a0, a0; \
	VPERMQ $0xD8, a0, a0; \
	VCVTDQ2PS a0, a0

// One row of S: times the query's scale and those of the keys, in Y12.
#define STORES(row, mem, a0, a1) \
	COLUMNS(a0, a1); \
	VBROADCASTSS mem, Y14; \
	VMULPS Y14, a0, a0; \
	VMULPS Y12, a0, a0; \
	VMOVUPS a0, (row*STRIDE)(DX)

// One row of O; AX walks the rows.
#define STOREO(row, a0, a1) \
	COLUMNS(a0, a1); \
	VBROADCASTSS (row*4)(R10), Y14; \
	VBROADCASTSS (row*4+64)(R10), Y15; \
	VMULPS Y15, a0, a0; \
	VFMADD231PS (AX), Y14, a0; \
	VMOVUPS a0, (AX); \
	ADDQ R11, AX

// The bodies below are included once per number of rows.

// func attnQK3AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_avx2i8_qk_amd64.h"

// func attnPV3AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_avx2i8_pv_amd64.h"

#define ROWS4

// func attnQK4AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_avx2i8_qk_amd64.h"

// func attnPV4AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_avx2i8_pv_amd64.h"

#define ROWS6

// func attnQK6AVX2Int8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK6AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ s+0(FP), DX
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), R9
	MOVQ ks+24(FP), R15
	MOVQ groups+32(FP), R10
	MOVQ d+40(FP), R11
#include "attn_avx2i8_qk_amd64.h"

// func attnPV6AVX2Int8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV6AVX2Int8(SB), NOSPLIT, $0-48
	MOVQ o+0(FP), DX
	MOVQ p+8(FP), R15
	MOVQ v+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ groups+32(FP), R8
	MOVQ d+40(FP), R11
#include "attn_avx2i8_pv_amd64.h"

// -126; 2^f as in attn_avx2_amd64.s; the least scale; 32767.
DATA attnW<>+0(SB)/4, $0xc2fc0000
DATA attnW<>+4(SB)/4, $0x3f800000
DATA attnW<>+8(SB)/4, $0x3f317215
DATA attnW<>+12(SB)/4, $0x3e75fcde
DATA attnW<>+16(SB)/4, $0x3d635baa
DATA attnW<>+20(SB)/4, $0x3c1e754f
DATA attnW<>+24(SB)/4, $0x3aaddd24
DATA attnW<>+28(SB)/4, $0x0da24260 // 1e-30
DATA attnW<>+32(SB)/4, $0x46fffe00
GLOBL attnW<>(SB), RODATA|NOPTR, $36

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

// func attnSoftmaxAVX2Int8(s, m, l, c *float32, vs *unsafe.Pointer, rows, groups int)
TEXT ·attnSoftmaxAVX2Int8(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ l+16(FP), R9
	MOVQ c+24(FP), R10
	MOVQ vs+32(FP), R13
	MOVQ rows+40(FP), R11
	MOVQ groups+48(FP), R12
	VBROADCASTSS attnW<>+0(SB), Y8
	VBROADCASTSS attnW<>+24(SB), Y9
	VBROADCASTSS attnW<>+20(SB), Y10
	VBROADCASTSS attnW<>+16(SB), Y11
	VBROADCASTSS attnW<>+12(SB), Y12
	VBROADCASTSS attnW<>+8(SB), Y13
	VBROADCASTSS attnW<>+4(SB), Y14

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
	XORQ BX, BX
	VXORPS Y5, Y5, Y5       // largest p times the value's scale

group:
	MOVQ (R13)(BX*8), DX    // scales of the values of a group
	MOVQ $2, CX

exp:
	VMOVUPS (SI), Y0
	VSUBPS Y15, Y0, Y0
	EXP2(Y0, Y1, Y2, Y3)
	VMOVUPS 32(SI), Y4
	VSUBPS Y15, Y4, Y4
	EXP2(Y4, Y1, Y2, Y3)
	VADDPS Y0, Y6, Y6
	VADDPS Y4, Y7, Y7
	VMULPS (DX), Y0, Y0
	VMULPS 32(DX), Y4, Y4
	VMAXPS Y0, Y5, Y5
	VMAXPS Y4, Y5, Y5
	VMOVUPS Y0, (SI)
	VMOVUPS Y4, 32(SI)
	ADDQ $64, SI
	ADDQ $64, DX
	DECQ CX
	JNZ exp
	INCQ BX
	CMPQ BX, R12
	JNE group
	VMOVUPS Y6, (R9)
	VMOVUPS Y7, 32(R9)

	// The scale of P: the largest is 32767.
	VEXTRACTF128 $1, Y5, X1
	VMAXPS X1, X5, X5
	VSHUFPS $0x4E, X5, X5, X1
	VMAXPS X1, X5, X5
	VSHUFPS $0xB1, X5, X5, X1
	VMAXPS X1, X5, X5
	VMAXSS attnW<>+28(SB), X5, X5
	VMOVSS attnW<>+32(SB), X1
	VDIVSS X5, X1, X4       // 32767 / largest
	VDIVSS X1, X5, X5
	VBROADCASTSS X4, Y4
	VXORPS Y6, Y6, Y6       // sum, to notice NaN
	MOVQ DI, SI
	MOVQ DI, DX
	MOVQ R12, CX
	SHLQ $1, CX

words:
	VMULPS (SI), Y4, Y0
	VMULPS 32(SI), Y4, Y1
	VADDPS Y0, Y6, Y6
	VADDPS Y1, Y6, Y6
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VPACKSSDW Y1, Y0, Y0
	VPERMQ $0xD8, Y0, Y0
	VMOVDQU Y0, (DX)
	ADDQ $64, SI
	ADDQ $32, DX
	DECQ CX
	JNZ words

	// NaN anywhere makes the scale NaN.
	VXORPS Y0, Y0, Y0
	VMULPS Y0, Y6, Y6
	VEXTRACTF128 $1, Y6, X1
	VADDPS X1, X6, X6
	VSHUFPS $0x4E, X6, X6, X1
	VADDPS X1, X6, X6
	VSHUFPS $0xB1, X6, X6, X1
	VADDPS X1, X6, X6
	VADDSS X6, X5, X5
	VMOVSS X5, 64(R10)
	ADDQ $STRIDE, DI
	ADDQ $4, R8
	ADDQ $64, R9
	ADDQ $4, R10
	DECQ R11
	JNZ row
	VZEROUPPER
	RET
