// The loops of attnQK3VNNI and its siblings (attn_vnni_amd64.s).
// DX s, R8 q, R9 k, R15 ks, R10 groups, R11 d.
	VPBROADCASTD attnInt<>+24(SB), Z30
	MOVQ R11, R12
	LEAQ 32(R11*8), R11     // bytes of 4 rows of Q
	SHLQ $4, R12            // bytes of a tile of 16 keys

group:
	MOVQ (R9), DI
	MOVQ 32(R9), R14
	SUBQ DI, R14            // from here to the same place of what comes later
	LEAQ (DI)(R12*1), BX
	LEAQ 32(R8), SI
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
	MOVQ R12, CX
	SHRQ $6, CX             // d/4

dims:
	VPXORD (DI), Z30, Z24
	VPXORD (BX), Z30, Z25
	PREFETCHT1 (DI)(R14*1)
	PREFETCHT1 (BX)(R14*1)
	DOTK((SI), Z26, Z0, Z1)
	DOTK(4(SI), Z27, Z2, Z3)
	DOTK(8(SI), Z28, Z4, Z5)
#ifdef ROWS4
	DOTK(12(SI), Z29, Z6, Z7)
#endif
#ifdef ROWS8
	DOTK((SI)(R11*1), Z26, Z8, Z9)
	DOTK(4(SI)(R11*1), Z27, Z10, Z11)
	DOTK(8(SI)(R11*1), Z28, Z12, Z13)
	DOTK(12(SI)(R11*1), Z29, Z14, Z15)
#endif
#ifdef ROWS12
	DOTK((SI)(R11*2), Z26, Z16, Z17)
	DOTK(4(SI)(R11*2), Z27, Z18, Z19)
	DOTK(8(SI)(R11*2), Z28, Z20, Z21)
	DOTK(12(SI)(R11*2), Z29, Z22, Z23)
#endif
	ADDQ $64, DI
	ADDQ $64, BX
	ADDQ $16, SI
	DECQ CX
	JNZ dims
	DECQ AX
	JZ done
	SUBQ R12, DI
	SUBQ R12, BX
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
	MOVQ (R15), AX
	VMOVUPS (AX), Z24
	VMOVUPS 64(AX), Z25
	STORES(0, (R8), 16(R8), Z0, Z1)
	STORES(1, 4(R8), 20(R8), Z2, Z3)
	STORES(2, 8(R8), 24(R8), Z4, Z5)
#ifdef ROWS4
	STORES(3, 12(R8), 28(R8), Z6, Z7)
#endif
#ifdef ROWS8
	STORES(4, (R8)(R11*1), 16(R8)(R11*1), Z8, Z9)
	STORES(5, 4(R8)(R11*1), 20(R8)(R11*1), Z10, Z11)
	STORES(6, 8(R8)(R11*1), 24(R8)(R11*1), Z12, Z13)
	STORES(7, 12(R8)(R11*1), 28(R8)(R11*1), Z14, Z15)
#endif
#ifdef ROWS12
	STORES(8, (R8)(R11*2), 16(R8)(R11*2), Z16, Z17)
	STORES(9, 4(R8)(R11*2), 20(R8)(R11*2), Z18, Z19)
	STORES(10, 8(R8)(R11*2), 24(R8)(R11*2), Z20, Z21)
	STORES(11, 12(R8)(R11*2), 28(R8)(R11*2), Z22, Z23)
#endif
	ADDQ $128, DX
	ADDQ $8, R9
	ADDQ $8, R15
	DECQ R10
	JNZ group
	VZEROUPPER
	RET
