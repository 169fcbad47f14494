package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/par"
)

// allFormats lists every format.
func allFormats() []DType {
	var all []DType
	for t := range numDTypes {
		all = append(all, t)
	}
	return all
}

// randomWeights returns n elements of a format with every bit of the codes and
// of the small scales random, f16 scales between 2^-8 and 2^-4 and of both signs.
func randomWeights(t testing.TB, r *rand.Rand, d DType, n int) []byte {
	size, ok := d.Bytes(n)
	if !ok {
		t.Fatalf("%d elements of %v", n, d)
	}
	b := make([]byte, size)
	half := func(at int) {
		binary.LittleEndian.PutUint16(b[at:], uint16(r.UintN(2)<<15|(7+r.UintN(4))<<10|r.UintN(1024)))
	}
	if !d.quantised() {
		for i := range n {
			switch d {
			case F32:
				binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(r.NormFloat64())))
			case F16:
				half(2 * i)
			case BF16:
				binary.LittleEndian.PutUint16(b[2*i:], toBF16(float32(r.NormFloat64())))
			}
		}
		return b
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	_, block := d.Block()
	for at := 0; at < size; at += block {
		switch d {
		case Q6_K:
			half(at + 208)
		case Q4_1, Q5_1, Q4_K, Q5_K:
			half(at)
			half(at + 2)
		default:
			half(at)
		}
	}
	return b
}

// product is the definition: y [n][rows] in float64.
func product(t testing.TB, d DType, rows, cols, n int, w []byte, x []float32) []float32 {
	wf := make([]float32, rows*cols)
	if err := Dequantize(wf, d, w); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, n*rows)
	for i := range n {
		for j := range rows {
			var sum float64
			for k := range cols {
				sum += float64(wf[j*cols+k]) * float64(x[i*cols+k])
			}
			y[i*rows+j] = float32(sum)
		}
	}
	return y
}

// tolerance of a product, relative to the results' root mean square.
const tolerance = 2e-5

// asUsed returns the activations as a product with a matrix of format d sees
// them: rounded to int8 with a scale per 32 columns where the tier does so.
func asUsed(d DType, x []float32, exact bool) []float32 {
	if !d.quantised() || matOps[active].gemmI8 == nil || exact {
		return x
	}
	used := make([]float32, len(x))
	out := intTile{make([]int8, 32), make([]int32, 1), make([]int32, 2), make([]float32, 1), make([]float32, 1)}
	for i := 0; i < len(x); i += 32 {
		quantTileGo(out, x[i:], 32, 1, 1)
		for k, q := range out.q {
			used[i+k] = float32(q) * out.d[0]
		}
	}
	return used
}

func mustMatrix(t testing.TB, d DType, rows, cols int, w []byte) *Matrix {
	m, err := NewMatrix(d, rows, cols, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shapes are rows, block-columns and tokens around every edge of the tiles.
func shapes() [][3]int {
	var s [][3]int
	for _, rows := range []int{1, 15, 16, 17, 31, 32, 33, 64, 99} {
		for _, n := range []int{1, 2, 5, 6, 7, 12, 13} {
			s = append(s, [3]int{rows, 1 + (rows+n)%3, n})
		}
	}
	return append(s, [3]int{40, 19, 3}, [3]int{32, intBlocks + 1, 13}, [3]int{32, 1, tileTokens*blockTiles + 1}, [3]int{33, 2, 300})
}

func TestMatMul(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		pool := par.New(3)
		defer pool.Close()
		for _, d := range allFormats() {
			t.Run(d.String(), func(t *testing.T) {
				guardAllocs(t)
				r := rand.New(rand.NewPCG(1, uint64(d)))
				elems, _ := d.Block()
				for _, s := range shapes() {
					rows, cols, n := s[0], s[1]*elems, s[2]
					if elems == 1 {
						cols = s[1]*s[0]%100 + s[1]/19*floatCols
						cols = max(cols, 1)
					}
					w := guardedCopy(t, randomWeights(t, r, d, rows*cols))
					x := guardedCopy(t, normals(r, n*cols))
					y := guarded[float32](t, n*rows)
					m := mustMatrix(t, d, rows, cols, w)
					for _, exact := range []bool{false, true} {
						want := product(t, d, rows, cols, n, w, asUsed(d, x, exact))
						a := Acts{Exact: exact}
						a.Set(x, n, cols)
						for i := range y {
							y[i] = -12345 // every result must be written
						}
						MatMul(nil, y, &a, m)
						if e, where := worst(y, want); e > tolerance {
							t.Fatalf("rows %d cols %d n %d exact %v: error %.2g: %s", rows, cols, n, exact, e, where)
						}
						again := make([]float32, n*rows)
						MatMul(pool, again, &a, m)
						if e, where := worst(again, y); e != 0 {
							t.Fatalf("rows %d cols %d n %d: three threads differ: %s", rows, cols, n, where)
						}
						// Each token alone gives the same bits.
						for i := range min(n, 13) {
							a.Set(x[i*cols:], 1, cols)
							MatMul(nil, again, &a, m)
							if e, where := worst(again[:rows], y[i*rows:][:rows]); e != 0 {
								t.Fatalf("rows %d cols %d n %d: token %d alone differs by %.2g: %s", rows, cols, n, i, e, where)
							}
						}
					}
				}
			})
		}
	})
}

