package kernel

import (
	"math"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/par"
)

// Acts holds n activation vectors in the forms the loops ask for, each made
// when the first matrix needs it. The vectors of few tokens are used as they are;
// more are cut into tiles of 6, the last one filled up with zeros.
//
// Few tokens, and any number in a tier that multiplies rows (rowsTable), have the
// int8 form of each as if it were the only one, token after token.
//
// The int8 form has one scale per 32 columns, d = max|x| / 127, and q = x / d
// rounded to nearest even. A block with a NaN or an infinity gets d = NaN, so
// that it shows in the results; one below 2^-100 counts as zero.
type Acts struct {
	// Exact keeps the activations in float32 also for quantised weights, which
	// is several times slower and good for tests.
	Exact bool

	x       []float32 // [n][cols], the caller's
	n, cols int

	haveTiles, haveInts bool
	tiled               []float32 // [tiles][cols][6]
	size, stride        int       // bytes of a tile of q, and from one to the next
	q                   []byte    // [tiles][cols/32][8][6][4] int8, or as the tier wants; few tokens, or by rows: [n][cols]
	sums                []int32   // [tiles][cols/32][6]: -128 * the sum of a block's q
	halfSums            []int32   // [tiles][cols/16][6]: the same of 16 columns
	d                   []float32 // [tiles][cols/32][6]
	xs                  []float32 // [tiles][cols/32][6]: d * the sum of q, what minima multiply
}

// Set makes a hold x [n][cols]. x must stay unchanged until the next Set.
func (a *Acts) Set(x []float32, n, cols int) {
	a.x, a.n, a.cols = x[:n*cols], n, cols
	a.haveTiles, a.haveInts = false, false
}

// reserve makes a hold n vectors in the int8 form, which the caller writes.
func (a *Acts) reserve(n, cols int) {
	a.x, a.n, a.cols = nil, n, cols
	a.haveTiles = false
	a.roomForInts()
}

// tiles is the number of tiles, the last of which may be partly empty.
func (a *Acts) tiles() int { return (a.n + tileTokens - 1) / tileTokens }

// lanes is how many tokens stand side by side in the int8 form.
func (a *Acts) lanes() int {
	if a.few() || matOps[active].rows != nil {
		return 1
	}
	return tileTokens
}

func (a *Acts) tileFloats(t int) []float32 {
	return a.tiled[t*a.cols*tileTokens:][:a.cols*tileTokens]
}

// prepare makes the form a product with m needs.
func (a *Acts) prepare(p *par.Pool, m *Matrix) {
	switch {
	case useInts(matOps[active], a, m):
		if !a.haveInts {
			a.quantise(p)
		}
	case !a.few() && !a.haveTiles:
		a.tile(p)
	}
}

// quantise makes the int8 form.
func (a *Acts) quantise(p *par.Pool) {
	a.roomForInts()
	lanes := a.lanes()
	quantTile := matOps[active].quantTile
	p.Run((a.n+lanes-1)/lanes, func(t int) {
		rows := min(lanes, a.n-t*lanes)
		quantTile(a.ints(t, 1), a.x[t*lanes*a.cols:], a.cols, lanes, rows)
	})
}

// roomForInts makes room for the int8 form, which then counts as made.
func (a *Acts) roomForInts() {
	a.haveInts = true
	lanes, nb := a.lanes(), a.cols/32
	tiles := (a.n + lanes - 1) / lanes
	a.size = a.cols * lanes
	if matOps[active].widenPairs != nil && !a.few() {
		a.size *= 2
	}
	a.stride = a.size
	room := tiles
	if !a.few() && lanes == 1 {
		room = (a.n + rowTokens - 1) / rowTokens * rowTokens // the loops read whole tiles
		if a.cols%1024 == 0 {
			a.stride += alignment // rows a power of two apart would crowd a few sets of the first cache level
		}
	}
	a.q = grow(a.q, room*a.stride)
	a.sums = growInts(a.sums, room*nb*lanes)
	a.halfSums = growInts(a.halfSums, 2*room*nb*lanes)
	a.d = growFloats(a.d, room*nb*lanes)
	a.xs = growFloats(a.xs, room*nb*lanes)
}

