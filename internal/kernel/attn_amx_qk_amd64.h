// The loops of attnQK4AMX and its siblings (attn_amx_amd64.s).
// DX s, R8 q, R9 k, R10 groups, R12 d.
	LEAQ (R12)(R12*1), BX   // bytes of a row of Q
	SHLQ $5, R12            // bytes of a tile of 16 keys, and of 16 rows of Q: d/2 * 64
	MOVQ $64, R13
	MOVQ $STRIDE, R15

group:
	MOVQ (R9), DI
	MOVQ 32(R9), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	LEAQ (DI)(R12*1), AX
	MOVQ R8, SI
	LEAQ (R8)(R12*1), R11   // rows 16..31
	MOVQ R12, CX
	SHRQ $10, CX            // d/32
	TILEZERO(0)
	TILEZERO(1)
#ifdef ROWS32
	TILEZERO(2)
	TILEZERO(3)
#endif

dims:
	TILELOADDT1(6, 7, 13, 0)
	TILELOADD(4, 6, 3, 0)
	TDPBF16PS(0, 4, 6)
	TILELOADDT1(7, 0, 13, 0)
	TDPBF16PS(1, 4, 7)
#ifdef ROWS32
	TILELOADD(5, 11, 3, 0)
	TDPBF16PS(2, 5, 6)
	TDPBF16PS(3, 5, 7)
#endif
	PREFETCH16(DI)
	PREFETCH16(AX)
	ADDQ $1024, DI
	ADDQ $1024, AX
	ADDQ $64, SI
	ADDQ $64, R11
	DECQ CX
	JNZ dims

	TILESTORED(0, 2, 15, 0)
	TILESTORED(1, 2, 15, 64)
#ifdef ROWS32
	TILESTORED(2, 2, 15, 16*STRIDE)
	TILESTORED(3, 2, 15, 16*STRIDE+64)
#endif
	ADDQ $128, DX
	ADDQ $8, R9
	DECQ R10
	JNZ group
	TILERELEASE()
	RET