// productBits is the checksum (FNV-1a) of the results of TestTiersAgree, which
// avx2, avx512 and neon reached independently of each other.
var productBits = map[DType]uint32{
	F32: 0xbb7e78fd, F16: 0x523365f7, BF16: 0xcd7b5f17,
	Q8_0: 0x46cb0670, Q4_0: 0xa36ff570, Q4_1: 0xca60ea9f, Q5_0: 0x7b542d11, Q5_1: 0xde916037,
	Q4_K: 0x1c2174ec, Q5_K: 0x0bdbd8f0, Q6_K: 0x3364787a,
}

// The assembly tiers do the same operations in the same order: all products agree
// to the bit, on every machine.
func TestTiersAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 0))
	const rows, cols, n = 70, 768, 8
	x := normals(r, n*cols)
	for _, d := range allFormats() {
		m := mustMatrix(t, d, rows, cols, randomWeights(t, r, d, rows*cols))
		for _, name := range Tiers()[1:] {
			restore, err := SetTier(name)
			if err != nil {
				t.Fatal(err)
			}
			var a Acts
			a.Set(x, n, cols)
			y := make([]float32, n*rows)
			MatMul(nil, y, &a, m)
			ops := matOps[active]
			restore()
			if d.quantised() && ops.gemmI8 == nil {
				continue // float32 activations
			}
			bits := fnv.New32a()
			for _, v := range y {
				_ = binary.Write(bits, binary.LittleEndian, v)
			}
			if got := bits.Sum32(); got != productBits[d] {
				t.Errorf("%s, %v: the results' checksum is %#08x, want %#08x", name, d, got, productBits[d])
			}
		}
	}
}

// Rows of several tokens must not be written beyond n*rows: the products of
// some matrices of different heights side by side in one buffer.
func TestMatMulAllWritesItsResultsOnly(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 0))
		const cols, n = 256, 7
		x := normals(r, n*cols)
		var a Acts
		a.Set(x, n, cols)
		var ys [][]float32
		var ms []*Matrix
		var wants [][]float32
		buffer := make([]float32, 0, 10000)
		for i, d := range allFormats() {
			rows := 1 + 19*i
			w := randomWeights(t, r, d, rows*cols)
			ms = append(ms, mustMatrix(t, d, rows, cols, w))
			wants = append(wants, product(t, d, rows, cols, n, w, asUsed(d, x, false)))
			buffer = append(buffer, 77)
			buffer = buffer[:len(buffer)+n*rows]
			ys = append(ys, buffer[len(buffer)-n*rows:])
		}
		buffer = append(buffer, 77)
		MatMulAll(nil, &a, ys, ms)
		at := 0
		for i, y := range ys {
			if e, where := worst(y, wants[i]); e > tolerance {
				t.Errorf("%v: error %.2g: %s", ms[i].dtype, e, where)
			}
			if buffer[at] != 77 || buffer[at+1+len(y)] != 77 {
				t.Errorf("%v: wrote outside its results", ms[i].dtype)
			}
			at += 1 + len(y)
		}
	})
}

