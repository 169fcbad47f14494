// The loops of attnPV4AMX and its siblings (attn_amx_amd64.s).
// DX o, SI p, R9 v, R10 c, R8 groups, R11 d, CX rows.
	MOVQ R11, R13
	SHRQ $5, R13            // pairs of tiles in a row of O
	MOVQ DX, AX

row: // O = c O
	VBROADCASTSS (R10), Z0
	MOVQ R13, BX

scale:
	VMULPS (AX), Z0, Z1
	VMULPS 64(AX), Z0, Z2
	VMOVUPS Z1, (AX)
	VMOVUPS Z2, 64(AX)
	ADDQ $128, AX
	DECQ BX
	JNZ scale
	ADDQ $4, R10
	DECQ CX
	JNZ row

	MOVQ R11, R10
	SHLQ $6, R10            // bytes of 32 tokens of V, and of 16 rows of O
	SHLQ $2, R11            // bytes of a row of O
	MOVQ $64, R12
	MOVQ $STRIDE, BX
	XORQ R13, R13           // offset of the pair of tiles in V

tiles:
	LEAQ (DX)(R10*1), R15   // rows 16..31
	TILELOADD(0, 2, 11, 0)
	TILELOADD(1, 2, 11, 64)
#ifdef ROWS32
	TILELOADD(2, 15, 11, 0)
	TILELOADD(3, 15, 11, 64)
#endif
	MOVQ R9, AX             // group
	MOVQ R8, CX

group:
	MOVQ (AX), DI
	MOVQ 32(AX), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	ADDQ R13, DI
	TILELOADDT1(6, 7, 12, 0)
	TILELOADD(4, 6, 3, 0)
	TDPBF16PS(0, 4, 6)
	TILELOADDT1(7, 7, 12, 1024)
	TDPBF16PS(1, 4, 7)
#ifdef ROWS32
	TILELOADD(5, 6, 3, 16*STRIDE)
	TDPBF16PS(2, 5, 6)
	TDPBF16PS(3, 5, 7)
#endif
	PREFETCH16(DI)
	ADDQ $1024, DI
	PREFETCH16(DI)
	ADDQ $64, SI
	ADDQ $8, AX
	DECQ CX
	JNZ group
	MOVQ R8, CX
	SHLQ $6, CX
	SUBQ CX, SI             // back to the first group of P

	TILESTORED(0, 2, 11, 0)
	TILESTORED(1, 2, 11, 64)
#ifdef ROWS32
	TILESTORED(2, 15, 11, 0)
	TILESTORED(3, 15, 11, 64)
#endif
	ADDQ $128, DX
	ADDQ $2048, R13
	CMPQ R13, R10
	JNE tiles
	TILERELEASE()
	VZEROUPPER
	RET
