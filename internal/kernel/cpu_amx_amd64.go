package kernel

import (
	"os"

	xcpu "golang.org/x/sys/cpu"
)

// envAMX set to "assume" says that AMX is there whatever CPUID says. It is for
// emulators, which can execute the instructions but not answer CPUID
// (tools/amxemu sets it); elsewhere the first tile instruction ends the program.
const envAMX = "LIGHTTRANSFER_AMX"

// hasAMX reports whether tiles can be used: the processor has them, the kernel
// saves them, and gives them to this process.
func hasAMX() bool {
	if os.Getenv(envAMX) == "assume" {
		return true
	}
	const tiles = 3 << 17 // XCR0: XTILECFG, XTILEDATA
	return xcpu.X86.HasAMXTile && xcpu.X86.HasAMXInt8 && xcpu.X86.HasAMXBF16 && xgetbv()&tiles == tiles && permitAMX()
}

// xgetbv returns XCR0, the registers that the kernel saves. The processor must
// have XSAVE, as all have that have AMX.
func xgetbv() uint32
