package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// The packed form of a matrix serves every tier. 32 rows make a panel, one
// float32 result per row in two AVX-512 registers, so no loop ever adds across a
// register, and a product with one vector reads memory from end to end. Rows are
// padded with zeros to whole panels.
//
//	F32   [cols][32] float32
//	F16   [cols][32] half
//	BF16  [(cols+1)/2][32][2] bf16, the operand of AVX512-BF16's dot product
//
// A quantised panel is its scales and, from a multiple of 64 bytes on, its codes.
// The codes of 32 columns are groups of 4 columns, [32 rows][4] = 128 bytes each:
//
//	8 bits  1024 bytes: group 0 .. 7, every code + 128
//	4 bits  512 bytes: group 0 .. 3 in the low nibbles, 4 .. 7 in the high ones
//	5 bits  as 4 bits, then 128 bytes: the fifth bit of group g in bit g
//	6 bits  as 4 bits, then 2 x 128 bytes: the two high bits of groups 0 .. 3 and
//	        of 4 .. 7 in bits 2*(g%4) and up
//
// The scales, by kind:
//
//	scale16    [cols/32][32] f16                       Q8_0 Q4_0 Q5_0
//	scaleMin16 [cols/32][2: scale, min][32] f16        Q4_1 Q5_1
//	scaleK     [cols/256]{[32] f16 d, [32] f16 dmin,
//	           [8][2: scale, min][32] u8}              Q4_K Q5_K
//	scale6K    [cols/256]{[32] f16 d, [16][32] int8}   Q6_K
//
// So a matrix takes what it takes in its file, and 1/8 bit per weight more for
// Q4_K and Q5_K, whose 6-bit scales become bytes. Panels may be kept in files:
// model/packed.go has a version that stands for all this.
const (
	panelRows = 32
	alignment = 64
)

// scaleKind says how the scales of a quantised panel are stored.
type scaleKind uint8

const (
	scale16 scaleKind = iota
	scaleMin16
	scaleK
	scale6K
	numScaleKinds
)

// scaleBytes is the size of one unit of scales, scaleCols the columns it is for.
var (
	scaleBytes = [numScaleKinds]int{scale16: 64, scaleMin16: 128, scaleK: 640, scale6K: 576}
	scaleCols  = [numScaleKinds]int{scale16: 32, scaleMin16: 32, scaleK: 256, scale6K: 256}
)

// code describes the integers of a quantised format: value = code - zero.
type code struct {
	bits  int
	zero  int
	scale scaleKind
}

var codes = [numDTypes]code{
	Q8_0: {8, 128, scale16},
	Q4_0: {4, 8, scale16},
	Q4_1: {4, 0, scaleMin16},
	Q5_0: {5, 16, scale16},
	Q5_1: {5, 0, scaleMin16},
	Q4_K: {4, 0, scaleK},
	Q5_K: {5, 0, scaleK},
	Q6_K: {6, 32, scale6K},
}

// hasMin says whether weights are scale*code + min.
func (c code) hasMin() bool { return c.scale == scaleMin16 || c.scale == scaleK }

// blockBytes is the size of a panel's codes for 32 columns.
func (c code) blockBytes() int { return 128 * c.bits }

// Matrix is a weight matrix W [Rows][Cols] for y = W x, packed for the loops of
// this package. It is read only once made.
type Matrix struct {
	Rows, Cols int

	dtype  DType
	panel  int    // bytes of a panel, a multiple of 64
	codeAt int    // where the codes begin in a quantised panel
	data   []byte // [panels][panel]
}

