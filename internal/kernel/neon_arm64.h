// What:      vector instructions of ARMv8, most of which Go's assembler does not
//            know: float32 arithmetic, dot products, loads with an offset.
// Layout:    one 32-bit word each: destination in bits 0..4, first operand in
//            5..9, second in 16..20; see Arm's Architecture Reference Manual,
//            C4.1, "Data Processing - Scalar Floating-Point and Advanced SIMD".
// Operands:  plain register numbers, destination first, as Arm writes them:
//            V0..V31, and R0..R30 for a base; offsets in bytes. Without a suffix
//            lanes are of 32 bits, B means bytes, E an element of the second
//            operand, 2 the upper half.
// Tested by: TestHandEncodedNEON (neon_test.go), which reads them back with
//            objdump.

#define VOP3_(op,d,n,m) WORD $((op)|((m)<<16)|((n)<<5)|(d))
#define VOP2_(op,d,n) WORD $((op)|((n)<<5)|(d))
#define VELEM_(op,d,n,m,i) WORD $((op)|(((i)&1)<<21)|(((i)>>1)<<11)|((m)<<16)|((n)<<5)|(d))

#define FADD(d,n,m) VOP3_(0x4E20D400,d,n,m)
#define FSUB(d,n,m) VOP3_(0x4EA0D400,d,n,m)
#define FMUL(d,n,m) VOP3_(0x6E20DC00,d,n,m)
#define FDIV(d,n,m) VOP3_(0x6E20FC00,d,n,m)
#define FMAX(d,n,m) VOP3_(0x4E20F400,d,n,m)
#define FMIN(d,n,m) VOP3_(0x4EA0F400,d,n,m)
// d += n*m, d -= n*m, rounded once.
#define FMLA(d,n,m) VOP3_(0x4E20CC00,d,n,m)
#define FMLS(d,n,m) VOP3_(0x4EA0CC00,d,n,m)
#define FMLAE(d,n,m,i) VELEM_(0x4F801000,d,n,m,i)
#define FMULE(d,n,m,i) VELEM_(0x4F809000,d,n,m,i)
#define FADDP(d,n,m) VOP3_(0x6E20D400,d,n,m)
// All ones where n > m, or n == m.
#define FCMGT(d,n,m) VOP3_(0x6EA0E400,d,n,m)
#define FCMEQ(d,n,m) VOP3_(0x4E20E400,d,n,m)
#define CMGT(d,n,m) VOP3_(0x4EA03400,d,n,m)
#define FNEG(d,n) VOP2_(0x6EA0F800,d,n)
#define FRINTN(d,n) VOP2_(0x4E218800,d,n)
#define FCVTNS(d,n) VOP2_(0x4E21A800,d,n)
#define SCVTF(d,n) VOP2_(0x4E21D800,d,n)
#define UCVTF(d,n) VOP2_(0x6E21D800,d,n)
#define FCVTL(d,n) VOP2_(0x0E217800,d,n)
#define FCVTL2(d,n) VOP2_(0x4E217800,d,n)
#define FMAXV(d,n) VOP2_(0x6E30F800,d,n)
#define UMAXV(d,n) VOP2_(0x6EB0A800,d,n)
#define ADDV(d,n) VOP2_(0x4EB1B800,d,n)

