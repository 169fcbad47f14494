// What:      loops that do nothing but one instruction, to learn a machine's peak.
// Layout:    n rounds, an even number, of 12 independent operations on registers,
//            two rounds at a time (Apple's cores have 16 in flight); or one pass
//            over n bytes of memory.
// Tested by: TestProbe (cpu_probe_test.go).

#include "textflag.h"
#include "neon_arm64.h"

// func probeFMANEON(n int)
TEXT ·probeFMANEON(SB), NOSPLIT, $0-8
	MOVD n+0(FP), R0
	ZEROV(30)
	ZEROV(31)

loop:
	FMLA(0,30,31)
	FMLA(1,30,31)
	FMLA(2,30,31)
	FMLA(3,30,31)
	FMLA(4,30,31)
	FMLA(5,30,31)
	FMLA(6,30,31)
	FMLA(7,30,31)
	FMLA(8,30,31)
	FMLA(9,30,31)
	FMLA(10,30,31)
	FMLA(11,30,31)
	FMLA(12,30,31)
	FMLA(13,30,31)
	FMLA(14,30,31)
	FMLA(15,30,31)
	FMLA(16,30,31)
	FMLA(17,30,31)
	FMLA(18,30,31)
	FMLA(19,30,31)
	FMLA(20,30,31)
	FMLA(21,30,31)
	FMLA(22,30,31)
	FMLA(23,30,31)
	SUBS $2, R0
	BGT  loop
	RET

// func probeI8NEON(n int)
TEXT ·probeI8NEON(SB), NOSPLIT, $0-8
	MOVD n+0(FP), R0
	ZEROV(30)
	ZEROV(31)

loop:
	SDOTE(0,30,31,0)
	SDOTE(1,30,31,0)
	SDOTE(2,30,31,0)
	SDOTE(3,30,31,0)
	SDOTE(4,30,31,0)
	SDOTE(5,30,31,0)
	SDOTE(6,30,31,0)
	SDOTE(7,30,31,0)
	SDOTE(8,30,31,0)
	SDOTE(9,30,31,0)
	SDOTE(10,30,31,0)
	SDOTE(11,30,31,0)
	SDOTE(12,30,31,0)
	SDOTE(13,30,31,0)
	SDOTE(14,30,31,0)
	SDOTE(15,30,31,0)
	SDOTE(16,30,31,0)
	SDOTE(17,30,31,0)
	SDOTE(18,30,31,0)
	SDOTE(19,30,31,0)
	SDOTE(20,30,31,0)
	SDOTE(21,30,31,0)
	SDOTE(22,30,31,0)
	SDOTE(23,30,31,0)
	SUBS $2, R0
	BGT  loop
	RET

// func probeReadNEON(b []byte)
TEXT ·probeReadNEON(SB), NOSPLIT, $0-24
	MOVD b_base+0(FP), R0
	MOVD b_len+8(FP), R1
	LSR  $8, R1, R1
	CBZ  R1, done

loop:
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R0), [V4.B16, V5.B16, V6.B16, V7.B16]
	VLD1.P 64(R0), [V8.B16, V9.B16, V10.B16, V11.B16]
	VLD1.P 64(R0), [V12.B16, V13.B16, V14.B16, V15.B16]
	SUBS $1, R1
	BNE  loop

done:
	RET