// NewMatrix packs rows*cols elements of format t, stored row after row in data.
// Row i of the matrix is stored row rowOrder[i]; nil keeps the order, and rows
// may then be fewer than data holds only if rowOrder picks them. data is copied.
func NewMatrix(t DType, rows, cols int, data []byte, rowOrder []int) (*Matrix, error) {
	m, rowBytes, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	stored := len(data) / rowBytes
	if len(data)%rowBytes != 0 || rowOrder == nil && stored != rows {
		return nil, fmt.Errorf("matrix %d x %d of %v: %d bytes given, want rows of %d bytes", rows, cols, t, len(data), rowBytes)
	}
	if rowOrder != nil && len(rowOrder) != rows {
		return nil, fmt.Errorf("matrix: order of %d rows for %d rows", len(rowOrder), rows)
	}
	for i, r := range rowOrder {
		if r < 0 || r >= stored {
			return nil, fmt.Errorf("matrix: row %d is to be stored row %d of %d", i, r, stored)
		}
	}
	m.data = alloc((rows + panelRows - 1) / panelRows * m.panel)
	var stripe [panelRows][]byte // the stored rows of a panel
	for i := 0; i < rows; i += panelRows {
		n := min(panelRows, rows-i)
		for r := range n {
			from := i + r
			if rowOrder != nil {
				from = rowOrder[i+r]
			}
			stripe[r] = data[from*rowBytes:][:rowBytes]
		}
		m.pack(m.data[i/panelRows*m.panel:][:m.panel], stripe[:n])
	}
	return m, nil
}

// newMatrix returns a matrix without panels, and the bytes of a stored row.
func newMatrix(t DType, rows, cols int) (m *Matrix, rowBytes int, err error) {
	elems, _ := t.Block()
	switch {
	case elems == 0:
		return nil, 0, fmt.Errorf("matrix: unknown number format %v", t)
	case rows <= 0 || cols <= 0:
		return nil, 0, fmt.Errorf("matrix: %d x %d has no elements", rows, cols)
	}
	rowBytes, ok := t.Bytes(cols)
	if !ok {
		return nil, 0, fmt.Errorf("matrix: rows of %d elements are not whole blocks of %d, as %v needs", cols, elems, t)
	}
	m = &Matrix{Rows: rows, Cols: cols, dtype: t}
	m.codeAt, m.panel = panelSize(t, cols)
	return m, rowBytes, nil
}

// FromPanels returns the matrix whose Panels these are, whatever machine made
// them. They begin at a multiple of 64, are not copied and must not change.
func FromPanels(t DType, rows, cols int, panels []byte) (*Matrix, error) {
	m, _, err := newMatrix(t, rows, cols)
	switch {
	case err != nil:
		return nil, err
	case cols > 2*len(panels) || len(panels)%m.panel != 0 || len(panels)/m.panel != (rows+panelRows-1)/panelRows: // sizes that overflow as well
		return nil, fmt.Errorf("matrix %d x %d of %v: %d bytes given are not its panels", rows, cols, t, len(panels))
	case uintptr(unsafe.Pointer(unsafe.SliceData(panels)))%alignment != 0:
		return nil, fmt.Errorf("matrix %d x %d of %v: panels do not begin at a multiple of %d", rows, cols, t, alignment)
	}
	m.data = panels
	return m, nil
}

// panelSize returns where the codes of a panel begin, 0 for floats, and its size.
func panelSize(t DType, cols int) (codeAt, size int) {
	switch t {
	case F32:
		return 0, 128 * cols
	case F16:
		return 0, 64 * cols
	case BF16:
		return 0, (cols + 1) / 2 * 128
	}
	c := codes[t]
	codeAt = cols / scaleCols[c.scale] * scaleBytes[c.scale]
	return codeAt, codeAt + cols/32*c.blockBytes()
}

// alloc returns n zero bytes that begin at a multiple of 64. Tests put guard
// pages behind them.
var alloc = func(n int) []byte {
	b := make([]byte, n+alignment)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (alignment - 1)
	return b[skip:][:n:n]
}

// Bytes returns the bytes the matrix holds.
func (m *Matrix) Bytes() int { return len(m.data) }

// Panels returns the packed form, for FromPanels. It must not be written to.
func (m *Matrix) Panels() []byte { return m.data }

// DType returns the format the matrix was made from.
func (m *Matrix) DType() DType { return m.dtype }