#define ADD4(d,n,m) VOP3_(0x4EA08400,d,n,m)
#define ADDB(d,n,m) VOP3_(0x4E208400,d,n,m)
#define UMAX4(d,n,m) VOP3_(0x6EA06400,d,n,m)
#define ADDH(d,n,m) VOP3_(0x4E608400,d,n,m)
#define ANDV(d,n,m) VOP3_(0x4E201C00,d,n,m)
#define BICV(d,n,m) VOP3_(0x4E601C00,d,n,m)
#define ORRV(d,n,m) VOP3_(0x4EA01C00,d,n,m)
#define EORV(d,n,m) VOP3_(0x6E201C00,d,n,m)
// d = m ? n : d, bit by bit.
#define BITV(d,n,m) VOP3_(0x6EA01C00,d,n,m)
#define SHL(d,n,s) WORD $(0x4F005400|((32+(s))<<16)|((n)<<5)|(d))
#define USHR(d,n,s) WORD $(0x6F000400|((64-(s))<<16)|((n)<<5)|(d))
#define SSHR(d,n,s) WORD $(0x4F000400|((64-(s))<<16)|((n)<<5)|(d))
#define SHLB(d,n,s) WORD $(0x4F005400|((8+(s))<<16)|((n)<<5)|(d))
#define USHRB(d,n,s) WORD $(0x6F000400|((16-(s))<<16)|((n)<<5)|(d))
// Wider, from 8 to 16 bits (H) and from 16 to 32 (S); and narrower, saturated.
#define SXTLH(d,n) VOP2_(0x0F08A400,d,n)
#define SXTLH2(d,n) VOP2_(0x4F08A400,d,n)
#define SXTLS(d,n) VOP2_(0x0F10A400,d,n)
#define SXTLS2(d,n) VOP2_(0x4F10A400,d,n)
#define UXTLH(d,n) VOP2_(0x2F08A400,d,n)
#define UXTLH2(d,n) VOP2_(0x6F08A400,d,n)
#define UXTLS(d,n) VOP2_(0x2F10A400,d,n)
#define UXTLS2(d,n) VOP2_(0x6F10A400,d,n)
#define SQXTNH(d,n) VOP2_(0x0E614800,d,n)
#define SQXTNH2(d,n) VOP2_(0x4E614800,d,n)
#define SQXTNB(d,n) VOP2_(0x0E214800,d,n)
#define SQXTNB2(d,n) VOP2_(0x4E214800,d,n)
// Every second of n, then of m: 16-bit lanes from the first, bytes from the first
// or the second.
#define UZP1H(d,n,m) VOP3_(0x4E401800,d,n,m)
#define UZP1B(d,n,m) VOP3_(0x4E001800,d,n,m)
#define UZP2B(d,n,m) VOP3_(0x4E005800,d,n,m)
// The upper 16 bits of each lane.
#define SHRN16(d,n) VOP2_(0x0F108400,d,n)
#define SHRN162(d,n) VOP2_(0x4F108400,d,n)

// d[4] int32 += the sum over four of n[4][4] * the 4 bytes m[i], all signed.
#define SDOTE(d,n,m,i) VELEM_(0x4F80E000,d,n,m,i)

// Loads and stores: Q 16 bytes, D 8, S 4, P two registers. The offset is a
// multiple of the size, but for LDURQ and LDURD: -256..255. LDRSP steps the base
// by 4 afterwards.
#define LDRQ(t,base,at) WORD $(0x3DC00000|(((at)/16)<<10)|((base)<<5)|(t))
#define STRQ(t,base,at) WORD $(0x3D800000|(((at)/16)<<10)|((base)<<5)|(t))
#define LDRS(t,base,at) WORD $(0xBD400000|(((at)/4)<<10)|((base)<<5)|(t))
#define LDRSP(t,base) WORD $(0xBC404400|((base)<<5)|(t))
#define LDURQ(t,base,at) WORD $(0x3CC00000|(((at)&511)<<12)|((base)<<5)|(t))
#define LDURD(t,base,at) WORD $(0xFC400000|(((at)&511)<<12)|((base)<<5)|(t))
#define LDPQ(t,u,base,at) WORD $(0xAD400000|((((at)/16)&127)<<15)|((u)<<10)|((base)<<5)|(t))
#define STPQ(t,u,base,at) WORD $(0xAD000000|((((at)/16)&127)<<15)|((u)<<10)|((base)<<5)|(t))

#define ZEROV(d) WORD $(0x6E201C00|((d)<<16)|((d)<<5)|(d))
