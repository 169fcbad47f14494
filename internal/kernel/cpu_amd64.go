package kernel

import xcpu "golang.org/x/sys/cpu"

// features says what the loops may use. avx2, avx512 and amx are whole tiers;
// bf16 is an extra some avx512 machines have.
type features struct {
	avx2   bool // AVX2, FMA, F16C
	avx512 bool // avx2 and AVX-512 F, BW, DQ, VL, VNNI
	bf16   bool // AVX512-BF16
	amx    bool // bf16 and AMX tiles, int8 and bf16 products
}

var cpu = detect()

// detect asks CPUID, and XGETBV (inside x/sys/cpu) whether the operating system
// saves the registers.
func detect() features {
	const f16c = 1 << 29 // CPUID.1:ECX
	_, _, ecx, _ := cpuid(1, 0)
	var f features
	f.avx2 = xcpu.X86.HasAVX2 && xcpu.X86.HasFMA && ecx&f16c != 0
	f.avx512 = f.avx2 && xcpu.X86.HasAVX512F && xcpu.X86.HasAVX512BW && xcpu.X86.HasAVX512DQ &&
		xcpu.X86.HasAVX512VL && xcpu.X86.HasAVX512VNNI
	f.bf16 = f.avx512 && xcpu.X86.HasAVX512BF16
	f.amx = f.bf16 && hasAMX()
	return f
}

// archTiers returns the tiers with assembly this machine can run, best last.
func archTiers() (can []tier) {
	if cpu.avx2 {
		can = append(can, tierAVX2)
	}
	if cpu.avx512 {
		can = append(can, tierAVX512)
	}
	if cpu.amx {
		can = append(can, tierAMX)
	}
	return can
}

//go:noescape
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

var probeNEON *probeTable // of another architecture

var probeAVX2 = &probeTable{lanes: 8, fma: probeFMAAVX2, int8: probeI8AVX2, read: probeReadAVX2}

var probeAVX512 = func() *probeTable {
	t := &probeTable{lanes: 16, fma: probeFMAAVX512, int8: probeI8AVX512, read: probeReadAVX2}
	if cpu.bf16 {
		t.bf16 = probeBF16AVX512
	}
	return t
}()

// probeAMX: the rounds are those of the other tiers, filled with as many tile
// products as do the same.
var probeAMX = &probeTable{lanes: 16, fma: probeFMAAVX512, bf16: probeBF16AMX, int8: probeI8AMX, read: probeReadAVX2}

func probeBF16AMX(n int)
func probeI8AMX(n int)
func probeFMAAVX512(n int)
func probeI8AVX512(n int)
func probeBF16AVX512(n int)
func probeFMAAVX2(n int)
func probeI8AVX2(n int)

//go:noescape
func probeReadAVX2(b []byte)
