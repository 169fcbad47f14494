package mem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32         = windows.NewLazySystemDLL("kernel32.dll")
	globalMemory     = kernel32.NewProc("GlobalMemoryStatusEx")
	getProcessMemory = kernel32.NewProc("K32GetProcessMemoryInfo")
)

// available is MEMORYSTATUSEX.ullAvailPhys.
func available() (int64, bool) {
	var s struct {
		length, load                                     uint32
		totalPhys, availPhys, totalPage, availPage       uint64
		totalVirtual, availVirtual, availExtendedVirtual uint64
	}
	s.length = uint32(unsafe.Sizeof(s))
	ok, _, _ := globalMemory.Call(uintptr(unsafe.Pointer(&s)))
	return int64(s.availPhys), ok != 0
}

// peakRSS is PROCESS_MEMORY_COUNTERS.PeakWorkingSetSize.
func peakRSS() int64 {
	var c struct {
		size, faults uint32
		peak         uintptr
		rest         [7]uintptr
	}
	c.size = uint32(unsafe.Sizeof(c))
	if ok, _, _ := getProcessMemory.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&c)), uintptr(c.size)); ok == 0 {
		return 0
	}
	return int64(c.peak)
}
