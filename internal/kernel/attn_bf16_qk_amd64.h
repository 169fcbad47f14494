// The loops of attnQK3BF16 and its siblings (attn_bf16_amd64.s).
// DX s, R8 q, R9 k, R10 groups, R11 d.
	MOVQ R11, R12
	SHLQ $3, R11            // bytes of 4 rows of Q: d/2 * 16
	SHLQ $5, R12            // bytes of a tile of 16 keys: d/2 * 64

group:
	MOVQ (R9), DI
	MOVQ 32(R9), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	LEAQ (DI)(R12*1), BX
	MOVQ R8, SI
	MOVQ R12, CX
	SHRQ $6, CX             // d/2
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
#ifdef ROWS4
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7
#endif
#ifdef ROWS8
	VPXORQ Z8, Z8, Z8
	VPXORQ Z9, Z9, Z9
	VPXORQ Z10, Z10, Z10
	VPXORQ Z11, Z11, Z11
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13
	VPXORQ Z14, Z14, Z14
	VPXORQ Z15, Z15, Z15
#endif
#ifdef ROWS12
	VPXORQ Z16, Z16, Z16
	VPXORQ Z17, Z17, Z17
	VPXORQ Z18, Z18, Z18
	VPXORQ Z19, Z19, Z19
	VPXORQ Z20, Z20, Z20
	VPXORQ Z21, Z21, Z21
	VPXORQ Z22, Z22, Z22
	VPXORQ Z23, Z23, Z23
#endif

dims:
	VMOVDQU64 (DI), Z24
	VMOVDQU64 (BX), Z25
	PREFETCHT1 (DI)(R14*1)
	PREFETCHT1 (BX)(R14*1)
	DOT((SI), Z26, 26, 0, 1)
	DOT(4(SI), Z27, 27, 2, 3)
	DOT(8(SI), Z28, 28, 4, 5)
#ifdef ROWS4
	DOT(12(SI), Z29, 29, 6, 7)
#endif
#ifdef ROWS8
	DOT((SI)(R11*1), Z26, 26, 8, 9)
	DOT(4(SI)(R11*1), Z27, 27, 10, 11)
	DOT(8(SI)(R11*1), Z28, 28, 12, 13)
	DOT(12(SI)(R11*1), Z29, 29, 14, 15)
#endif
#ifdef ROWS12
	DOT((SI)(R11*2), Z26, 26, 16, 17)
	DOT(4(SI)(R11*2), Z27, 27, 18, 19)
	DOT(8(SI)(R11*2), Z28, 28, 20, 21)
	DOT(12(SI)(R11*2), Z29, 29, 22, 23)
#endif
	ADDQ $64, DI
	ADDQ $64, BX
	ADDQ $16, SI
	DECQ CX
	JNZ dims

	STORES(0, Z0, Z1)
	STORES(1, Z2, Z3)
	STORES(2, Z4, Z5)
#ifdef ROWS4
	STORES(3, Z6, Z7)
#endif
#ifdef ROWS8
	STORES(4, Z8, Z9)
	STORES(5, Z10, Z11)
	STORES(6, Z12, Z13)
	STORES(7, Z14, Z15)
#endif
#ifdef ROWS12
	STORES(8, Z16, Z17)
	STORES(9, Z18, Z19)
	STORES(10, Z20, Z21)
	STORES(11, Z22, Z23)
#endif
	ADDQ $128, DX
	ADDQ $8, R9
	DECQ R10
	JNZ group
	VZEROUPPER
	RET
