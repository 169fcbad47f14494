// The loops of attnQK3AVX2 and its siblings (attn_avx2_amd64.s).
// DX s, R8 q [rows][d], R9 k, R10 groups, R11 d, Y15 mask.
	MOVQ R11, R12           // d
	SHLQ $2, R11            // bytes of a row of Q

group:
	MOVQ (R9), DI
	MOVQ 32(R9), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	MOVQ $2, R13            // tiles of 16 keys

tile:
	MOVQ R8, SI             // rows 0 to 2
	LEAQ (R8)(R11*2), AX
	ADDQ R11, AX            // rows 3 to 5
	MOVQ R12, CX
	SHRQ $1, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
#ifdef ROWS4
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
#endif
#ifdef ROWS6
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
#endif

dims:
	PREFETCHT1 (DI)(R14*1)
	LO((DI), 32(DI))
	FMA((SI), Y0, Y1)
	FMA((SI)(R11*1), Y2, Y3)
	FMA((SI)(R11*2), Y4, Y5)
#ifdef ROWS4
	FMA((AX), Y6, Y7)
#endif
#ifdef ROWS6
	FMA((AX)(R11*1), Y8, Y9)
	FMA((AX)(R11*2), Y10, Y11)
#endif
	HI((DI), 32(DI))
	FMA(4(SI), Y0, Y1)
	FMA(4(SI)(R11*1), Y2, Y3)
	FMA(4(SI)(R11*2), Y4, Y5)
#ifdef ROWS4
	FMA(4(AX), Y6, Y7)
#endif
#ifdef ROWS6
	FMA(4(AX)(R11*1), Y8, Y9)
	FMA(4(AX)(R11*2), Y10, Y11)
#endif
	ADDQ $8, SI
	ADDQ $8, AX
	ADDQ $64, DI
	DECQ CX
	JNZ dims

	STORES(0, Y0, Y1)
	STORES(1, Y2, Y3)
	STORES(2, Y4, Y5)
#ifdef ROWS4
	STORES(3, Y6, Y7)
#endif
#ifdef ROWS6
	STORES(4, Y8, Y9)
	STORES(5, Y10, Y11)
#endif
	ADDQ $64, DX
	DECQ R13
	JNZ tile
	ADDQ $8, R9
	DECQ R10
	JNZ group
	VZEROUPPER
	RET
