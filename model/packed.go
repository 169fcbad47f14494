package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/par"
)

// A file of packed weights, so that the next start need not pack them:
//
//	magic [8]byte, version u32                       little endian
//	zeros up to 64
//	panels of every matrix, each at a multiple of 64
//	table: JSON of packedTable
//	table crc32c u32, table length u32, magic [8]byte
//
// The panels are read into large pages, not mapped: that takes half a second of
// CPU time per GiB instead of a quarter, but then a token takes two thirds of the
// time, the checksums are verified on the way, and nobody can change the weights
// underneath. Panels are the same on all machines. The end is written last, and
// every byte in use is under a checksum, so that a torn file is known as one and writing
// need not wait for the disk.
const (
	packedMagic   = "LTPACKED"
	packedVersion = 1 // another layout of panels, order of rows or way of quantising is another version
	packedStart   = 64
	packedEnd     = 16
	packedPiece   = 4 << 20 // bytes under one checksum
)

type packedTable struct {
	From     string         `json:"from"`
	Matrices []packedMatrix `json:"matrices"`
}

type packedMatrix struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Rows  int      `json:"rows"`
	Cols  int      `json:"cols"`
	At    int64    `json:"at"` // in the file
	Bytes int64    `json:"bytes"`
	Sums  []uint32 `json:"sums"` // crc32c of each piece
}

// packed is what such a file holds.
type packed struct {
	matrices map[string]packedMatrix
	panels   []byte // the file from packedStart to the table
}

// packable is a matrix to be written.
type packable struct {
	name   string
	matrix **kernel.Matrix
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// packedFrom says what the packed weights of a source depend on. The hash covers
// samples of the files only; their sizes and times speak for the rest.
func packedFrom(src Source, o *Options) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "model %s, floats to %s", o.Hash, o.Quantize)
	for _, path := range src.Paths() {
		st, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, ", %s %d %d", filepath.Base(path), st.Size(), st.ModTime().UnixNano())
	}
	return b.String(), nil
}

