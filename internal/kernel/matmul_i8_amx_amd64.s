// What:      products of quantised panels with int8 activations of tokens by the
//            dozen, for AMX; the sign that the tiles want.
// Layout:    w [nb][8 groups][32 rows][4] signed codes, the operand B of a tile
//            product as it lies; x [12*dozens][ldx] int8; scales [nb][32], or
//            [2*nb][32] for 16 columns each ("h"); d and xs [12*dozens][nb];
//            minima [nb][32] or empty; sums [12][32], working memory; y
//            [12*dozens][ldy] with 32 results per token.
// Algorithm: a dozen at a time, over all columns. Two tile products make the 12 x 32 integer sums of a block. They go
//            through memory, the first cache level, to AVX-512, are scaled by
//            scale*d and added to the float32 sums in order of the blocks: the
//            operations of gemmI8AVX512 and their order, so the same bits.
// Tested by: TestMatMul, FuzzMatMul, TestTiersAgree, TestRowLoopsKeepToTheirOperands.

#include "textflag.h"
#include "amx_amd64.h"

// Tiles: 0 and 1 the sums of rows 0..15 and 16..31, [12][16]; 2 the activations;
// 3 and 4 the weights of rows 0..15 and 16..31.
DATA amxCols32<>+0(SB)/8, $1
DATA amxCols32<>+16(SB)/8, $0x0040002000400040 // bytes of a row: 64, 64, 32, 64,
DATA amxCols32<>+24(SB)/8, $0x0000000000000040 // 64
DATA amxCols32<>+48(SB)/8, $0x00000008080C0C0C // rows: 12, 12, 12, 8, 8
GLOBL amxCols32<>(SB), RODATA|NOPTR, $64

DATA amxCols16<>+0(SB)/8, $1
DATA amxCols16<>+16(SB)/8, $0x0040001000400040 // bytes of a row: 64, 64, 16, 64,
DATA amxCols16<>+24(SB)/8, $0x0000000000000040 // 64
DATA amxCols16<>+48(SB)/8, $0x00000004040C0C0C // rows: 12, 12, 12, 4, 4
GLOBL amxCols16<>(SB), RODATA|NOPTR, $64

// The numbers of registers in tile instructions: BX 3, SI 6, DI 7, R9 9, R15 15.
#define SUMS(xat, wat) \
	TILEZERO(0); \
	TILEZERO(1); \
	TILELOADD(2, 3, 9, xat); \
	TILELOADD(3, 6, 15, wat); \
	TDPBSSD(0, 2, 3); \
	TILELOADD(4, 6, 15, wat+64); \
	TDPBSSD(1, 2, 4); \
	TILESTORED(0, 7, 15, 0); \
	TILESTORED(1, 7, 15, 64)

// The float32 sums of tokens 0..11: Z0..Z11 for rows 0..15, Z12..Z23 for 16..31.
#define SCALE1(t, d, a, b) \
	VBROADCASTSS d, Z26; \
	VCVTDQ2PS (128*t)(DI), Z29; \
	VCVTDQ2PS (128*t+64)(DI), Z30; \
	VMULPS Z26, Z24, Z27; \
	VMULPS Z26, Z25, Z28; \
	VFMADD231PS Z29, Z27, a; \
	VFMADD231PS Z30, Z28, b

#define SCALE(at) \
	VMOVUPS (at)(R8), Z24; \
	VMOVUPS (at+64)(R8), Z25; \
	SCALE1(0, (R10), Z0, Z12); \
	SCALE1(1, (R10)(R14*1), Z1, Z13); \
	SCALE1(2, (R10)(R14*2), Z2, Z14); \
	SCALE1(3, (R11), Z3, Z15); \
	SCALE1(4, (R11)(R14*1), Z4, Z16); \
	SCALE1(5, (R11)(R14*2), Z5, Z17); \
	SCALE1(6, (R12), Z6, Z18); \
	SCALE1(7, (R12)(R14*1), Z7, Z19); \
	SCALE1(8, (R12)(R14*2), Z8, Z20); \
	SCALE1(9, (R13), Z9, Z21); \
	SCALE1(10, (R13)(R14*1), Z10, Z22); \
	SCALE1(11, (R13)(R14*2), Z11, Z23)

#define MINIMUM1(xs, a, b) \
	VBROADCASTSS xs, Z26; \
	VFMADD231PS Z26, Z24, a; \
	VFMADD231PS Z26, Z25, b

// R10..R13: rows 0, 3, 6 and 9 of [12][nb]; R14 bytes of a row.
#define ROWS(base) \
	MOVQ base, R10; \
	LEAQ (R14)(R14*2), R13; \
	LEAQ (R10)(R13*1), R11; \
	LEAQ (R11)(R13*1), R12; \
	ADDQ R12, R13

#define NEXTROWS \
	ADDQ $4, R10; \
	ADDQ $4, R11; \
	ADDQ $4, R12; \
	ADDQ $4, R13

// The shapes of the tiles, once for all dozens: loading them takes as long as some
// blocks.
#define CONFIGURE(config) \
	LEAQ config(SB), AX; \
	LDTILECFG(0)

