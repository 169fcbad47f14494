//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
)

// What palette 1 and the multiplier of all machines with AMX offer.
const (
	numTiles = 8
	maxRows  = 16
	maxBytes = 64 // of a row
)

// unit is the tile state of one thread: off until LDTILECFG, and again after
// TILERELEASE.
type unit struct {
	on       bool
	startRow int
	tiles    [numTiles]tile
}

// tile is one register; it is valid if it has rows. Bytes outside of its rows
// are zero.
type tile struct {
	rows, colsb int
	data        [maxRows][maxBytes]byte
}

// memory is the memory of the program.
type memory interface {
	// read fills rows, of one length, from addr, addr+stride, and so on; write is
	// the inverse. The error is a *fault with the address of the first row that
	// is not there.
	read(rows [][]byte, addr, stride uint64) error
	write(rows [][]byte, addr, stride uint64) error
}

// faultKind says how the machine would refuse.
type faultKind uint8

const (
	undefined  faultKind = iota // #UD: SIGILL
	protection                  // #GP: SIGSEGV without an address
	page                        // #PF: SIGSEGV
)

// fault is an exception of the machine.
type fault struct {
	kind faultKind
	addr uint64 // of a page fault
	why  string
}

func (f *fault) Error() string {
	return [...]string{"#UD", "#GP", "#PF"}[f.kind] + ": " + f.why
}

func ud(format string, args ...any) error { return &fault{undefined, 0, fmt.Sprintf(format, args...)} }
func gp(format string, args ...any) error { return &fault{protection, 0, fmt.Sprintf(format, args...)} }

// execute does what the instruction says, or nothing and returns a *fault.
func (u *unit) execute(in instruction, r *registers, m memory) error {
	switch in.op {
	case ldtilecfg:
		var block [64]byte
		if err := m.read([][]byte{block[:]}, in.mem.start(r)+in.mem.offset(r), 0); err != nil {
			return err
		}
		return u.configure(&block)
	case sttilecfg:
		block := u.configuration()
		return m.write([][]byte{block[:]}, in.mem.start(r)+in.mem.offset(r), 0)
	case tilerelease:
		*u = unit{}
		return nil
	}
	if !u.on {
		return ud("no tiles are configured")
	}
	t := &u.tiles[in.dst]
	if t.rows == 0 {
		return ud("tile %d is not configured", in.dst)
	}
	switch in.op {
	case tilezero:
		t.data = [maxRows][maxBytes]byte{}
	case tileloadd, tileloaddt1, tilestored:
		if err := u.move(in, t, r, m); err != nil {
			return err
		}
	default:
		if err := u.multiply(in); err != nil {
			return err
		}
	}
	u.startRow = 0
	return nil
}

// configure is LDTILECFG:
//
//	byte 0 palette, 1 start row, 16 + 2n bytes of a row of tile n, 48 + n its
//	rows; all others 0
//
// Which tile data survives a configuration: none.
func (u *unit) configure(block *[64]byte) error {
	switch block[0] {
	case 0:
		*u = unit{}
		return nil
	case 1:
	default:
		return gp("palette %d", block[0])
	}
	next := unit{on: true, startRow: int(block[1])}
	for i := range next.tiles {
		t := &next.tiles[i]
		t.rows, t.colsb = int(block[48+i]), int(binary.LittleEndian.Uint16(block[16+2*i:]))
		if t.rows > maxRows || t.colsb > maxBytes || (t.rows == 0) != (t.colsb == 0) {
			return gp("tile %d is configured as %d rows of %d bytes", i, t.rows, t.colsb)
		}
	}
	for i, b := range block {
		if b != 0 && (i >= 2 && i < 16 || i >= 32 && i < 48 || i >= 56) {
			return gp("reserved byte %d of the configuration is %d", i, b)
		}
	}
	*u = next
	return nil
}

