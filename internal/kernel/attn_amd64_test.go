package kernel

import "testing"

// TestAttendWithoutBF16 runs the mixture of loops that a machine with AVX-512
// but without its BF16 instructions gets.
func TestAttendWithoutBF16(t *testing.T) {
	restore, err := SetTier("avx512")
	if err != nil {
		t.Skip(err)
	}
	defer restore()
	bf16, pair := cpu.bf16, attnTiers[tierAVX512]
	defer func() { cpu.bf16, attnTiers[tierAVX512] = bf16, pair }()
	cpu.bf16 = false
	attnTiers[tierAVX512] = attnAVX512()
	testAttend(t)
	testSplits(t)
}
