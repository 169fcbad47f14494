// What:      loops that do nothing but tile products, to learn a machine's peak.
// Layout:    n rounds as of the other probes: three for 64 make one product of
//            full tiles, 16 x 16 sums over 64 bytes.
// Algorithm: four sums in turn, as many as hide a product's latency.
// Tested by: TestProbe (cpu_probe_test.go).

#include "textflag.h"
#include "amx_amd64.h"

DATA amxFull<>+0(SB)/8, $1
DATA amxFull<>+16(SB)/8, $0x0040004000400040 // eight tiles of 16 rows of 64 bytes
DATA amxFull<>+24(SB)/8, $0x0040004000400040
DATA amxFull<>+48(SB)/8, $0x1010101010101010
GLOBL amxFull<>(SB), RODATA|NOPTR, $64

#define BEGIN \
	MOVQ n+0(FP), CX; \
	LEAQ (CX)(CX*2), CX; \
	SHRQ $8, CX; \
	INCQ CX; \
	LEAQ amxFull<>(SB), AX; \
	LDTILECFG(0)

// func probeI8AMX(n int)
TEXT ·probeI8AMX(SB), NOSPLIT, $0-8
	BEGIN

loop:
	TDPBSSD(0, 4, 6)
	TDPBSSD(1, 4, 7)
	TDPBSSD(2, 5, 6)
	TDPBSSD(3, 5, 7)
	DECQ CX
	JNZ  loop
	TILERELEASE()
	RET

// func probeBF16AMX(n int)
TEXT ·probeBF16AMX(SB), NOSPLIT, $0-8
	BEGIN

loop:
	TDPBF16PS(0, 4, 6)
	TDPBF16PS(1, 4, 7)
	TDPBF16PS(2, 5, 6)
	TDPBF16PS(3, 5, 7)
	DECQ CX
	JNZ  loop
	TILERELEASE()
	RET
