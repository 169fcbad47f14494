//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// arena is memory from address 0x1000 on.
type arena []byte

const arenaStart = 0x1000

func (m arena) read(rows [][]byte, addr, stride uint64) error {
	return m.each(rows, addr, stride, func(row, at []byte) { copy(row, at) })
}

func (m arena) write(rows [][]byte, addr, stride uint64) error {
	return m.each(rows, addr, stride, func(row, at []byte) { copy(at, row) })
}

func (m arena) each(rows [][]byte, addr, stride uint64, f func(row, at []byte)) error {
	for i, row := range rows {
		at := addr + uint64(i)*stride - arenaStart
		if at > uint64(len(m)) || uint64(len(m))-at < uint64(len(row)) {
			return &fault{kind: page, addr: at + arenaStart}
		}
		f(row, m[at:][:len(row)])
	}
	return nil
}

// config makes a configuration of tiles with rows and bytes per row.
func config(shapes ...[2]int) (block [64]byte) {
	block[0] = 1
	for i, s := range shapes {
		block[48+i] = byte(s[0])
		binary.LittleEndian.PutUint16(block[16+2*i:], uint16(s[1]))
	}
	return block
}

func configured(t *testing.T, shapes ...[2]int) *unit {
	var u unit
	block := config(shapes...)
	if err := u.configure(&block); err != nil {
		t.Fatal(err)
	}
	return &u
}

// product is the definition of the integer products: element (m, n) of dst takes
// the sum over all bytes of row m of a and column n of b.
func product(u *unit, in instruction, signA, signB bool) (want [maxRows][maxBytes / 4]uint32) {
	c, a, b := u.tiles[in.dst], u.tiles[in.a], u.tiles[in.b]
	value := func(x byte, sign bool) int64 {
		if sign {
			return int64(int8(x))
		}
		return int64(x)
	}
	for m := range c.rows {
		for n := range c.colsb / 4 {
			sum := int64(int32(binary.LittleEndian.Uint32(c.data[m][4*n:])))
			for k := range a.colsb {
				sum += value(a.data[m][k], signA) * value(b.data[k/4][4*n+k%4], signB)
			}
			want[m][n] = uint32(sum)
		}
	}
	return want
}

func fill(t *tile, r *rand.Rand, f func() uint32) {
	for i := range t.rows {
		for j := 0; j < t.colsb; j += 4 {
			binary.LittleEndian.PutUint32(t.data[i][j:], f())
		}
	}
}

func TestIntegerProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for op, signs := range map[opcode][2]bool{tdpbssd: {true, true}, tdpbsud: {true, false}, tdpbusd: {false, true}, tdpbuud: {false, false}} {
		for range 200 {
			m, k, n := 1+r.IntN(16), 1+r.IntN(16), 1+r.IntN(16)
			in := instruction{op: op, dst: 3, a: 0, b: 7}
			u := configured(t, [2]int{m, 4 * k}, [2]int{}, [2]int{}, [2]int{m, 4 * n}, [2]int{}, [2]int{}, [2]int{}, [2]int{k, 4 * n})
			for _, i := range []int{0, 3, 7} {
				fill(&u.tiles[i], r, r.Uint32)
			}
			want := product(u, in, signs[0], signs[1])
			if err := u.execute(in, nil, nil); err != nil {
				t.Fatal(err)
			}
			for i := range maxRows {
				for j := range maxBytes / 4 {
					if got := binary.LittleEndian.Uint32(u.tiles[3].data[i][4*j:]); got != want[i][j] {
						t.Fatalf("%s %dx%dx%d: element %d, %d is %#x, want %#x", opNames[op], m, n, k, i, j, got, want[i][j])
					}
				}
			}
		}
	}
}

