// What:      AMX instructions, which Go's assembler does not know.
// Layout:    VEX prefix (C4, two bytes), opcode, ModRM, and for memory operands a
//            32-bit displacement; see Intel's manual, volume 2, 2.3.
// Operands:  plain numbers, destination first: tiles 0..7, and as base and index
//            AX 0, CX 1, DX 2, BX 3, BP 5, SI 6, DI 7, R8 .. R15 8..15 without SP
//            (4), which means something else; as the base of LDTILECFG also
//            without R12 (12).
// Tested by: TestHandEncoded (evex_test.go), which reads them back with objdump.
//
// LDTILECFG and TILERELEASE stand in one NOSPLIT function, nothing but loops
// between them: such a function is neither preempted nor moved to another thread,
// and the kernel saves the tiles when a signal comes.

// The 64 bytes at (base) become the shapes of the tiles; all tiles become 0.
#define LDTILECFG(base) BYTE $0xC4; \
	BYTE $(0xC2|((((31-(base))>>3)&1)<<5)); \
	BYTE $0x78; \
	BYTE $0x49; \
	BYTE $(0x80|((base)&7)); \
	LONG $0

#define TILERELEASE() BYTE $0xC4; BYTE $0xE2; BYTE $0x78; BYTE $0x49; BYTE $0xC0

#define TILEZERO(t) BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x49; BYTE $(0xC0|((t)<<3))

// Row r of a tile is at disp(base)(r*index). pp: 1 = 66, 2 = F3, 3 = F2.
#define TILEMEM_(pp,t,base,index,disp) BYTE $0xC4; \
	BYTE $(0x82|((((31-(index))>>3)&1)<<6)|((((31-(base))>>3)&1)<<5)); \
	BYTE $(0x78|(pp)); \
	BYTE $0x4B; \
	BYTE $(0x84|((t)<<3)); \
	BYTE $((((index)&7)<<3)|((base)&7)); \
	LONG $(disp)

#define TILELOADD(t,base,index,disp) TILEMEM_(3,t,base,index,disp)
#define TILELOADDT1(t,base,index,disp) TILEMEM_(1,t,base,index,disp) // what is read once
#define TILESTORED(t,base,index,disp) TILEMEM_(2,t,base,index,disp)

// d [M][N] 32-bit += a [M][K] * b [K][N], each element of a and b a group of 4
// bytes or 2 bf16 that are multiplied and summed.
#define TDP_(op,pp,d,a,b) BYTE $0xC4; \
	BYTE $0xE2; \
	BYTE $(0x40|(((15-(b))&7)<<3)|(pp)); \
	BYTE $(op); \
	BYTE $(0xC0|((d)<<3)|(a))

#define TDPBF16PS(d,a,b) TDP_(0x5C,2,d,a,b)
#define TDPBSSD(d,a,b) TDP_(0x5E,3,d,a,b)
