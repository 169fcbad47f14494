//go:build unix

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int, write bool) (data []byte, unmap func() error, err error) {
	prot, flags := unix.PROT_READ, unix.MAP_SHARED
	if write {
		prot, flags = unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE
	}
	data, err = unix.Mmap(int(f.Fd()), 0, size, prot, flags)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

func forget(data []byte) { unix.Madvise(data, unix.MADV_DONTNEED) } // advice: failing does no harm
