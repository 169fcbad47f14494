// The loops of attnPV3BF16 and attnPV4BF16 (attn_bf16_amd64.s).
// DX o, R15 p, R9 v, R10 c, R8 groups, R11 d, R13 rows.
	MOVQ R11, R12
	SHRQ $4, R12            // tiles of 16 dimensions
	SHLQ $2, R11            // bytes of a row of O
	MOVQ DX, AX

row: // O = c O
	VBROADCASTSS (R10), Z0
	MOVQ R12, CX

scale:
	VMULPS (AX), Z0, Z1
	VMOVUPS Z1, (AX)
	ADDQ $64, AX
	DECQ CX
	JNZ scale
	ADDQ $4, R10
	DECQ R13
	JNZ row
	LEAQ (R11)(R11*2), R10

group:
	MOVQ (R9), DI
	MOVQ DX, AX
	MOVQ R12, R13

tile:
	MOVQ R15, SI
	VMOVUPS (AX), Z0
	VMOVUPS (AX)(R11*1), Z1
	VMOVUPS (AX)(R11*2), Z2
#ifdef ROWS4
	VMOVUPS (AX)(R10*1), Z3
#endif
	MOVQ $4, CX             // times 4 pairs

pairs:
	PAIR(0)
	PAIR(1)
	PAIR(2)
	PAIR(3)
	ADDQ $256, DI
	ADDQ $16, SI
	DECQ CX
	JNZ pairs

	VMOVUPS Z0, (AX)
	VMOVUPS Z1, (AX)(R11*1)
	VMOVUPS Z2, (AX)(R11*2)
#ifdef ROWS4
	VMOVUPS Z3, (AX)(R10*1)
#endif
	ADDQ $64, AX
	DECQ R13
	JNZ tile
	ADDQ $64, R15
	ADDQ $8, R9
	DECQ R8
	JNZ group
	VZEROUPPER
	RET