// pack writes stored rows to a panel, a few columns of all rows at a time, so
// that what is written stays in the first cache level.
func (m *Matrix) pack(panel []byte, rows [][]byte) {
	const step = 32
	le := binary.LittleEndian
	switch m.dtype {
	case F32:
		for k := 0; k < m.Cols; k += step {
			for r, src := range rows {
				for j := k; j < min(k+step, m.Cols); j++ {
					le.PutUint32(panel[128*j+4*r:], le.Uint32(src[4*j:]))
				}
			}
		}
		return
	case F16:
		for k := 0; k < m.Cols; k += step {
			for r, src := range rows {
				for j := k; j < min(k+step, m.Cols); j++ {
					le.PutUint16(panel[64*j+2*r:], le.Uint16(src[2*j:]))
				}
			}
		}
		return
	case BF16:
		for k := 0; k < m.Cols; k += step {
			for r, src := range rows {
				for j := k; j < min(k+step, m.Cols); j++ {
					le.PutUint16(panel[j/2*128+4*r+j%2*2:], le.Uint16(src[2*j:]))
				}
			}
		}
		return
	}
	c := codes[m.dtype]
	elems, size := m.dtype.Block()
	out := panel[m.codeAt:]
	for b := range m.Cols / elems {
		for r, row := range rows {
			src := row[b*size:][:size]
			packScales(panel, r, b, m.dtype, src)
			for j := range elems / 32 {
				g := groups(m.dtype, src, j)
				packCodes(out[j*c.blockBytes():][:c.blockBytes()], r, c.bits, &g)
			}
		}
		out = out[elems/32*c.blockBytes():]
	}
}

// packScales writes the scales of a row's block number b.
func packScales(panel []byte, r, b int, t DType, src []byte) {
	kind := codes[t].scale
	s := panel[b*scaleBytes[kind]:][:scaleBytes[kind]]
	switch kind {
	case scale16:
		copy(s[2*r:2*r+2], src)
	case scaleMin16:
		copy(s[2*r:2*r+2], src)
		copy(s[64+2*r:64+2*r+2], src[2:])
	case scaleK:
		copy(s[2*r:2*r+2], src)
		copy(s[64+2*r:64+2*r+2], src[2:])
		for j := range 8 {
			s[128+64*j+r], s[128+64*j+32+r] = scaleMinK(src[4:16], j)
		}
	case scale6K:
		copy(s[2*r:2*r+2], src[208:])
		for j := range 16 {
			s[64+32*j+r] = src[192+j]
		}
	}
}

// groups returns the codes of the 32 columns number j of a stored block, four
// to a word.
func groups(t DType, src []byte, j int) (g [8]uint32) {
	const nibbles = 0x0f0f0f0f
	le := binary.LittleEndian
	switch t {
	case Q8_0:
		for i := range g {
			g[i] = le.Uint32(src[2+4*i:]) ^ 0x80808080
		}
	case Q4_0, Q4_1, Q5_0, Q5_1:
		qs := src[len(src)-16:]
		for i := range 4 {
			w := le.Uint32(qs[4*i:])
			g[i], g[i+4] = w&nibbles, w>>4&nibbles
		}
		if t == Q5_0 || t == Q5_1 {
			high := le.Uint32(src[len(src)-20:])
			for i := range g {
				g[i] |= spread(high>>(4*i)) << 4
			}
		}
	case Q4_K, Q5_K:
		qs := src[len(src)-128+j/2*32:]
		for i := range g {
			g[i] = le.Uint32(qs[4*i:]) >> (j & 1 * 4) & nibbles
			if t == Q5_K {
				g[i] |= le.Uint32(src[16+4*i:]) >> j & 0x01010101 << 4
			}
		}
	case Q6_K:
		half, j := j/4, j%4
		ql, qh := src[64*half+j%2*32:], src[128+32*half:]
		for i := range g {
			g[i] = le.Uint32(ql[4*i:])>>(j/2*4)&nibbles | le.Uint32(qh[4*i:])>>(2*j)&0x03030303<<4
		}
	}
	return g
}

// spread puts bit i of the low four bits into bit 0 of byte i.
func spread(bits uint32) uint32 {
	return bits&1 | bits&2<<7 | bits&4<<14 | bits&8<<21
}

