// Package mmap maps files into memory, to read or copy-on-write. Where the system has no such
// call the file is read instead, with the same meaning.
package mmap

import (
	"fmt"
	"os"
	"sync"
)

// A File is a file's bytes. Data must not be written to (but see
// OpenCopy), and must not be touched after Close: the pages are gone and the program would crash. The same
// happens when another program cuts the file short meanwhile.
type File struct {
	Data  []byte // the whole file
	copy  bool   // copy-on-write: what has been written exists nowhere else
	once  sync.Once
	unmap func() error
	err   error
}

// Open maps the file, read only.
func Open(path string) (*File, error) { return open(path, false) }

// OpenCopy maps the file copy-on-write: Data may be written to; the file does
// not change.
func OpenCopy(path string) (*File, error) { return open(path, true) }

func open(path string, write bool) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() != int64(int(info.Size())) {
		return nil, fmt.Errorf("%s: %d bytes are more than this system can address", path, info.Size())
	}
	if info.Size() == 0 { // systems refuse an empty mapping
		return &File{unmap: func() error { return nil }}, nil
	}
	data, unmap, err := mapFile(f, int(info.Size()), write)
	if err != nil {
		return nil, fmt.Errorf("map %s into memory: %w", path, err)
	}
	return &File{Data: data, unmap: unmap, copy: write}, nil
}

// Forget lets the system take back the memory behind Data where it can; what is
// read again comes from the file. For read-only files that have been gone through.
func (f *File) Forget() {
	if len(f.Data) > 0 && !f.copy {
		forget(f.Data)
	}
}

// Close gives the memory back. Further calls do nothing.
func (f *File) Close() error {
	f.once.Do(func() {
		f.Data = nil
		f.err = f.unmap()
	})
	return f.err
}
