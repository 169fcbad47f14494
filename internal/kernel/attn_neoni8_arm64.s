// What:      attention over int8 pages with NEON, on cores without dot products of
//            bytes, float32 throughout: S = Q K^T and O = c O + P V, for chunks of
//            3, 4 and 6 rows. The mask and the softmax, which multiplies P by the
//            scales of the values, are those of bf16 pages.
// Layout:    pages as in attn_page.go: 64 bytes are 4 dimensions of 16 keys, or 4
//            tokens of 16 dimensions of V, 4 bytes to a 32-bit lane. Q is [rows][d].
// Algorithm: as for bf16 pages, with one of the four bytes of each lane shifted out
//            and converted at a time: with 6 rows 96 multiply-adds, 48 widenings and
//            32 loads per 64 bytes. Logits are multiplied by the scales of the keys.
// Tested by: TestAttendTiers, TestAttendSplits, FuzzAttend (attn_tier_test.go).

#include "textflag.h"
#include "neon_arm64.h"
#include "attn_neon_arm64.h"

#define DIMBITS 2    // log2 of the dimensions in a step of QK
#define TOKENSTEPS 8 // steps of PV in 32 tokens
#define GROUPBITS 5  // log2 of the bytes of V of 32 tokens, over d
#define BEGINKEYS MOVD.P 8(R3), R21
#define ENDKEYS(rows) \
	VLD1.P 64(R21), [V24.S4, V25.S4, V26.S4, V27.S4]; \
	rows(SCALEKEYS)

// Byte number n of each lane, to float32.
#define SIGNED(n) \
	COLUMNS; \
	COLUMNS4(SHL, 24-8*n); \
	COLUMNS4(SSHR, 24); \
	SCVTF(24, 24); \
	SCVTF(25, 25); \
	SCVTF(26, 26); \
	SCVTF(27, 27)

#define STEPS(rows) \
	SIGNED(0); \
	rows(FMAROW); \
	SIGNED(1); \
	rows(FMAROW); \
	SIGNED(2); \
	rows(FMAROW); \
	SIGNED(3); \
	rows(FMAROW)

// func attnQK3NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK3NEONInt8(SB), NOSPLIT, $0-48
	QK(ROWS3)

// func attnQK4NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK4NEONInt8(SB), NOSPLIT, $0-48
	QK(ROWS4)

// func attnQK6NEONInt8(s *float32, q *uint32, k, ks *unsafe.Pointer, groups, d int)
TEXT ·attnQK6NEONInt8(SB), NOSPLIT, $0-48
	QK(ROWS6)

// func attnPV3NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV3NEONInt8(SB), NOSPLIT, $0-48
	PV(ROWS3)

// func attnPV4NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV4NEONInt8(SB), NOSPLIT, $0-48
	PV(ROWS4)

// func attnPV6NEONInt8(o, p *float32, v *unsafe.Pointer, c *float32, groups, d int)
TEXT ·attnPV6NEONInt8(SB), NOSPLIT, $0-48
	PV(ROWS6)