// packCodes writes a row's codes of 32 columns to a panel's block.
func packCodes(block []byte, r, bits int, g *[8]uint32) {
	le := binary.LittleEndian
	if bits == 8 {
		for i, w := range g {
			le.PutUint32(block[128*i+4*r:], w)
		}
		return
	}
	var plane [2]uint32
	for i := range 4 {
		lo, hi := g[i], g[i+4]
		le.PutUint32(block[128*i+4*r:], lo&0x0f0f0f0f|hi&0x0f0f0f0f<<4)
		switch bits {
		case 5:
			plane[0] |= lo>>4&0x01010101<<i | hi>>4&0x01010101<<(i+4)
		case 6:
			plane[0] |= lo >> 4 & 0x03030303 << (2 * i)
			plane[1] |= hi >> 4 & 0x03030303 << (2 * i)
		}
	}
	for i := range bits - 4 {
		le.PutUint32(block[512+128*i+4*r:], plane[i])
	}
}

// unpackCodes returns a row's codes of 32 columns, the inverse of packCodes.
func unpackCodes(block []byte, r, bits int) (g [8]uint32) {
	le := binary.LittleEndian
	if bits == 8 {
		for i := range g {
			g[i] = le.Uint32(block[128*i+4*r:])
		}
		return g
	}
	for i := range 4 {
		w := le.Uint32(block[128*i+4*r:])
		g[i], g[i+4] = w&0x0f0f0f0f, w>>4&0x0f0f0f0f
	}
	for i := range g {
		switch bits {
		case 5:
			g[i] |= le.Uint32(block[512+4*r:]) >> i & 0x01010101 << 4
		case 6:
			g[i] |= le.Uint32(block[512+i/4*128+4*r:]) >> (i % 4 * 2) & 0x03030303 << 4
		}
	}
	return g
}

// Row writes row i as float32 to dst [Cols], exactly as Dequantize would.
func (m *Matrix) Row(dst []float32, i int) {
	dst = dst[:m.Cols]
	panel, r := m.data[i/panelRows*m.panel:][:m.panel], i%panelRows
	le := binary.LittleEndian
	switch m.dtype {
	case F32:
		for k := range dst {
			dst[k] = math.Float32frombits(le.Uint32(panel[128*k+4*r:]))
		}
		return
	case F16:
		for k := range dst {
			dst[k] = f16At(panel, 64*k+2*r)
		}
		return
	case BF16:
		for k := range dst {
			dst[k] = math.Float32frombits(uint32(le.Uint16(panel[k/2*128+4*r+k%2*2:])) << 16)
		}
		return
	}
	c := codes[m.dtype]
	for b := range m.Cols / 32 {
		g := unpackCodes(panel[m.codeAt+b*c.blockBytes():][:c.blockBytes()], r, c.bits)
		for h := range 2 {
			s, mn := scaleAt(panel, c.scale, r, 2*b+h)
			out := dst[32*b+16*h:][:16]
			for k := range out {
				q := int(g[4*h+k/4]>>(k%4*8)&255) - c.zero
				out[k] = float32(float32(q)*s) + mn
			}
		}
	}
}

// scaleAt returns the scale and the minimum (0 where there is none) of 16
// columns, number h, of a row.
func scaleAt(panel []byte, kind scaleKind, r, h int) (scale, minimum float32) {
	unit := h * 16 / scaleCols[kind]
	s := panel[unit*scaleBytes[kind]:][:scaleBytes[kind]]
	switch kind {
	case scale16:
		return f16At(s, 2*r), 0
	case scaleMin16:
		return f16At(s, 2*r), f16At(s, 64+2*r)
	case scaleK:
		j := h % 16 / 2
		return f16At(s, 2*r) * float32(s[128+64*j+r]), -(f16At(s, 64+2*r) * float32(s[128+64*j+32+r]))
	default: // scale6K
		return f16At(s, 2*r) * float32(int8(s[64+h%16*32+r])), 0
	}
}

// floats and halfs view bytes of a matrix or a scratch buffer, which begin at a
// multiple of their size, as numbers.
func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func halfs(b []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/2)
}
