//go:build amd64

package kernel

import "syscall"

// permitAMX asks for the tile registers, as a process must once, for all its
// threads: without it the first tile instruction is a SIGILL.
func permitAMX() bool {
	const request, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, request, tileData, 0)
	return errno == 0
}
