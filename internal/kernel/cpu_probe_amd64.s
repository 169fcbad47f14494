// What:      loops that do nothing but one instruction, to learn a machine's peak.
// Layout:    n rounds of 12 independent operations on registers; or one pass over
//            n bytes of memory.
// Tested by: TestProbe (cpu_probe_test.go).

#include "textflag.h"
#include "evex_amd64.h"

#define TWELVE(op, a, b) \
	op a, b, Z0; \
	op a, b, Z1; \
	op a, b, Z2; \
	op a, b, Z3; \
	op a, b, Z4; \
	op a, b, Z5; \
	op a, b, Z6; \
	op a, b, Z7; \
	op a, b, Z8; \
	op a, b, Z9; \
	op a, b, Z10; \
	op a, b, Z11

// func probeFMAAVX512(n int)
TEXT ·probeFMAAVX512(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13

loop:
	TWELVE(VFMADD231PS, Z12, Z13)
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func probeI8AVX512(n int)
TEXT ·probeI8AVX512(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13

loop:
	TWELVE(VPDPBUSD, Z12, Z13)
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func probeBF16AVX512(n int)
TEXT ·probeBF16AVX512(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13

loop:
	VDPBF16PS(0, 12, 13)
	VDPBF16PS(1, 12, 13)
	VDPBF16PS(2, 12, 13)
	VDPBF16PS(3, 12, 13)
	VDPBF16PS(4, 12, 13)
	VDPBF16PS(5, 12, 13)
	VDPBF16PS(6, 12, 13)
	VDPBF16PS(7, 12, 13)
	VDPBF16PS(8, 12, 13)
	VDPBF16PS(9, 12, 13)
	VDPBF16PS(10, 12, 13)
	VDPBF16PS(11, 12, 13)
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func probeFMAAVX2(n int)
TEXT ·probeFMAAVX2(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VXORPS Y12, Y12, Y12
	VXORPS Y13, Y13, Y13

loop:
	VFMADD231PS Y12, Y13, Y0
	VFMADD231PS Y12, Y13, Y1
	VFMADD231PS Y12, Y13, Y2
	VFMADD231PS Y12, Y13, Y3
	VFMADD231PS Y12, Y13, Y4
	VFMADD231PS Y12, Y13, Y5
	VFMADD231PS Y12, Y13, Y6
	VFMADD231PS Y12, Y13, Y7
	VFMADD231PS Y12, Y13, Y8
	VFMADD231PS Y12, Y13, Y9
	VFMADD231PS Y12, Y13, Y10
	VFMADD231PS Y12, Y13, Y11
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define MADD(y) \
	VPMADDUBSW Y12, Y13, Y14; \
	VPMADDWD Y12, Y14, Y14; \
	VPADDD Y14, y, y

// The three instructions that make a dot product of bytes without VNNI.
// func probeI8AVX2(n int)
TEXT ·probeI8AVX2(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VPXOR Y12, Y12, Y12
	VPXOR Y13, Y13, Y13

loop:
	MADD(Y0)
	MADD(Y1)
	MADD(Y2)
	MADD(Y3)
	MADD(Y4)
	MADD(Y5)
	MADD(Y6)
	MADD(Y7)
	MADD(Y8)
	MADD(Y9)
	MADD(Y10)
	MADD(Y11)
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

#define READ(at) \
	VPADDQ (at)(SI), Y0, Y0; \
	VPADDQ (at+32)(SI), Y1, Y1; \
	PREFETCHT0 (at+4096)(SI)

// func probeReadAVX2(b []byte)
TEXT ·probeReadAVX2(SB), NOSPLIT, $0-24
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), CX
	SHRQ $9, CX
	JZ   done

loop:
	READ(0)
	READ(64)
	READ(128)
	READ(192)
	READ(256)
	READ(320)
	READ(384)
	READ(448)
	ADDQ $512, SI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