// exactFMA is the definition of one step: the exact c + a*b, rounded to 24 bits
// with any exponent, zero if that is below the normal numbers.
func exactFMA(c, a, b float32) float32 {
	c, a, b = flush(c), flush(a), flush(b)
	if s := float64(c) + float64(a)*float64(b); s-s != 0 || s == 0 {
		return float32(s) // NaN, infinities and the sign of an exact zero
	}
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(x)) }
	sum := new(big.Float).SetPrec(24).Add(exact(c), new(big.Float).SetPrec(2000).Mul(exact(a), exact(b)))
	f, _ := sum.Float64() // exact, or infinite
	if math.Abs(f) < smallest {
		return float32(math.Copysign(0, f))
	}
	return float32(f)
}

// exactBF16 is the definition of an element of TDPBF16PS.
func exactBF16(u *unit, in instruction, m, n int) float32 {
	c, a, b := &u.tiles[in.dst], &u.tiles[in.a], &u.tiles[in.b]
	half := func(p []byte) float32 {
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(p)) << 16)
	}
	var sums [2]float32
	for k := range b.rows {
		for i := range sums {
			sums[i] = exactFMA(sums[i], half(a.data[m][4*k+2*i:]), half(b.data[k][4*n+2*i:]))
		}
	}
	old := math.Float32frombits(binary.LittleEndian.Uint32(c.data[m][4*n:]))
	return exactFMA(old, 1, exactFMA(sums[0], 1, sums[1]))
}

func TestFloatProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	in := instruction{op: tdpbf16ps, dst: 0, a: 1, b: 2}
	normal := func() uint32 { return math.Float32bits(float32(r.NormFloat64())) }
	seen := map[string]int{}
	for name, bits := range map[string]func() uint32{
		"normal": normal,
		"any":    r.Uint32, // NaN, infinities and denormals among them
		"coarse": func() uint32 { // ties and exact zeros
			x := func() uint32 { return math.Float32bits(float32(r.IntN(9)-4)) >> 16 }
			return x() | x()<<16
		},
		"small": func() uint32 { // products around the smallest normal number
			return (r.Uint32()&0x80FF80FF | 0x1F801F80) ^ r.Uint32()&0x00800080
		},
		"far": func() uint32 { // sums of numbers of very different size: rounded twice if one is not careful
			return r.Uint32()&0x8FFF8FFF | 0x30003000
		},
	} {
		for range 40 {
			m, k, n := 1+r.IntN(4), 1+r.IntN(16), 1+r.IntN(4)
			u := configured(t, [2]int{m, 4 * n}, [2]int{m, 4 * k}, [2]int{k, 4 * n})
			fill(&u.tiles[0], r, normal)
			fill(&u.tiles[1], r, bits)
			fill(&u.tiles[2], r, bits)
			switch name {
			case "any":
				fill(&u.tiles[0], r, bits)
			case "small":
				fill(&u.tiles[0], r, func() uint32 { return r.Uint32() & 0x80FFFFFF })
			}
			before := *u
			if err := u.execute(in, nil, nil); err != nil {
				t.Fatal(err)
			}
			for i := range m {
				for j := range n {
					got := math.Float32frombits(binary.LittleEndian.Uint32(u.tiles[0].data[i][4*j:]))
					want := exactBF16(&before, in, i, j)
					if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
						t.Fatalf("%s: element %d, %d is %g (%#x), want %g (%#x)", name, i, j, got, math.Float32bits(got), want, math.Float32bits(want))
					}
					switch {
					case want != want:
						seen["NaN"]++
					case want == 0:
						seen["flushed"]++
					case math.IsInf(float64(want), 0):
						seen["infinity"]++
					}
				}
			}
		}
	}
	if seen["NaN"] == 0 || seen["flushed"] == 0 || seen["infinity"] == 0 {
		t.Errorf("special results seen: %v", seen)
	}
}