// openPacked reads the file of packed weights; nil when there is none to be used.
func openPacked(from string, o *Options) *packed {
	f, err := os.Open(o.Packed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p *packed
	if err == nil {
		defer f.Close()
		var st fs.FileInfo
		if st, err = f.Stat(); err == nil && !st.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
		if err == nil {
			p, err = readPacked(f, st.Size(), from, o)
		}
	}
	if err != nil {
		o.notice("the packed weights in %s are not used: %v", o.Packed, err)
		return nil
	}
	return p
}

// readPacked reads a file of so many bytes that was made from the given source.
func readPacked(r io.ReaderAt, size int64, from string, o *Options) (*packed, error) {
	t, err := readPackedTable(r, size)
	if err != nil {
		return nil, err
	}
	if t.From != from {
		return nil, errors.New("they were made from another state of the model's files, or with another quantisation")
	}
	p := &packed{matrices: make(map[string]packedMatrix, len(t.Matrices))}
	var end int64
	for _, m := range t.Matrices {
		p.matrices[m.Name] = m
		end = m.At - packedStart + m.Bytes
	}
	p.panels = mem.AllocHuge(int(end))
	pieces := packedPieces(t.Matrices, func(i int) []byte { return p.of(t.Matrices[i]) })
	const batch = 16 // pieces between two reports
	var done int64
	for len(pieces) > 0 {
		next := pieces[:min(batch, len(pieces))]
		errs := make([]error, len(next))
		o.Pool.Run(len(next), func(i int) {
			n := next[i]
			if _, errs[i] = r.ReadAt(n.data, n.at); errs[i] == nil && crc32.Checksum(n.data, castagnoli) != *n.sum {
				errs[i] = fmt.Errorf("damaged: the checksum at byte %d differs", n.at)
			}
		})
		for i, err := range errs {
			if err != nil {
				return nil, err
			}
			done += int64(len(next[i].data))
		}
		pieces = pieces[len(next):]
		if o.Progress != nil {
			o.Progress(done, end)
		}
	}
	return p, nil
}

// readPackedTable reads and checks all but the panels.
func readPackedTable(r io.ReaderAt, size int64) (*packedTable, error) {
	var head [packedStart]byte
	var tail [packedEnd]byte
	if size < packedStart+packedEnd {
		return nil, errors.New("torn: too short")
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(tail[:], size-packedEnd); err != nil {
		return nil, err
	}
	if string(head[:8]) != packedMagic {
		return nil, errors.New("this is not a file of packed weights")
	}
	if v := binary.LittleEndian.Uint32(head[8:]); v != packedVersion {
		return nil, fmt.Errorf("version %d, this program reads %d", v, packedVersion)
	}
	n := int64(binary.LittleEndian.Uint32(tail[4:]))
	if string(tail[8:]) != packedMagic || n > size-packedStart-packedEnd {
		return nil, errors.New("torn: the end is missing")
	}
	end := size - packedEnd - n // of the panels
	raw := make([]byte, n)
	if _, err := r.ReadAt(raw, end); err != nil {
		return nil, err
	}
	if crc32.Checksum(raw, castagnoli) != binary.LittleEndian.Uint32(tail[:]) {
		return nil, errors.New("damaged: the checksum of the table differs")
	}
	var t packedTable
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	next := int64(packedStart)
	for _, m := range t.Matrices {
		if m.At != next || m.Bytes <= 0 || m.Bytes > end-next || int64(len(m.Sums)) != (m.Bytes+packedPiece-1)/packedPiece {
			return nil, fmt.Errorf("damaged: matrix %.80q does not lie where it should", m.Name)
		}
		next = align64(m.At + m.Bytes)
	}
	if next != end {
		return nil, fmt.Errorf("damaged: the panels end at byte %d, not %d", next, end)
	}
	return &t, nil
}

func align64(n int64) int64 { return (n + 63) &^ 63 }

// of returns a matrix's panels.
func (p *packed) of(m packedMatrix) []byte { return p.panels[m.At-packedStart:][:m.Bytes] }

// matrix returns a matrix of exactly this kind; nil when it is not there.
func (p *packed) matrix(name string, t kernel.DType, rows, cols int) *kernel.Matrix {
	if p == nil {
		return nil
	}
	e, ok := p.matrices[name]
	if !ok || e.Type != t.String() || e.Rows != rows || e.Cols != cols {
		return nil
	}
	m, err := kernel.FromPanels(t, rows, cols, p.of(e))
	if err != nil {
		return nil
	}
	return m
}

// A packedPart is bytes of a file under one checksum.
type packedPart struct {
	data []byte
	at   int64
	sum  *uint32
}

func packedPieces(ms []packedMatrix, panels func(i int) []byte) (all []packedPart) {
	for i, m := range ms {
		data := panels(i)
		for k := range m.Sums {
			from := k * packedPiece
			all = append(all, packedPart{data[from:min(from+packedPiece, len(data))], m.At + int64(from), &m.Sums[k]})
		}
	}
	return all
}

// savePacked writes the file; it appears whole or not at all.
func savePacked(path, from string, mode fs.FileMode, ms []packable, pool *par.Pool) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimSuffix(filepath.Base(path), ".packed")+".*.packed")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if size, err = writePacked(f, from, ms, pool); err != nil {
		return 0, err
	}
	if err = f.Chmod(mode); err != nil {
		return 0, err
	}
	if err = f.Close(); err != nil {
		return 0, err
	}
	return size, os.Rename(f.Name(), path)
}

func writePacked(w io.WriterAt, from string, ms []packable, pool *par.Pool) (size int64, err error) {
	t := packedTable{From: from}
	end := int64(packedStart)
	for _, p := range ms {
		m := *p.matrix
		n := int64(m.Bytes())
		t.Matrices = append(t.Matrices, packedMatrix{Name: p.name, Type: m.DType().String(), Rows: m.Rows, Cols: m.Cols,
			At: end, Bytes: n, Sums: make([]uint32, (n+packedPiece-1)/packedPiece)})
		end = align64(end + n)
	}
	pieces := packedPieces(t.Matrices, func(i int) []byte { return (*ms[i].matrix).Panels() })
	errs := make([]error, len(pieces))
	pool.Run(len(pieces), func(i int) {
		*pieces[i].sum = crc32.Checksum(pieces[i].data, castagnoli)
		_, errs[i] = w.WriteAt(pieces[i].data, pieces[i].at)
	})
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	head := make([]byte, packedStart)
	copy(head, packedMagic)
	binary.LittleEndian.PutUint32(head[8:], packedVersion)
	if _, err := w.WriteAt(head, 0); err != nil {
		return 0, err
	}
	tail, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	n := len(tail)
	tail = binary.LittleEndian.AppendUint32(tail, crc32.Checksum(tail, castagnoli))
	tail = binary.LittleEndian.AppendUint32(tail, uint32(n))
	tail = append(tail, packedMagic...)
	_, err = w.WriteAt(tail, end)
	return end + int64(len(tail)), err
}
