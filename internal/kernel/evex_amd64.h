// What:      AVX512-BF16 instructions, which Go's assembler does not know.
// Layout:    EVEX prefix (62, three bytes), opcode, ModRM, and for memory
//            operands a 32-bit displacement; see Intel's manual, volume 2, 2.7.
// Operands:  plain register numbers, destination first, then the source that
//            sits in vvvv, then the one in ModRM: zmm 0..31, and for a base
//            register AX 0, CX 1, DX 2, BX 3, BP 5, SI 6, DI 7, R8 .. R15 8..15
//            without SP (4) and R12 (12), whose encodings mean something else.
// Tested by: TestHandEncoded (evex_test.go), which reads them back with objdump.

// 512-bit, map 0F38, register form. pp: 1 = 66, 2 = F3, 3 = F2.
#define EVEXR_(op,pp,d,v,m) BYTE $0x62; \
	BYTE $(2|((((31-(d))>>3)&1)<<7)|((((31-(m))>>4)&1)<<6)|((((31-(m))>>3)&1)<<5)|((((31-(d))>>4)&1)<<4)); \
	BYTE $(4|(pp)|(((31-(v))&15)<<3)); \
	BYTE $(0x40|((((31-(v))>>4)&1)<<3)); \
	BYTE $(op); \
	BYTE $(0xC0|(((d)&7)<<3)|((m)&7))

// The same with a memory operand; lb 0x40: 64 bytes, 0x50: 4 bytes broadcast.
#define EVEXM_(op,pp,lb,d,v,base,disp) BYTE $0x62; \
	BYTE $(0x42|((((31-(d))>>3)&1)<<7)|((((31-(base))>>3)&1)<<5)|((((31-(d))>>4)&1)<<4)); \
	BYTE $(4|(pp)|(((31-(v))&15)<<3)); \
	BYTE $((lb)|((((31-(v))>>4)&1)<<3)); \
	BYTE $(op); \
	BYTE $(0x80|(((d)&7)<<3)|((base)&7)); \
	LONG $(disp)

// d[16] f32 += the sum over pairs of a[16][2] * b[16][2], bf16.
#define VDPBF16PS(d,a,b) EVEXR_(0x52,2,d,a,b)
#define VDPBF16PSMEM(d,a,base,disp) EVEXM_(0x52,2,0x40,d,a,base,disp)
#define VDPBF16PSBCST(d,a,base,disp) EVEXM_(0x52,2,0x50,d,a,base,disp)

// d[32] bf16 = the 16 f32 of lo, then the 16 of hi, rounded to nearest even.
#define VCVTNE2PS2BF16(d,hi,lo) EVEXR_(0x72,3,d,hi,lo)

// d[16] bf16 (a ymm register) = the 16 f32 of s.
#define VCVTNEPS2BF16(d,s) EVEXR_(0x72,2,d,0,s)
