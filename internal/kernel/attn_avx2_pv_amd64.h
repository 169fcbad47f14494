// The loops of attnPV3AVX2 and its siblings (attn_avx2_amd64.s).
// DX o, R15 p, R9 v, R10 c, R8 groups, R11 d, Y15 mask.
	LEAQ (R9)(R8*8), R8     // end of the groups
	MOVQ R11, R12
	SHLQ $2, R11            // bytes of a row of O
	SHLQ $6, R12            // bytes of 32 tokens of V
	XORQ R13, R13           // offset of the tile in V

tile:
	MOVQ DX, AX
	LOADO(0, Y0, Y1)
	LOADO(1, Y2, Y3)
	LOADO(2, Y4, Y5)
#ifdef ROWS4
	LOADO(3, Y6, Y7)
#endif
#ifdef ROWS6
	LOADO(4, Y8, Y9)
	LOADO(5, Y10, Y11)
#endif
	MOVQ R15, SI
	MOVQ R9, AX             // group

group:
	MOVQ (AX), DI
	MOVQ 32(AX), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	ADDQ R13, DI
	MOVQ $16, CX            // pairs of tokens

tokens:
	PREFETCHT1 (DI)(R14*1)
	LO((DI), 32(DI))
	FMA((0*STRIDE+0)(SI), Y0, Y1)
	FMA((1*STRIDE+0)(SI), Y2, Y3)
	FMA((2*STRIDE+0)(SI), Y4, Y5)
#ifdef ROWS4
	FMA((3*STRIDE+0)(SI), Y6, Y7)
#endif
#ifdef ROWS6
	FMA((4*STRIDE+0)(SI), Y8, Y9)
	FMA((5*STRIDE+0)(SI), Y10, Y11)
#endif
	HI((DI), 32(DI))
	FMA((0*STRIDE+4)(SI), Y0, Y1)
	FMA((1*STRIDE+4)(SI), Y2, Y3)
	FMA((2*STRIDE+4)(SI), Y4, Y5)
#ifdef ROWS4
	FMA((3*STRIDE+4)(SI), Y6, Y7)
#endif
#ifdef ROWS6
	FMA((4*STRIDE+4)(SI), Y8, Y9)
	FMA((5*STRIDE+4)(SI), Y10, Y11)
#endif
	ADDQ $8, SI
	ADDQ $64, DI
	DECQ CX
	JNZ tokens
	ADDQ $8, AX
	CMPQ AX, R8
	JNE group

	MOVQ DX, AX
	STOREO(Y0, Y1)
	STOREO(Y2, Y3)
	STOREO(Y4, Y5)
#ifdef ROWS4
	STOREO(Y6, Y7)
#endif
#ifdef ROWS6
	STOREO(Y8, Y9)
	STOREO(Y10, Y11)
#endif
	ADDQ $64, DX
	ADDQ $1024, R13
	CMPQ R13, R12
	JNE tile
	VZEROUPPER
	RET
