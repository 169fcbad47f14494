// The loops of attnPV8BF16 and attnPV12BF16 (attn_bf16_amd64.s).
// DX o, R15 p, R9 v, R10 c, R8 groups, R11 d.
	LEAQ (R9)(R8*8), R8     // end of the groups
	MOVQ R11, R12
	SHLQ $2, R11            // bytes of a row of O
	SHLQ $6, R12            // bytes of 32 tokens of V
	XORQ R13, R13           // offset of the pair of tiles in V

tiles:
	MOVQ DX, AX
	LOADO(0, Z0, Z1)
	LOADO(1, Z2, Z3)
	LOADO(2, Z4, Z5)
	LOADO(3, Z6, Z7)
	LOADO(4, Z8, Z9)
	LOADO(5, Z10, Z11)
	LOADO(6, Z12, Z13)
	LOADO(7, Z14, Z15)
#ifdef ROWS12
	LOADO(8, Z16, Z17)
	LOADO(9, Z18, Z19)
	LOADO(10, Z20, Z21)
	LOADO(11, Z22, Z23)
#endif
	MOVQ R15, SI
	MOVQ R9, AX             // group

group:
	MOVQ (AX), DI
	MOVQ 32(AX), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	ADDQ R13, DI
	MOVQ $16, CX            // pairs

pair:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 1024(DI), Z25
	PREFETCHT1 (DI)(R14*1)
	PREFETCHT1 1024(DI)(R14*1)
	DOT((0*STRIDE)(SI), Z26, 26, 0, 1)
	DOT((1*STRIDE)(SI), Z27, 27, 2, 3)
	DOT((2*STRIDE)(SI), Z28, 28, 4, 5)
	DOT((3*STRIDE)(SI), Z29, 29, 6, 7)
	DOT((4*STRIDE)(SI), Z26, 26, 8, 9)
	DOT((5*STRIDE)(SI), Z27, 27, 10, 11)
	DOT((6*STRIDE)(SI), Z28, 28, 12, 13)
	DOT((7*STRIDE)(SI), Z29, 29, 14, 15)
#ifdef ROWS12
	DOT((8*STRIDE)(SI), Z26, 26, 16, 17)
	DOT((9*STRIDE)(SI), Z27, 27, 18, 19)
	DOT((10*STRIDE)(SI), Z28, 28, 20, 21)
	DOT((11*STRIDE)(SI), Z29, 29, 22, 23)
#endif
	ADDQ $64, DI
	ADDQ $4, SI
	DECQ CX
	JNZ pair
	ADDQ $8, AX
	CMPQ AX, R8
	JNE group

	MOVQ DX, AX
	STOREO(Z0, Z1)
	STOREO(Z2, Z3)
	STOREO(Z4, Z5)
	STOREO(Z6, Z7)
	STOREO(Z8, Z9)
	STOREO(Z10, Z11)
	STOREO(Z12, Z13)
	STOREO(Z14, Z15)
#ifdef ROWS12
	STOREO(Z16, Z17)
	STOREO(Z18, Z19)
	STOREO(Z20, Z21)
	STOREO(Z22, Z23)
#endif
	ADDQ $128, DX
	ADDQ $2048, R13
	CMPQ R13, R12
	JNE tiles
	VZEROUPPER
	RET