// configuration is what STTILECFG stores.
func (u *unit) configuration() (block [64]byte) {
	if !u.on {
		return block
	}
	block[0], block[1] = 1, byte(u.startRow)
	for i := range u.tiles {
		block[48+i] = byte(u.tiles[i].rows)
		binary.LittleEndian.PutUint16(block[16+2*i:], uint16(u.tiles[i].colsb))
	}
	return block
}

// move loads or stores a tile. Real machines note in the start row how far they
// came before a fault; here a load that faults leaves the tile as it was.
func (u *unit) move(in instruction, t *tile, r *registers, m memory) error {
	if u.startRow >= t.rows {
		return ud("start row %d of tile %d, which has %d rows", u.startRow, in.dst, t.rows)
	}
	if t.colsb%4 != 0 {
		return ud("tile %d has rows of %d bytes, not of whole 32-bit words", in.dst, t.colsb)
	}
	next := *t
	var rows [][]byte
	for i := u.startRow; i < t.rows; i++ {
		rows = append(rows, next.data[i][:t.colsb])
	}
	stride := in.mem.offset(r)
	addr := in.mem.start(r) + uint64(u.startRow)*stride
	if in.op == tilestored {
		return m.write(rows, addr, stride)
	}
	if err := m.read(rows, addr, stride); err != nil {
		return err
	}
	*t = next
	return nil
}

// multiply is dst [M][N] += a [M][K] b [K][N], with elements of 32 bits in which
// 2 or 4 products are summed.
func (u *unit) multiply(in instruction) error {
	c, a, b := &u.tiles[in.dst], &u.tiles[in.a], &u.tiles[in.b]
	switch {
	case in.dst == in.a || in.dst == in.b || in.a == in.b:
		return ud("the same tile twice: %v", in)
	case a.rows == 0 || b.rows == 0:
		return ud("tile %d or %d is not configured", in.a, in.b)
	case c.colsb%4 != 0 || a.colsb%4 != 0 || b.colsb%4 != 0:
		return ud("rows are not of whole 32-bit words: %d, %d and %d bytes", c.colsb, a.colsb, b.colsb)
	case c.rows != a.rows || c.colsb != b.colsb || a.colsb/4 != b.rows:
		return ud("shapes do not fit: %d x %d bytes += %d x %d times %d x %d", c.rows, c.colsb, a.rows, a.colsb, b.rows, b.colsb)
	}
	if in.op == tdpbf16ps {
		multiplyFloats(c, a, b)
	} else {
		signedA, signedB := in.op == tdpbssd || in.op == tdpbsud, in.op == tdpbssd || in.op == tdpbusd
		multiplyInts(c, a, b, signedA, signedB)
	}
	return nil
}

// multiplyInts sums modulo 2^32.
func multiplyInts(c, a, b *tile, signedA, signedB bool) {
	var bs [maxRows][maxBytes]int32
	for k := range b.rows {
		for i := range b.colsb {
			bs[k][i] = widen(b.data[k][i], signedB)
		}
	}
	for m := range c.rows {
		var sum [maxBytes / 4]int32
		for n := range c.colsb / 4 {
			sum[n] = int32(binary.LittleEndian.Uint32(c.data[m][4*n:]))
		}
		for k := range b.rows {
			a4 := a.data[m][4*k:][:4]
			a0, a1, a2, a3 := widen(a4[0], signedA), widen(a4[1], signedA), widen(a4[2], signedA), widen(a4[3], signedA)
			for n := range c.colsb / 4 {
				b4 := bs[k][4*n:][:4]
				sum[n] += a0*b4[0] + a1*b4[1] + a2*b4[2] + a3*b4[3]
			}
		}
		for n := range c.colsb / 4 {
			binary.LittleEndian.PutUint32(c.data[m][4*n:], uint32(sum[n]))
		}
	}
}

func widen(b byte, signed bool) int32 {
	if signed {
		return int32(int8(b))
	}
	return int32(b)
}
