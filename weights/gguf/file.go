package gguf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/lighttransfer/lighttransfer/internal/mmap"
	"github.com/lighttransfer/lighttransfer/weights"
)

// A File is an open model: one GGUF file, or all the parts of a split one.
// It may be read by several goroutines at once.
type File struct {
	paths   []string
	maps    []*mmap.File
	size    int64
	meta    []KV           // of the first part
	index   map[string]int // key -> place in meta
	tensors []weights.Tensor
	names   map[string]int // tensor name -> place in tensors
}

// Open opens a GGUF file. Of a model split over several files
// (name-00001-of-00003.gguf and so on) any part may be named; the others are
// found beside it.
//
// Errors: those of the file system, *[weights.FormatError] when a file is
// damaged or a part does not belong to the others, *[weights.UnsupportedError]
// when it is big endian, of version 1, or holds tensors of a format that is not read.
func Open(path string) (*File, error) {
	f := &File{names: map[string]int{}}
	err := f.open(path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open(path string) error {
	p, err := f.load(path)
	if err != nil {
		return err
	}
	no, count := p.split()
	name, err := checkSplitName(path, no, count)
	if err != nil {
		return err
	}
	if count == 1 {
		return f.add(path, p)
	}
	f.closeMaps() // start over, in order; a mapping costs nothing
	for i := range count {
		part := name.part(i)
		p, err := f.load(part)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is part %d of %d of a split model, but part %d is missing: %w; put all parts into one folder", path, no+1, count, i+1, err)
		}
		if err != nil {
			return err
		}
		if gotNo, gotCount := p.split(); gotNo != i || gotCount != count {
			return formatError(part, "its name says part %d of %d, its metadata part %d of %d", i+1, count, gotNo+1, gotCount)
		}
		if err := f.add(part, p); err != nil {
			return err
		}
	}
	if want, ok := f.Uint(keySplitTensors); ok && want != uint64(len(f.tensors)) {
		return formatError(f.paths[0], "%s promises %d tensors, the %d parts hold %d", keySplitTensors, want, count, len(f.tensors))
	}
	return nil
}

// load maps and parses one file.
func (f *File) load(path string) (*part, error) {
	m, err := mmap.Open(path)
	if err != nil {
		return nil, err
	}
	f.maps = append(f.maps, m)
	return parse(path, m.Data)
}

// add takes over what a part offers.
func (f *File) add(path string, p *part) error {
	f.paths = append(f.paths, path)
	f.size += int64(len(f.maps[len(f.maps)-1].Data))
	if f.index == nil {
		f.meta, f.index = p.meta, p.index
	}
	for _, t := range p.tensors {
		if _, dup := f.names[t.Name]; dup {
			return &weights.FormatError{Path: path, Offset: -1, Tensor: t.Name, Msg: "another part has a tensor of this name too"}
		}
		f.names[t.Name] = len(f.tensors)
		f.tensors = append(f.tensors, t)
	}
	return nil
}

// Close gives the mapped memory back. No tensor's Data may be touched
// afterwards: the program would crash. Metadata stays valid. Closing twice is safe.
func (f *File) Close() error {
	f.tensors, f.names = nil, nil
	return f.closeMaps()
}

func (f *File) closeMaps() error {
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.Close())
	}
	f.maps = nil
	return errors.Join(errs...)
}

// Tensors returns all tensors in the order of the file; none after Close.
func (f *File) Tensors() []weights.Tensor { return f.tensors }

// Tensor returns the tensor of that name, and whether there is one.
func (f *File) Tensor(name string) (weights.Tensor, bool) {
	i, ok := f.names[name]
	if !ok {
		return weights.Tensor{}, false
	}
	return f.tensors[i], true
}

// Paths returns the files, in the order of the parts.
func (f *File) Paths() []string { return f.paths }

// Size returns the bytes of all files together.
func (f *File) Size() int64 { return f.size }

// split returns which part this is, from 0, and of how many.
func (p *part) split() (no, count int) {
	get := func(key string, absent int) int {
		if i, ok := p.index[key]; ok {
			if n, ok := toUint(p.meta[i].Value); ok && n <= maxSplits {
				return int(n)
			}
			return -1
		}
		return absent
	}
	no, count = get(keySplitNo, 0), get(keySplitCount, 1)
	if count == 0 { // as some writers say it of a whole file
		count = 1
	}
	return no, count
}

// maxSplits is what five digits can number.
const maxSplits = 99999

// A splitName is a file name prefix-00001-of-00003.gguf, taken apart.
type splitName struct {
	prefix    string
	no, count int // no from 0
}

var splitPattern = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

func (n splitName) part(i int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", n.prefix, i+1, n.count)
}

// checkSplitName compares a part's name with what its metadata says it is.
func checkSplitName(path string, no, count int) (splitName, error) {
	m := splitPattern.FindStringSubmatch(filepath.Base(path))
	if no < 0 || count < 1 || no >= count {
		return splitName{}, formatError(path, "%s and %s are not a part's number and the number of parts", keySplitNo, keySplitCount)
	}
	if m == nil {
		if count > 1 {
			return splitName{}, formatError(path, "it is part %d of %d of a split model, but its name does not end in -%05d-of-%05d.gguf; give it and the other parts their names back", no+1, count, no+1, count)
		}
		return splitName{}, nil
	}
	name := splitName{prefix: filepath.Join(filepath.Dir(path), m[1])}
	name.no, _ = strconv.Atoi(m[2]) // five digits
	name.count, _ = strconv.Atoi(m[3])
	name.no--
	if name.no != no || name.count != count {
		return splitName{}, formatError(path, "its name says part %d of %d, its metadata part %d of %d", name.no+1, name.count, no+1, count)
	}
	return name, nil
}

func formatError(path, format string, args ...any) error {
	return &weights.FormatError{Path: path, Offset: -1, Msg: fmt.Sprintf(format, args...)}
}

// Forget lets the system take back the memory of weights that have been read;
// they can be read again.
func (f *File) Forget() {
	for _, m := range f.maps {
		m.Forget()
	}
}
