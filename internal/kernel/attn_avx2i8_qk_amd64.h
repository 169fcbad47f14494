// The loops of attnQK3AVX2Int8 and its siblings (attn_avx2i8_amd64.s).
// DX s, R8 q, R9 k, R15 ks, R10 groups, R11 d.
	MOVQ R11, R12           // d
	LEAQ 8(R11*2), R11      // bytes of a row of Q

group:
	MOVQ (R9), DI
	MOVQ 32(R9), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	MOVQ $4, R13            // halves of tiles: 8 keys

half:
	LEAQ 8(R8), SI          // rows 0 to 2
	LEAQ (SI)(R11*2), AX
	ADDQ R11, AX            // rows 3 to 5
	MOVQ R12, CX
	SHRQ $2, CX             // d/4
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

dims:
	VPMOVSXBW (DI), Y12
	VPMOVSXBW 16(DI), Y13
	PREFETCHT1 (DI)(R14*1)
	DOTW((SI), Y0, Y1)
	DOTW((SI)(R11*1), Y2, Y3)
	DOTW((SI)(R11*2), Y4, Y5)
#ifdef ROWS4
	DOTW((AX), Y6, Y7)
#endif
#ifdef ROWS6
	DOTW((AX)(R11*1), Y8, Y9)
	DOTW((AX)(R11*2), Y10, Y11)
#endif
	ADDQ $64, DI
	ADDQ $8, SI
	ADDQ $8, AX
	DECQ CX
	JNZ dims

	MOVQ (R15), BX          // scales of the keys
	MOVQ R13, CX
	SHLQ $5, CX
	SUBQ CX, BX
	VMOVUPS 128(BX), Y12
	LEAQ (R8)(R11*2), AX
	ADDQ R11, AX
	STORES(0, (R8), Y0, Y1)
	STORES(1, (R8)(R11*1), Y2, Y3)
	STORES(2, (R8)(R11*2), Y4, Y5)
#ifdef ROWS4
	STORES(3, (AX), Y6, Y7)
#endif
#ifdef ROWS6
	STORES(4, (AX)(R11*1), Y8, Y9)
	STORES(5, (AX)(R11*2), Y10, Y11)
#endif
	ADDQ $32, DX
	ADDQ $32, DI            // the other half of the tile, or behind the next tile's first
	TESTQ $1, R13
	JNZ next
	MOVQ R12, CX
	SHLQ $4, CX             // bytes of a tile of 16 keys
	SUBQ CX, DI
	JMP same

next:
	SUBQ $64, DI

same:
	DECQ R13
	JNZ half
	ADDQ $8, R9
	ADDQ $8, R15
	DECQ R10
	JNZ group
	VZEROUPPER
	RET