// A sum that lies, in float64, just between two float32 although it does not:
// rounded twice it would go up. And one that is denormal until it is rounded.
func TestFMARoundsOnce(t *testing.T) {
	for _, c := range []struct{ c, a, b float32 }{
		{1, 0x1p-24, 1},                         // a tie, to even
		{1 + 0x1p-23, 0x1p-24, 1},               // a tie, to even, upwards
		{1, -0x1p-25, 1},                        // a tie below
		{0x1p-24 + 0x1p-47, 1, 1},               // above a tie
		{0x1.fffffep-127, 1, 0x1p-126},          // a denormal operand
		{0x1p-126, -0x1p-126, 0x1p-1},           // becomes 0
		{0x1p-126, -0x1p-70, 0x1p-81},           // rounds to the smallest normal number
		{0x1.fffffep-126, -0x1p-127, 1},         // a denormal operand of the product
		{0x1.fffffep-126, -0x1.fep-64, 0x1p-63}, // a denormal sum
		{math.MaxFloat32, 0x1p103, 1},           // infinite by a tie
		{math.MaxFloat32, 0x1p102, 1},           // just not
		{-math.MaxFloat32, -0x1p127, 0x1p127},   // infinite
	} {
		want := exactFMA(c.c, c.a, c.b)
		if got := fma(flush(c.c), float64(flush(c.a)), float64(flush(c.b))); got != want {
			t.Errorf("%g + %g*%g = %g, want %g", c.c, c.a, c.b, got, want)
		}
	}
	// 1 + 2^-24 + 2^-120: above the tie by less than float64 can hold.
	if got := fma(0x1p-120, 1, 1+0x1p-24); got != 1+0x1p-23 {
		t.Errorf("just above a tie: %x", got)
	}
	if got := fma(-0x1p-120, 1, 1+0x1p-24); got != 1 {
		t.Errorf("just below a tie: %x", got)
	}
}

func TestLoadStore(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	m := make(arena, 4096)
	for i := range m {
		m[i] = byte(r.Uint32())
	}
	before := bytes.Clone(m)
	u := configured(t, [2]int{5, 24}, [2]int{5, 24})
	u.tiles[0].data[7][3] = 9 // rows beyond the tile's must become zero: there are none to see
	regs := registers{3: arenaStart + 100, 6: 20}
	at := operand{base: 3, index: 6, scale: 1, disp: 28}
	if err := u.execute(instruction{op: tileloadd, dst: 0, mem: at}, &regs, m); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if want := m[128+40*i:][:24]; !bytes.Equal(u.tiles[0].data[i][:24], want) {
			t.Fatalf("row %d is %x, want %x", i, u.tiles[0].data[i][:24], want)
		}
	}
	regs[6] = ^uint64(31) // -32
	at.disp = 2000
	if err := u.execute(instruction{op: tilestored, dst: 0, mem: at}, &regs, m); err != nil {
		t.Fatal(err)
	}
	for i := range m {
		want := before[i]
		if row := (2100 - i + 63) / 64; i < 2124 && row >= 0 && row < 5 && i-(2100-64*row) >= 0 && i-(2100-64*row) < 24 {
			want = before[128+40*row+i-(2100-64*row)]
		}
		if m[i] != want {
			t.Fatalf("byte %d is %x, want %x", i, m[i], want)
		}
	}
}