// intTile is a tile of the int8 form, or one of few tokens.
type intTile struct {
	q              []int8
	sums, halfSums []int32
	d, xs          []float32
}

// block is block b, of nb, of tile t.
func (i *intTile) block(t, b, nb int) intTile {
	at, size := t*nb+b, len(i.q)/len(i.d)*tileTokens
	return intTile{
		q:        i.q[at*size:][:size],
		sums:     i.sums[at*tileTokens:][:tileTokens],
		halfSums: i.halfSums[2*at*tileTokens:][:2*tileTokens],
		d:        i.d[at*tileTokens:][:tileTokens],
		xs:       i.xs[at*tileTokens:][:tileTokens],
	}
}

// ints returns some tiles, from t on, as one; where tokens are not in tiles, tokens.
func (a *Acts) ints(t, tiles int) intTile {
	nb := a.cols / 32 * a.lanes()
	q := a.q[t*a.stride:][:(tiles-1)*a.stride+a.size]
	return intTile{
		q:        unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(q))), len(q)),
		sums:     a.sums[t*nb:][:tiles*nb],
		halfSums: a.halfSums[2*t*nb:][:2*tiles*nb],
		d:        a.d[t*nb:][:tiles*nb],
		xs:       a.xs[t*nb:][:tiles*nb],
	}
}

const (
	tinyBlock  = 0x1p-100 // a block whose largest magnitude is below counts as zero
	roundMagic = 3 << 22  // adding and subtracting it rounds a float32 below 2^22 to nearest even
)

// quantTileGo quantises rows of x [rows][cols] into lanes tokens side by side.
func quantTileGo(out intTile, x []float32, cols, lanes, rows int) {
	for t := range lanes {
		for b := range cols / 32 {
			at := b*lanes + t
			if t >= rows {
				for k := range 32 {
					out.q[b*32*lanes+k/4*4*lanes+4*t+k%4] = 0
				}
				out.sums[at], out.halfSums[2*b*lanes+t], out.halfSums[(2*b+1)*lanes+t] = 0, 0, 0
				out.d[at], out.xs[at] = 0, 0
				continue
			}
			src := x[t*cols+32*b:][:32]
			var top uint32 // order of the bits = order of the magnitudes, NaN above all
			for _, v := range src {
				top = max(top, math.Float32bits(v)&0x7fffffff)
			}
			amax := math.Float32frombits(top)
			d, inv := amax*float32(1./127), 127/amax
			switch {
			case top >= 0x7f800000:
				d, inv = float32(math.NaN()), 0
			case amax < tinyBlock:
				d, inv = 0, 0
			}
			var half [2]int32
			for k, v := range src {
				var q int8
				if inv != 0 {
					q = int8(float32(float32(v*inv)+roundMagic) - roundMagic)
				}
				half[k/16] += int32(q)
				out.q[b*32*lanes+k/4*4*lanes+4*t+k%4] = q
			}
			sum := half[0] + half[1]
			out.sums[at] = -128 * sum
			out.halfSums[2*b*lanes+t], out.halfSums[(2*b+1)*lanes+t] = -128*half[0], -128*half[1]
			out.d[at], out.xs[at] = d, d*float32(sum)
		}
	}
}

// tile interleaves the tokens of each tile.
func (a *Acts) tile(p *par.Pool) {
	a.haveTiles = true
	a.tiled = growFloats(a.tiled, a.tiles()*a.cols*tileTokens)
	p.Run(a.tiles(), func(t int) {
		dst := a.tileFloats(t)
		for i := range tileTokens {
			if t*tileTokens+i >= a.n {
				for k := range a.cols {
					dst[k*tileTokens+i] = 0
				}
				continue
			}
			for k, v := range a.x[(t*tileTokens+i)*a.cols:][:a.cols] {
				dst[k*tileTokens+i] = v
			}
		}
	})
}
