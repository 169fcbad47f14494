package kernel

import (
	"math"
	"unsafe"
)

// The tiers with assembly take the spans in blocks of up to attnPages pages, and
// inside a block the rows in chunks (12 with AVX512-BF16, 6 with AVX2):
//
//	       <---------- block: 4 pages, 512 keys ---------->
//	rows   +-----------+-----------+-----------+-----------+
//	0..11  | S = Q K^T, mask edges, P = exp2(S-m), O += P V|  then rows 12..23, ...
//	       +-----------+-----------+-----------+-----------+
//
// so that the keys and values of a block stay in the L2 cache while all rows go
// over them, the logits of a chunk stay in L1, and what the online softmax costs
// per block (maximum, rescaling of O) is shared by 512 keys. With few rows
// (decode) there is one chunk, and every page is read from memory once.
//
// Pages that no row of a chunk sees are left out. That does not change a bit:
// hidden keys have probability 0, and blocks are cut by the span's index alone.
const (
	attnPages  = 4
	attnStride = attnPages*PageTokens + 16 // floats from row to row of S; not a power of two, which would crowd a few sets of L1
	attnFloor  = -1e29                     // the running maximum before the first key; masked logits are -Inf
)

// attnBlock is the working memory of the tiers with assembly.
type attnBlock struct {
	q    []uint32  // [rows/unit][d/2 pairs][..] words, times log2(e)
	o    []float32 // [rows][d], not yet divided by the sum
	m    []float32 // [rows] running maximum of the logits, in base 2
	l    []float32 // [rows][16] running sum of exp2(x-m), by lane
	s    []float32 // [chunk][attnStride] logits, then probabilities
	c    []float32 // [chunk] factor that O takes in this block
	k, v []uint16  // [attnPages][PageTokens*d] int8 pages as bf16
}

// resize returns b with n elements of no particular value.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

func (b *attnBlock) attend(t *attnKernels, out, lse, q []float32, rows, d int, spans []Span) {
	n := (rows + t.unit - 1) / t.unit * t.unit
	b.q = resize(b.q, n*d/2*t.words)
	b.o, b.m, b.l = resize(b.o, n*d), resize(b.m, n), resize(b.l, n*16)
	b.s, b.c = resize(b.s, t.chunk()*attnStride), resize(b.c, t.chunk())
	t.packQuery(b.q, q, t.unit, d)
	clear(b.o)
	clear(b.l)
	for r := range b.m {
		b.m[r] = attnFloor
	}
	for at := 0; at < len(spans); at += attnPages {
		end := min(at+attnPages, len(spans))
		b.addBlock(t, rows, d, spans[at:end], spans[end:])
	}
	for r := range rows {
		b.finish(out[r*d:][:d], lse, r)
	}
}

// addBlock runs all rows over up to attnPages pages; later is the spans after them.
func (b *attnBlock) addBlock(t *attnKernels, rows, d int, spans, later []Span) {
	var unpacked [attnPages]bool
	for from := 0; from < rows; from += t.chunk() {
		to := min(from+t.chunk(), rows)
		var (
			seen  [attnPages]*Span // pages this chunk looks at
			k, v  [attnPages + 1]unsafe.Pointer
			pages int
		)
		for i := range spans {
			sp := &spans[i]
			if !sp.anyVisible(from, to) {
				continue
			}
			kp, vp := sp.K, sp.V
			if sp.int8() {
				kp, vp = b.unpack(sp, i, d, unpacked[i])
				unpacked[i] = true
			}
			seen[pages], k[pages], v[pages] = sp, unsafe.Pointer(&kp[0]), unsafe.Pointer(&vp[0])
			pages++
		}
		if pages == 0 {
			continue
		}
		k[pages], v[pages] = v[0], v[0]
		if len(later) > 0 && !later[0].int8() {
			v[pages] = unsafe.Pointer(&later[0].K[0])
		}

		units := (to - from + t.unit - 1) / t.unit
		t.qk[units-1](&b.s[0], &b.q[from*d/2*t.words], &k[0], pages, d)
		for i, sp := range seen[:pages] {
			b.hide(t, sp, i, from, to)
		}
		t.softmax(&b.s[0], &b.m[from], &b.l[from*16], &b.c[0], units*t.unit, pages)
		b.mix(t, from, units, d, v[:pages+1])
	}
}

// anyVisible reports whether a row of [from, to) sees a slot.
func (sp *Span) anyVisible(from, to int) bool {
	for r := from; r < to; r++ {
		if lo, hi := sp.visible(r); lo < hi {
			return true
		}
	}
	return false
}

// hide adds the bias of page i of the chunk and masks what its rows do not see.
func (b *attnBlock) hide(t *attnKernels, sp *Span, i, from, to int) {
	var bias *float32
	if sp.Bias != nil {
		bias = &sp.Bias[0]
	}
	for r := from; r < to; r++ {
		lo, hi := sp.visible(r)
		if bias != nil || lo > 0 || hi < PageTokens {
			t.mask(&b.s[(r-from)*attnStride+i*PageTokens], lo, hi, bias)
		}
	}
}

// mix adds P V of the pages to the output of a chunk. A full chunk keeps its part
// of the output in registers over all pages; with fewer rows the time goes into
// reading V, which is then done page by page, in the order it lies in memory.
func (b *attnBlock) mix(t *attnKernels, from, units, d int, v []unsafe.Pointer) {
	o, pv := &b.o[from*d], t.pv[units-1]
	if units == len(t.pv) {
		pv(o, &b.s[0], &v[0], &b.c[0], len(v)-1, d)
		return
	}
	for i := range len(v) - 1 {
		pv(o, &b.s[i*PageTokens/2*t.words], &v[i], &b.c[0], 1, d)
		for r := range b.c {
			b.c[r] = 1
		}
	}
}

// unpack returns an int8 page as bf16, made at its first use in a block.
func (b *attnBlock) unpack(sp *Span, i, d int, done bool) (k, v []uint16) {
	n := PageTokens * d
	b.k, b.v = resize(b.k, attnPages*n), resize(b.v, attnPages*n)
	k, v = b.k[i*n:][:n], b.v[i*n:][:n]
	if !done {
		unpackPage(k, v, sp, d)
	}
	return k, v
}

// finish divides by the sum. Adding 0 makes every zero positive: whether -0 came
// up on the way depends on which pages were left out.
func (b *attnBlock) finish(out, lse []float32, r int) {
	d := len(out)
	sum := 0.0
	for _, x := range b.l[r*16:][:16] {
		sum += float64(x)
	}
	if sum == 0 {
		clear(out)
		lse[r] = float32(math.Inf(-1))
		return
	}
	inv := float32(1 / sum)
	for j, x := range b.o[r*d:][:d] {
		out[j] = x*inv + 0
	}
	lse[r] = float32(math.Ln2*float64(b.m[r]) + math.Log(sum))
}
