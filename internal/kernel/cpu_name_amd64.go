package kernel

import (
	"encoding/binary"
	"strings"
)

// CPUName is what the processor calls itself.
func CPUName() string {
	const first, last = 0x80000002, 0x80000004 // the brand string, 16 bytes each
	if most, _, _, _ := cpuid(0x80000000, 0); most < last {
		return "x86-64"
	}
	var b []byte
	for leaf := uint32(first); leaf <= last; leaf++ {
		eax, ebx, ecx, edx := cpuid(leaf, 0)
		for _, r := range []uint32{eax, ebx, ecx, edx} {
			b = binary.LittleEndian.AppendUint32(b, r)
		}
	}
	name, _, _ := strings.Cut(string(b), "\x00")
	return strings.Join(strings.Fields(name), " ")
}
