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
// hidden keys have probability 0, and how blocks are cut depends on the spans alone.
const (
	attnPages  = 4
	attnStride = attnPages*PageTokens + 16 // floats from row to row of S; not a power of two, which would crowd a few sets of L1
	attnFloor  = -1e29                     // the running maximum before the first key; masked logits are -Inf
)

// attnBlock is the working memory of the tiers with assembly. Rows are padded
// to a multiple of 12, whole chunks of every tier.
type attnBlock struct {
	q, q8 []uint32  // [rows][queryWords] queries for bf16 and for int8 pages
	o     []float32 // [rows][d], not yet divided by the sum
	m     []float32 // [rows] running maximum of the logits, in base 2
	l     []float32 // [rows][16] running sum of exp2(x-m), by lane
	s     []float32 // [chunk][attnStride] logits, then probabilities
	c     []float32 // [2][16] factor that O takes in this block; scale of P
	p     pages     // what the chunk in hand looks at
}

// resize returns b with n elements of no particular value.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// prepare makes the scratch large enough and the running values empty.
func (b *attnBlock) prepare(rows, d int) {
	n := (rows + 11) / 12 * 12
	b.o, b.m, b.l = resize(b.o, n*d), resize(b.m, n), resize(b.l, n*16)
	b.s, b.c = resize(b.s, 12*attnStride), resize(b.c, 32)
	clear(b.o)
	clear(b.l)
	for r := range b.m {
		b.m[r] = attnFloor
	}
}

// queries returns q in the form of the kernels.
func (t *attnKernels) queries(buf []uint32, q []float32, rows, d int) []uint32 {
	buf = resize(buf, t.padded(rows)*t.queryWords(d))
	t.packQuery(buf, q, d)
	return buf
}

func (b *attnBlock) attend(t *attnPair, out, lse, q []float32, rows, d int, spans []Span) {
	b.prepare(rows, d)
	b.q, b.q8 = b.q[:0], b.q8[:0]
	for at := 0; at < len(spans); {
		// A block is pages of one precision.
		end, kind := at+1, spans[at].int8()
		for end < len(spans) && end < at+attnPages && spans[end].int8() == kind {
			end++
		}
		if kind {
			if len(b.q8) == 0 {
				b.q8 = t.int8.queries(b.q8, q, rows, d)
			}
			b.addBlock(t.int8, b.q8, rows, d, spans[at:end], spans[end:])
		} else {
			if len(b.q) == 0 {
				b.q = t.bf16.queries(b.q, q, rows, d)
			}
			b.addBlock(t.bf16, b.q, rows, d, spans[at:end], spans[end:])
		}
		at = end
	}
	b.p = pages{} // hold no page when idle
	for r := range rows {
		b.finish(out[r*d:][:d], lse, r)
	}
}

// pages is the part of a block that a chunk of rows looks at.
type pages struct {
	n            int
	spans        [attnPages]*Span
	k, v, ks, vs [attnPages + 1]unsafe.Pointer
}

// add appends a page.
func (p *pages) add(sp *Span) {
	p.spans[p.n] = sp
	if sp.int8() {
		p.k[p.n], p.v[p.n] = unsafe.Pointer(&sp.K8[0]), unsafe.Pointer(&sp.V8[0])
		p.ks[p.n], p.vs[p.n] = unsafe.Pointer(&sp.KScale[0]), unsafe.Pointer(&sp.VScale[0])
	} else {
		p.k[p.n], p.v[p.n] = unsafe.Pointer(&sp.K[0]), unsafe.Pointer(&sp.V[0])
	}
	p.n++
}

// follow says what is read after the last keys, the first values, and after the
// last values, the keys of the page that comes later.
func (p *pages) follow(later []Span) {
	p.k[p.n], p.v[p.n] = p.v[0], p.v[0]
	if len(later) > 0 {
		if sp := &later[0]; sp.int8() {
			p.v[p.n] = unsafe.Pointer(&sp.K8[0])
		} else {
			p.v[p.n] = unsafe.Pointer(&sp.K[0])
		}
	}
}

// addBlock runs all rows over up to attnPages pages of one precision; later is
// the spans after them.
func (b *attnBlock) addBlock(t *attnKernels, q []uint32, rows, d int, spans, later []Span) {
	for from := 0; from < rows; from += t.chunk() {
		to := min(from+t.chunk(), rows)
		p := &b.p
		*p = pages{}
		for i := range spans {
			if spans[i].anyVisible(from, to) {
				p.add(&spans[i])
			}
		}
		if p.n == 0 {
			continue
		}
		p.follow(later)
		f := t.pick(to - from)
		f.qk(&b.s[0], &q[from*t.queryWords(d)], &p.k[0], &p.ks[0], p.n, d)
		for i, sp := range p.spans[:p.n] {
			b.hide(t, sp, i, from, to)
		}
		t.softmax(&b.s[0], &b.m[from], &b.l[from*16], &b.c[0], &p.vs[0], f.rows, p.n)
		b.mix(t, f, from, d, p.v[:p.n+1])
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
func (b *attnBlock) mix(t *attnKernels, f *attnProducts, from, d int, v []unsafe.Pointer) {
	o := &b.o[from*d]
	if f.rows == t.chunk() && !t.onePage {
		f.pv(o, &b.s[0], &v[0], &b.c[0], len(v)-1, d)
		return
	}
	for i := range len(v) - 1 {
		f.pv(o, &b.s[i*t.pageP], &v[i], &b.c[0], 1, d)
		for r := range b.c[:t.chunk()] {
			b.c[r] = 1
		}
	}
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
