// What:      attention over bf16 pages with AMX tile products: S = Q K^T and
//            O = c O + P V, for chunks of 4, 8, 16 and 32 rows. Mask and softmax are
//            those of attn_bf16_amd64.s.
// Layout:    pages as in attn_page.go: 1024 bytes of K or V, 32 dimensions of 16
//            keys or 32 tokens of 16 dimensions, are the operand B of a product as
//            they lie. Q [rows][d] bf16. S has rows of STRIDE bytes; P overwrites
//            the first half of each row.
// Algorithm: up to 2 x 2 tiles of 16 x 16 sums, over the dimensions for S and over
//            the tokens for O; O is scaled in memory before. The lines of K and V
//            four groups later are prefetched into L2. A row's sums do not depend
//            on the rows beside it.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go),
//            TestAMXUnderInterrupts.

#include "textflag.h"
#include "amx_amd64.h"
#include "evex_amd64.h"

#define STRIDE 2112 // bytes from row to row of S: 4 * attnStride

// Tiles of 64 bytes a row: 0 and 1 sums of rows 0..15, 2 and 3 of rows 16..31; 4
// and 5 the same rows of Q or P; 6 and 7 K or V. Chunks of up to 16 rows have no
// 2, 3 and 5.
DATA attnRows4<>+0(SB)/8, $1
DATA attnRows4<>+16(SB)/8, $0x0000000000400040
DATA attnRows4<>+24(SB)/8, $0x0040004000000040
DATA attnRows4<>+48(SB)/8, $0x1010000400000404 // rows
GLOBL attnRows4<>(SB), RODATA|NOPTR, $64

DATA attnRows8<>+0(SB)/8, $1
DATA attnRows8<>+16(SB)/8, $0x0000000000400040
DATA attnRows8<>+24(SB)/8, $0x0040004000000040
DATA attnRows8<>+48(SB)/8, $0x1010000800000808 // rows
GLOBL attnRows8<>(SB), RODATA|NOPTR, $64

DATA attnRows16<>+0(SB)/8, $1
DATA attnRows16<>+16(SB)/8, $0x0000000000400040
DATA attnRows16<>+24(SB)/8, $0x0040004000000040
DATA attnRows16<>+48(SB)/8, $0x1010001000001010 // rows
GLOBL attnRows16<>(SB), RODATA|NOPTR, $64

DATA attnRows32<>+0(SB)/8, $1
DATA attnRows32<>+16(SB)/8, $0x0040004000400040
DATA attnRows32<>+24(SB)/8, $0x0040004000400040
DATA attnRows32<>+48(SB)/8, $0x1010101010101010 // rows
GLOBL attnRows32<>(SB), RODATA|NOPTR, $64

// The 1024 bytes that lie R14 behind base.
#define PREFETCH16(base) \
	PREFETCHT1 (base)(R14*1); \
	PREFETCHT1 64(base)(R14*1); \
	PREFETCHT1 128(base)(R14*1); \
	PREFETCHT1 192(base)(R14*1); \
	PREFETCHT1 256(base)(R14*1); \
	PREFETCHT1 320(base)(R14*1); \
	PREFETCHT1 384(base)(R14*1); \
	PREFETCHT1 448(base)(R14*1); \
	PREFETCHT1 512(base)(R14*1); \
	PREFETCHT1 576(base)(R14*1); \
	PREFETCHT1 640(base)(R14*1); \
	PREFETCHT1 704(base)(R14*1); \
	PREFETCHT1 768(base)(R14*1); \
	PREFETCHT1 832(base)(R14*1); \
	PREFETCHT1 896(base)(R14*1); \
	PREFETCHT1 960(base)(R14*1)

#define QKARGS(config) \
	MOVQ s+0(FP), DX; \
	MOVQ q+8(FP), R8; \
	MOVQ k+16(FP), R9; \
	MOVQ groups+32(FP), R10; \
	MOVQ d+40(FP), R12; \
	LEAQ config(SB), AX; \
	LDTILECFG(0)

#define PVARGS(config, rows) \
	MOVQ o+0(FP), DX; \
	MOVQ p+8(FP), SI; \
	MOVQ v+16(FP), R9; \
	MOVQ c+24(FP), R10; \
	MOVQ groups+32(FP), R8; \
	MOVQ d+40(FP), R11; \
	MOVQ $rows, CX; \
	LEAQ config(SB), AX; \
	LDTILECFG(0)

// func attnPackAMX(dst *uint32, q *float32, n int)
// n values, a multiple of 32, times log2(e) to bf16.
TEXT ·attnPackAMX(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL $0x3fb8aa3b, AX    // log2(e)
	VPBROADCASTD AX, Z31
	SHRQ $5, CX

pack:
	VMULPS (SI), Z31, Z0
	VMULPS 64(SI), Z31, Z1
	VCVTNE2PS2BF16(0, 1, 0)
	VMOVDQU64 Z0, (DI)
	ADDQ $128, SI
	ADDQ $64, DI
	DECQ CX
	JNZ pack
	VZEROUPPER
	RET

// The bodies below are included once per number of rows.

// func attnQK4AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4AMX(SB), NOSPLIT, $0-48
	QKARGS(attnRows4<>)
#include "attn_amx_qk_amd64.h"

// func attnPV4AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4AMX(SB), NOSPLIT, $0-48
	PVARGS(attnRows4<>, 4)
#include "attn_amx_pv_amd64.h"

// func attnQK8AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK8AMX(SB), NOSPLIT, $0-48
	QKARGS(attnRows8<>)
#include "attn_amx_qk_amd64.h"

// func attnPV8AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV8AMX(SB), NOSPLIT, $0-48
	PVARGS(attnRows8<>, 8)
#include "attn_amx_pv_amd64.h"

// func attnQK16AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK16AMX(SB), NOSPLIT, $0-48
	QKARGS(attnRows16<>)
#include "attn_amx_qk_amd64.h"

// func attnPV16AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV16AMX(SB), NOSPLIT, $0-48
	PVARGS(attnRows16<>, 16)
#include "attn_amx_pv_amd64.h"

#define ROWS32

// func attnQK32AMX(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK32AMX(SB), NOSPLIT, $0-48
	QKARGS(attnRows32<>)
#include "attn_amx_qk_amd64.h"

// func attnPV32AMX(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV32AMX(SB), NOSPLIT, $0-48
	PVARGS(attnRows32<>, 32)
#include "attn_amx_pv_amd64.h"