// Inputs that are no numbers stay in their own tokens and reach every row;
// denormals and huge numbers do not surprise.
func TestMatMulSpecialInputs(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 0))
		const rows, cols, n = 40, 256, 9
		for _, d := range allFormats() {
			w := randomWeights(t, r, d, rows*cols)
			m := mustMatrix(t, d, rows, cols, w)
			x := normals(r, n*cols)
			nan := float32(math.NaN())
			x[1*cols+5] = nan
			x[2*cols+255] = float32(math.Inf(1))
			x[3*cols+77] = float32(math.Inf(-1))
			for k := range cols {
				x[4*cols+k] = 0
				x[5*cols+k] *= 1e-42
				x[6*cols+k] *= 1e30
			}
			want := product(t, d, rows, cols, n, w, asUsed(d, x, false))
			y := make([]float32, n*rows)
			var a Acts
			a.Set(x, n, cols)
			MatMul(nil, y, &a, m)
			for i := range n {
				got, want := y[i*rows:][:rows], want[i*rows:][:rows]
				switch i {
				case 1, 2, 3:
					for j, v := range got {
						if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
							t.Errorf("%v: token %d row %d is %g although an input is no number", d, i, j, v)
						}
					}
				case 5: // below the smallest normal number
					for j, v := range got {
						if math.Abs(float64(v)) > 1e-36 || v != v {
							t.Errorf("%v: token %d row %d is %g, want about 0", d, i, j, v)
						}
					}
				default:
					if e, where := worst(got, want); e > tolerance {
						t.Errorf("%v: token %d: error %.2g: %s", d, i, e, where)
					}
				}
			}
		}
	})
}

func TestMatrixRow(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 0))
	for _, d := range allFormats() {
		elems, _ := d.Block()
		rows, cols := 37, 3*elems
		w := randomWeights(t, r, d, rows*cols)
		want := make([]float32, rows*cols)
		if err := Dequantize(want, d, w); err != nil {
			t.Fatal(err)
		}
		order := r.Perm(rows)[:20]
		m, err := NewMatrix(d, len(order), cols, w, order)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, cols)
		for i, from := range order {
			m.Row(got, i)
			if e, where := worst(got, want[from*cols:][:cols]); e != 0 {
				t.Errorf("%v: row %d: %s", d, i, where)
			}
		}
	}
}

func TestMatrixBytes(t *testing.T) {
	for _, d := range allFormats() {
		rows, cols := 576, 1536
		size, _ := d.Bytes(rows * cols)
		m := mustMatrix(t, d, rows, cols, make([]byte, size))
		if extra := float64(m.Bytes())/float64(size) - 1; extra < 0 || extra > 0.03 {
			t.Errorf("%v: %d bytes packed, %d stored", d, m.Bytes(), size)
		}
	}
}

func TestNewMatrixRefuses(t *testing.T) {
	for _, c := range []struct {
		t          DType
		rows, cols int
		bytes      int
		order      []int
	}{
		{F32, 0, 4, 0, nil},
		{F32, 4, -1, 0, nil},
		{numDTypes, 1, 1, 4, nil},
		{F32, 2, 4, 31, nil},
		{F32, 2, 4, 48, nil},
		{Q8_0, 2, 33, 72, nil},
		{Q4_K, 1, 128, 72, nil},
		{F32, 2, 4, 32, []int{0}},
		{F32, 2, 4, 32, []int{0, 2}},
		{F32, 2, 4, 32, []int{0, -1}},
		{F32, 1, math.MaxInt, 32, nil},
	} {
		if _, err := NewMatrix(c.t, c.rows, c.cols, make([]byte, c.bytes), c.order); err == nil {
			t.Errorf("NewMatrix(%v, %d, %d, %d bytes, %v) gave no error", c.t, c.rows, c.cols, c.bytes, c.order)
		}
	}
}