// The sums of a dozen begin at the products of minima and xs, or at 0.
#define BEGIN \
	MOVQ nb+208(FP), R14; \
	SHLQ $2, R14; \
	VPXORQ Z0, Z0, Z0; \
	VMOVAPS Z0, Z1; \
	VMOVAPS Z0, Z2; \
	VMOVAPS Z0, Z3; \
	VMOVAPS Z0, Z4; \
	VMOVAPS Z0, Z5; \
	VMOVAPS Z0, Z6; \
	VMOVAPS Z0, Z7; \
	VMOVAPS Z0, Z8; \
	VMOVAPS Z0, Z9; \
	VMOVAPS Z0, Z10; \
	VMOVAPS Z0, Z11; \
	VMOVAPS Z0, Z12; \
	VMOVAPS Z0, Z13; \
	VMOVAPS Z0, Z14; \
	VMOVAPS Z0, Z15; \
	VMOVAPS Z0, Z16; \
	VMOVAPS Z0, Z17; \
	VMOVAPS Z0, Z18; \
	VMOVAPS Z0, Z19; \
	VMOVAPS Z0, Z20; \
	VMOVAPS Z0, Z21; \
	VMOVAPS Z0, Z22; \
	VMOVAPS Z0, Z23; \
	MOVQ minima_base+136(FP), SI; \
	CMPQ minima_len+144(FP), $0; \
	JEQ  begin; \
	ROWS(xs_base+160(FP)); \
	MOVQ nb+208(FP), DX; \
minimum: \
	VMOVUPS (SI), Z24; \
	VMOVUPS 64(SI), Z25; \
	MINIMUM1((R10), Z0, Z12); \
	MINIMUM1((R10)(R14*1), Z1, Z13); \
	MINIMUM1((R10)(R14*2), Z2, Z14); \
	MINIMUM1((R11), Z3, Z15); \
	MINIMUM1((R11)(R14*1), Z4, Z16); \
	MINIMUM1((R11)(R14*2), Z5, Z17); \
	MINIMUM1((R12), Z6, Z18); \
	MINIMUM1((R12)(R14*1), Z7, Z19); \
	MINIMUM1((R12)(R14*2), Z8, Z20); \
	MINIMUM1((R13), Z9, Z21); \
	MINIMUM1((R13)(R14*1), Z10, Z22); \
	MINIMUM1((R13)(R14*2), Z11, Z23); \
	NEXTROWS; \
	ADDQ $128, SI; \
	DECQ DX; \
	JNZ  minimum; \
begin: \
	ROWS(d_base+112(FP)); \
	MOVQ w_base+32(FP), SI; \
	MOVQ scales_base+56(FP), R8; \
	MOVQ x_base+80(FP), BX; \
	MOVQ ldx+104(FP), R9; \
	MOVQ sums_base+184(FP), DI; \
	MOVQ nb+208(FP), DX; \
	MOVQ $128, R15

#define STORE1(a, b) \
	VMOVUPS a, (AX); \
	VMOVUPS b, 64(AX); \
	ADDQ CX, AX

// The results, and the next dozen: its x, d, xs and y.
#define END \
	MOVQ y_base+0(FP), AX; \
	MOVQ ldy+24(FP), CX; \
	SHLQ $2, CX; \
	STORE1(Z0, Z12); \
	STORE1(Z1, Z13); \
	STORE1(Z2, Z14); \
	STORE1(Z3, Z15); \
	STORE1(Z4, Z16); \
	STORE1(Z5, Z17); \
	STORE1(Z6, Z18); \
	STORE1(Z7, Z19); \
	STORE1(Z8, Z20); \
	STORE1(Z9, Z21); \
	STORE1(Z10, Z22); \
	STORE1(Z11, Z23); \
	MOVQ AX, y_base+0(FP); \
	LEAQ (R9)(R9*2), R9; \
	SHLQ $2, R9; \
	ADDQ R9, x_base+80(FP); \
	LEAQ (R14)(R14*2), R14; \
	SHLQ $2, R14; \
	ADDQ R14, d_base+112(FP); \
	ADDQ R14, xs_base+160(FP); \
	DECQ dozens+216(FP); \
	JNZ  dozen; \
	TILERELEASE(); \
	VZEROUPPER

// func gemmI8AMX(y []float32, ldy int, w []byte, scales []float32, x []int8, ldx int, d, minima, xs []float32, sums []int32, nb, dozens int)
TEXT ·gemmI8AMX(SB), NOSPLIT, $0-224
	CONFIGURE(amxCols32<>)

dozen:
	BEGIN

loop:
	SUMS(0, 0)
	SCALE(0)
	NEXTROWS
	ADDQ $1024, SI
	ADDQ $128, R8
	ADDQ $32, BX
	DECQ DX
	JNZ  loop
	END
	RET

// func gemmI8hAMX(y []float32, ldy int, w []byte, scales []float32, x []int8, ldx int, d, minima, xs []float32, sums []int32, nb, dozens int)
TEXT ·gemmI8hAMX(SB), NOSPLIT, $0-224
	CONFIGURE(amxCols16<>)

dozen:
	BEGIN

loop:
	SUMS(0, 0)
	SCALE(0)
	SUMS(16, 512)
	SCALE(128)
	NEXTROWS
	ADDQ $1024, SI
	ADDQ $256, R8
	ADDQ $32, BX
	DECQ DX
	JNZ  loop
	END
	RET

// func signAMX(dst, src []byte)
// dst[i] = src[i] - 128, len(dst) a multiple of 128.
TEXT ·signAMX(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ src_base+24(FP), SI
	MOVL $0x80808080, AX
	VPBROADCASTD AX, Z2

sign:
	VPXORD (SI), Z2, Z0
	VPXORD 64(SI), Z2, Z1
	VMOVDQU64 Z0, (DI)
	VMOVDQU64 Z1, 64(DI)
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $128, CX
	JNZ  sign
	VZEROUPPER
	RET
