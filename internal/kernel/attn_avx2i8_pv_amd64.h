// The loops of attnPV3AVX2Int8 and its siblings (attn_avx2i8_amd64.s).
// DX o, R15 p, R9 v, R10 c, R8 groups, R11 d.
	LEAQ (R9)(R8*8), R8     // end of the groups
	MOVQ R11, R12
	SHLQ $2, R11            // bytes of a row of O
	SHLQ $5, R12            // bytes of 32 tokens of V
	XORQ R13, R13           // offset of the half tile in V

half:
	MOVQ R15, SI
	MOVQ R9, BX             // group
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	ZERO(Y4, Y5)
#ifdef ROWS4
	ZERO(Y6, Y7)
#endif
#ifdef ROWS6
	ZERO(Y8, Y9)
	ZERO(Y10, Y11)
#endif

group:
	MOVQ (BX), DI
	MOVQ 32(BX), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	ADDQ R13, DI
	MOVQ $8, CX             // quads of tokens

quad:
	VPMOVSXBW (DI), Y12
	VPMOVSXBW 16(DI), Y13
	PREFETCHT1 (DI)(R14*1)
	DOTW((0*STRIDE)(SI), Y0, Y1)
	DOTW((1*STRIDE)(SI), Y2, Y3)
	DOTW((2*STRIDE)(SI), Y4, Y5)
#ifdef ROWS4
	DOTW((3*STRIDE)(SI), Y6, Y7)
#endif
#ifdef ROWS6
	DOTW((4*STRIDE)(SI), Y8, Y9)
	DOTW((5*STRIDE)(SI), Y10, Y11)
#endif
	ADDQ $64, DI
	ADDQ $8, SI
	DECQ CX
	JNZ quad
	ADDQ $8, BX
	CMPQ BX, R8
	JNE group

	MOVQ DX, AX
	STOREO(0, Y0, Y1)
	STOREO(1, Y2, Y3)
	STOREO(2, Y4, Y5)
#ifdef ROWS4
	STOREO(3, Y6, Y7)
#endif
#ifdef ROWS6
	STOREO(4, Y8, Y9)
	STOREO(5, Y10, Y11)
#endif
	ADDQ $32, DX
	XORQ $32, R13           // the other half
	TESTQ $32, R13
	JNZ half
	ADDQ $512, R13          // the next tile
	CMPQ R13, R12
	JNE half
	VZEROUPPER
	RET