// Configurations and instructions that machines refuse, and how.
func TestRefusals(t *testing.T) {
	good := config([2]int{4, 16}, [2]int{4, 8}, [2]int{2, 16}, [2]int{16, 64}, [2]int{}, [2]int{4, 18}, [2]int{3, 16})
	m := arena(make([]byte, 256))
	for i, change := range map[int]byte{0: 2, 2: 1, 15: 1, 16: 65, 17: 1, 32: 1, 47: 1, 48: 17, 49: 0, 52: 1, 56: 1, 63: 1} {
		var u unit
		block := good
		block[i] = change
		copy(m, block[:])
		err := u.execute(instruction{op: ldtilecfg, mem: operand{base: 0, index: noReg}}, &registers{arenaStart}, m)
		var f *fault
		if !errors.As(err, &f) || f.kind != protection || u.on {
			t.Errorf("byte %d = %d: %v, want #GP", i, change, err)
		}
	}
	row := operand{base: 0, index: 1}
	for _, c := range []struct {
		name string
		in   instruction
		kind faultKind
	}{
		{"tile not configured", instruction{op: tilezero, dst: 4}, undefined},
		{"load to such a tile", instruction{op: tileloadd, dst: 7, mem: row}, undefined},
		{"rows of half words", instruction{op: tileloadd, dst: 5, mem: row}, undefined},
		{"the same tile twice", instruction{op: tdpbssd, dst: 0, a: 1, b: 1}, undefined},
		{"the same tile twice", instruction{op: tdpbssd, dst: 0, a: 0, b: 2}, undefined},
		{"wrong inner size", instruction{op: tdpbssd, dst: 0, a: 1, b: 3}, undefined},
		{"wrong outer size", instruction{op: tdpbf16ps, dst: 3, a: 1, b: 2}, undefined},
		{"wrong rows", instruction{op: tdpbssd, dst: 6, a: 1, b: 2}, undefined},
		{"operand not configured", instruction{op: tdpbuud, dst: 0, a: 1, b: 7}, undefined},
		{"no memory", instruction{op: tileloaddt1, dst: 3, mem: operand{base: 0, index: 1, disp: 256 - 15*8 - 63}}, page},
		{"no memory", instruction{op: tilestored, dst: 3, mem: operand{base: noReg, index: 1}}, page},
		{"good", instruction{op: tdpbsud, dst: 0, a: 1, b: 2}, 99},
		{"good", instruction{op: tileloadd, dst: 3, mem: row}, 99},
	} {
		var u unit
		if err := u.configure(&good); err != nil {
			t.Fatal(err)
		}
		u.tiles[0].data[1][1] = 7
		before := u
		err := u.execute(c.in, &registers{arenaStart, 8}, m)
		var f *fault
		if c.kind == 99 {
			if err != nil {
				t.Errorf("%v: %v", c.in, err)
			}
			continue
		}
		if !errors.As(err, &f) || f.kind != c.kind || f.why == "" && f.kind != page {
			t.Errorf("%s: %v: %v", c.name, c.in, err)
		}
		if u != before {
			t.Errorf("%s: %v changed the tiles", c.name, c.in)
		}
	}
	var off unit
	for op := tileloadd; op <= tdpbuud; op++ {
		if op == tilerelease {
			continue
		}
		if err := off.execute(instruction{op: op, a: 1, b: 2}, &registers{}, m); err == nil {
			t.Errorf("%s without a configuration was not refused", opNames[op])
		}
	}
}

func TestConfiguration(t *testing.T) {
	block := config([2]int{16, 64}, [2]int{3, 20})
	block[1] = 2
	m := arena(make([]byte, 128))
	copy(m, block[:])
	var u unit
	store := instruction{op: sttilecfg, mem: operand{base: noReg, index: noReg, disp: arenaStart + 64}}
	if err := u.execute(instruction{op: ldtilecfg, mem: operand{base: noReg, index: noReg, disp: arenaStart}}, &registers{}, m); err != nil {
		t.Fatal(err)
	}
	if err := u.execute(store, &registers{}, m); err != nil || !bytes.Equal(m[64:], block[:]) {
		t.Errorf("stored %x, want %x (%v)", m[64:], block, err)
	}
	// A load begins at the start row, and ends with it at 0.
	if err := u.execute(instruction{op: tileloadd, dst: 1, mem: operand{base: noReg, index: noReg, disp: arenaStart}}, &registers{}, m); err != nil {
		t.Fatal(err)
	}
	if u.tiles[1].data[1] != [maxBytes]byte{} || u.tiles[1].data[2][0] != 1 || u.startRow != 0 {
		t.Errorf("start row 2: rows %x, start row now %d", u.tiles[1].data[:3], u.startRow)
	}
	for range 2 {
		if err := u.execute(instruction{op: tilerelease}, &registers{}, m); err != nil || u != (unit{}) {
			t.Errorf("released: %v", err)
		}
	}
	if err := u.execute(store, &registers{}, m); err != nil || !bytes.Equal(m[64:], make([]byte, 64)) {
		t.Errorf("stored %x without a configuration (%v)", m[64:], err)
	}
}
