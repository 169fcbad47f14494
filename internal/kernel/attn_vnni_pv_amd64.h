// The loops of attnPV3VNNI and its siblings (attn_vnni_amd64.s).
// DX o, R15 p, R9 v, R10 c, R8 groups, R11 d.
	LEAQ (R9)(R8*8), R8     // end of the groups
	MOVQ R11, R12
	SHLQ $2, R11            // bytes of a row of O
	SHLQ $5, R12            // bytes of 32 tokens of V
	XORQ R13, R13           // offset of the pair of tiles in V

tiles:
	MOVQ R15, SI
	MOVQ $2, AX             // high bytes, low bytes
	ZERO(Z0, Z1)
	ZERO(Z2, Z3)
	ZERO(Z4, Z5)
#ifdef ROWS4
	ZERO(Z6, Z7)
#endif
#ifdef ROWS8
	ZERO(Z8, Z9)
	ZERO(Z10, Z11)
	ZERO(Z12, Z13)
	ZERO(Z14, Z15)
#endif
#ifdef ROWS12
	ZERO(Z16, Z17)
	ZERO(Z18, Z19)
	ZERO(Z20, Z21)
	ZERO(Z22, Z23)
#endif

pass:
	MOVQ R9, BX             // group

group:
	MOVQ (BX), DI
	MOVQ 32(BX), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	ADDQ R13, DI
	MOVQ $8, CX             // quads

quad:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 512(DI), Z25
	PREFETCHT1 (DI)(R14*1)
	PREFETCHT1 512(DI)(R14*1)
	DOTV((0*STRIDE)(SI), Z26, Z0, Z1)
	DOTV((1*STRIDE)(SI), Z27, Z2, Z3)
	DOTV((2*STRIDE)(SI), Z28, Z4, Z5)
#ifdef ROWS4
	DOTV((3*STRIDE)(SI), Z29, Z6, Z7)
#endif
#ifdef ROWS8
	DOTV((4*STRIDE)(SI), Z26, Z8, Z9)
	DOTV((5*STRIDE)(SI), Z27, Z10, Z11)
	DOTV((6*STRIDE)(SI), Z28, Z12, Z13)
	DOTV((7*STRIDE)(SI), Z29, Z14, Z15)
#endif
#ifdef ROWS12
	DOTV((8*STRIDE)(SI), Z26, Z16, Z17)
	DOTV((9*STRIDE)(SI), Z27, Z18, Z19)
	DOTV((10*STRIDE)(SI), Z28, Z20, Z21)
	DOTV((11*STRIDE)(SI), Z29, Z22, Z23)
#endif
	ADDQ $64, DI
	ADDQ $4, SI
	DECQ CX
	JNZ quad
	ADDQ $32, SI
	ADDQ $8, BX
	CMPQ BX, R8
	JNE group
	DECQ AX
	JZ done
	LEAQ 32(R15), SI
	SHIFT(Z0, Z1)
	SHIFT(Z2, Z3)
	SHIFT(Z4, Z5)
#ifdef ROWS4
	SHIFT(Z6, Z7)
#endif
#ifdef ROWS8
	SHIFT(Z8, Z9)
	SHIFT(Z10, Z11)
	SHIFT(Z12, Z13)
	SHIFT(Z14, Z15)
#endif
#ifdef ROWS12
	SHIFT(Z16, Z17)
	SHIFT(Z18, Z19)
	SHIFT(Z20, Z21)
	SHIFT(Z22, Z23)
#endif
	JMP pass

done:
	MOVQ DX, AX
	STOREO(0, Z0, Z1)
	STOREO(1, Z2, Z3)
	STOREO(2, Z4, Z5)
#ifdef ROWS4
	STOREO(3, Z6, Z7)
#endif
#ifdef ROWS8
	STOREO(4, Z8, Z9)
	STOREO(5, Z10, Z11)
	STOREO(6, Z12, Z13)
	STOREO(7, Z14, Z15)
#endif
#ifdef ROWS12
	STOREO(8, Z16, Z17)
	STOREO(9, Z18, Z19)
	STOREO(10, Z20, Z21)
	STOREO(11, Z22, Z23)
#endif
	ADDQ $128, DX
	ADDQ $1024, R13
	CMPQ R13, R12
	JNE tiles
	VZEROUPPER
	RET