// FuzzMatMul checks one product of any shape and any weights, NaN scales
// included, against the generic tier, and the tiers with assembly bit by bit
// against each other.
func FuzzMatMul(f *testing.F) {
	for d := range numDTypes {
		f.Add(uint8(d), uint8(17+d), uint8(2), uint8(d), uint64(d))
	}
	f.Fuzz(func(t *testing.T, d, rows, blocks, n uint8, seed uint64) {
		dt := DType(d) % numDTypes
		elems, _ := dt.Block()
		cols := (1 + int(blocks)%8) * elems
		nr, nn := 1+int(rows), 1+int(n)%32
		r := rand.New(rand.NewPCG(seed, 5))
		w := randomWeights(t, r, dt, nr*cols)
		for range seed % 4 { // any bytes are weights
			w[r.IntN(len(w))] = byte(r.Uint32())
		}
		guardAllocs(t)
		m := mustMatrix(t, dt, nr, cols, guardedCopy(t, w))
		x := guardedCopy(t, normals(r, nn*cols))
		want := make([]float32, nn*nr)
		var first []float32 // of the tiers with assembly
		a := Acts{}
		for _, name := range Tiers() {
			restore, err := SetTier(name)
			if err != nil {
				t.Fatal(err)
			}
			a.Set(x, nn, cols)
			y := guarded[float32](t, nn*nr)
			MatMul(nil, y, &a, m)
			restore()
			if name == "generic" {
				copy(want, y)
				continue
			}
			if first == nil {
				first = y
			} else if e, where := worst(y, first); e != 0 {
				t.Fatalf("%s %v: %d rows, %d columns, %d tokens: not the bits of %s: %s", name, dt, nr, cols, nn, Tiers()[1], where)
			}
			// A wild scale can dominate a row, so rows are judged one by one.
			for j := range nr {
				for i := range nn {
					g, v := float64(y[i*nr+j]), float64(want[i*nr+j])
					if finite(v) && finite(g) != finite(v) && math.Abs(v) < 1e37 {
						t.Fatalf("%s %v: row %d token %d is %g, want %g", name, dt, j, i, g, v)
					}
				}
			}
		}
	})
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// The shapes of SmolLM2-135M's and Llama-3.2-1B's projections. Run one shape
// with -bench 'MatMul/impl=avx512/type=Q8_0/shape=576x1536/n=512'.
func BenchmarkMatMul(b *testing.B) {
	for _, name := range Tiers() {
		for _, d := range []DType{Q8_0, Q4_0, Q4_1, Q4_K, Q6_K, BF16, F32} {
			for _, s := range [][2]int{{1536, 576}, {576, 1536}, {8192, 2048}} {
				for _, n := range []int{1, 512} {
					if name == "generic" && n*s[0] > 1e6 {
						continue
					}
					b.Run(fmt.Sprintf("impl=%s/type=%v/shape=%dx%d/n=%d", name, d, s[0], s[1], n), func(b *testing.B) {
						restore, err := SetTier(name)
						if err != nil {
							b.Fatal(err)
						}
						defer restore()
						benchMatMul(b, d, s[0], s[1], n)
					})
				}
			}
		}
	}
}

// benchMatMul takes for one token as many matrices as exceed the caches.
func benchMatMul(b *testing.B, d DType, rows, cols, n int) {
	if e, _ := d.Block(); cols%e != 0 {
		b.Skip("not whole blocks")
	}
	r := rand.New(rand.NewPCG(1, 1))
	w := randomWeights(b, r, d, rows*cols)
	ms := []*Matrix{mustMatrix(b, d, rows, cols, w)}
	if n == 1 {
		for len(ms)*ms[0].Bytes() < 200<<20 {
			ms = append(ms, mustMatrix(b, d, rows, cols, w))
		}
	}
	x, y := normals(r, n*cols), make([]float32, n*rows)
	var a Acts
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		a.Set(x, n, cols)
		MatMul(nil, y, &a, ms[i%len(ms)])
	}
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(2*float64(rows)*float64(cols)*float64(n)*float64(b.N)/seconds/1e9, "Gop/s")
	if n == 1 {
		b.ReportMetric(float64(ms[0].Bytes())*float64(b.N)/seconds/1e9, "GB/s")
	}
}
