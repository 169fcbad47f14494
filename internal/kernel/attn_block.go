package kernel

import (
	"math"
	"unsafe"
)

// The tiers with assembly take the spans in blocks of up to attnPages pages, and
// inside a block the rows in chunks (12 with AVX512-BF16, 32 with AMX, 6 with AVX2):
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
// The loops work on groups of 32 tokens, which lie together in K as in V. Groups
// that no row of a chunk sees are left out: at the edges of windows, on the
// diagonal, behind the sinks. That does not change a bit: hidden keys have
// probability 0, and how blocks are cut depends on the spans alone.
const (
	attnPages   = 4
	groupTokens = 32
	attnGroups  = attnPages * PageTokens / groupTokens
	attnAhead   = 4                         // how many groups ahead the loops ask memory for
	attnStride  = attnPages*PageTokens + 16 // floats from row to row of S; not a power of two, which would crowd a few sets of L1
	attnFloor   = -1e29                     // the running maximum before the first key; masked logits are -Inf
)

// attnBlock is the working memory of the tiers with assembly. Rows are padded to
// whole chunks.
type attnBlock struct {
	q, q8 []uint32  // [rows][queryWords] queries for bf16 and for int8 pages
	o     []float32 // [rows][d], not yet divided by the sum
	m     []float32 // [rows] running maximum of the logits, in base 2
	l     []float32 // [rows][16] running sum of exp2(x-m), by lane
	s     []float32 // [chunk][attnStride] logits, then probabilities
	c     []float32 // [32] factor that O takes in this block; from 16 on the scale of P if it has one
	g     groupList // what the chunk in hand looks at
}

// resize returns b with n elements of no particular value.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// prepare makes the scratch large enough and the running values empty.
func (b *attnBlock) prepare(t *attnPair, rows, d int) {
	n := t.padded(rows)
	b.o, b.m, b.l = resize(b.o, n*d), resize(b.m, n), resize(b.l, n*16)
	b.s, b.c = resize(b.s, t.chunk()*attnStride), resize(b.c, 32)
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

func (b *attnBlock) attend(t *attnPair, out, lse, q []float32, rows, d int, spans []Span, next *Span) {
	b.prepare(t, rows, d)
	b.q, b.q8 = b.q[:0], b.q8[:0]
	for at := 0; at < len(spans); {
		// A block is pages of one precision.
		end, kind := at+1, spans[at].int8()
		for end < len(spans) && end < at+attnPages && spans[end].int8() == kind {
			end++
		}
		later := next
		if end < len(spans) {
			later = &spans[end]
		}
		if kind {
			if len(b.q8) == 0 {
				b.q8 = t.int8.queries(b.q8, q, rows, d)
			}
			b.addBlock(t.int8, b.q8, rows, d, spans[at:end], later)
		} else {
			if len(b.q) == 0 {
				b.q = t.bf16.queries(b.q, q, rows, d)
			}
			b.addBlock(t.bf16, b.q, rows, d, spans[at:end], later)
		}
		at = end
	}
	b.g = groupList{} // hold no page when idle
	for r := range rows {
		b.finish(out[r*d:][:d], lse, r)
	}
}

// seen is the slots of a page that rows [from, to) see, from the first to the last,
// in whole groups.
func (sp *Span) seen(from, to int) (slots [2]int) {
	if sp.whole() {
		return [2]int{0, PageTokens}
	}
	first, end := PageTokens, 0
	for r := from; r < to && (first > 0 || end < PageTokens); r++ {
		if lo, hi := sp.visible(r); lo < hi {
			first, end = min(first, lo), max(end, hi)
		}
	}
	if first >= end {
		return slots
	}
	return [2]int{first / groupTokens * groupTokens, (end + groupTokens - 1) / groupTokens * groupTokens}
}

// groupList is the part of a block that a chunk of rows looks at.
type groupList struct {
	n            int
	pages        []run // by page
	backing      [attnPages]run
	k, v, ks, vs [attnGroups + attnAhead]unsafe.Pointer
}

// A run is the groups of a page that a row sees.
type run struct {
	sp        *Span
	slot      int // of the page, where it begins
	at, count int // in the list of groups
}

// fill lists the seen slots of the pages of a block, and what the kernels ask memory
// for: after the last keys the first values, and after the last values the keys of
// the page that comes later.
func (g *groupList) fill(spans []Span, later *Span, seen *[attnPages][2]int, d int) {
	g.n, g.pages = 0, g.backing[:0]
	for i := range spans {
		sp, from, to := &spans[i], seen[i][0], seen[i][1]
		if from == to {
			continue
		}
		g.pages = append(g.pages, run{sp, from, g.n, (to - from) / groupTokens})
		for slot := from; slot < to; slot += groupTokens {
			g.k[g.n], g.v[g.n] = sp.group(slot, d)
			g.ks[g.n], g.vs[g.n] = nil, nil
			if sp.int8() {
				g.ks[g.n], g.vs[g.n] = unsafe.Pointer(&sp.KScale[slot]), unsafe.Pointer(&sp.VScale[slot])
			}
			g.n++
		}
	}
	if g.n == 0 {
		return
	}
	for i := range attnAhead {
		next := g.v[g.n-1]
		if later != nil {
			next, _ = later.group(i*groupTokens, d)
		}
		g.v[g.n+i] = next
	}
	copy(g.k[g.n:], g.v[:attnAhead])
}

// group is where the keys and values of the 32 tokens from slot on lie.
func (sp *Span) group(slot, d int) (k, v unsafe.Pointer) {
	if sp.int8() {
		return unsafe.Pointer(&sp.K8[slot*d]), unsafe.Pointer(&sp.V8[slot*d])
	}
	return unsafe.Pointer(&sp.K[slot*d]), unsafe.Pointer(&sp.V[slot*d])
}

// addBlock runs all rows over up to attnPages pages of one precision; later, if
// not nil, is the span after them.
func (b *attnBlock) addBlock(t *attnKernels, q []uint32, rows, d int, spans []Span, later *Span) {
	g := &b.g
	var last [attnPages][2]int // as g was filled
	for from := 0; from < rows; from += t.chunk() {
		to := min(from+t.chunk(), rows)
		var seen [attnPages][2]int
		for i := range spans {
			seen[i] = spans[i].seen(from, to)
		}
		if from == 0 || seen != last {
			g.fill(spans, later, &seen, d)
			last = seen
		}
		if g.n == 0 {
			continue
		}
		f := t.pick(to - from)
		f.qk(&b.s[0], &q[from*t.queryWords(d)], &g.k[0], &g.ks[0], g.n, d)
		for i := range g.pages {
			b.hide(t, &g.pages[i], from, to)
		}
		few := f.rows <= t.inOrder
		if few {
			t.ask(g.v[0])
		}
		t.softmax(&b.s[0], &b.m[from], &b.l[from*16], &b.c[0], &g.vs[0], f.rows, g.n)
		if few && later != nil {
			next, _ := later.group(0, d)
			t.ask(next)
		}
		b.mix(t, f, from, d)
	}
}

// hide adds the bias of a page of the chunk and masks what its rows do not see.
func (b *attnBlock) hide(t *attnKernels, p *run, from, to int) {
	var bias *float32
	if p.sp.Bias != nil {
		bias = &p.sp.Bias[p.slot]
	} else if p.sp.whole() {
		return
	}
	for r := from; r < to; r++ {
		lo, hi := p.sp.visible(r)
		if lo, hi = lo-p.slot, hi-p.slot; bias != nil || lo > 0 || hi < p.count*groupTokens {
			t.mask(&b.s[(r-from)*attnStride+p.at*groupTokens], lo, hi, bias, p.count)
		}
	}
}

// mix adds P V to the output of a chunk. A full chunk keeps its part of the output
// in registers over all pages; with fewer rows the time goes into reading V, which
// is then done page by page, in the order it lies in memory.
func (b *attnBlock) mix(t *attnKernels, f *attnProducts, from, d int) {
	o, g := &b.o[from*d], &b.g
	if f.rows <= t.inOrder || f.rows == t.chunk() && !t.onePage {
		f.pv(o, &b.s[0], &g.v[0], &b.c[0], g.n, d)
		return
	}
	for _, p := range g.pages {
		f.pv(o, &b.s[p.at*t.groupP], &g.v[p.at], &b.c[0], p.count, d)
		for r := range b.c[:t.chunk()] {
			b.c[r] = 1
		}
	}
}

// finish divides by the sum. Scale makes every zero positive: whether -0 came up on
// the way depends on which pages were left out.
func (b *attnBlock) finish(out, lse []float32, r int) {
	d := len(out)
	var sums [4]float64
	for i, x := range b.l[r*16:][:16] {
		sums[i%4] += float64(x)
	}
	sum := sums[0] + sums[1] + (sums[2] + sums[3])
	if lse != nil {
		lse[r] = float32(math.Ln2*float64(b.m[r]) + math.Log(sum)) // -Inf when sum is 0
	}
	if sum == 0 {
		clear(out)
		return
	}
	Scale(out, b.o[r*d:][:d], float32(1/sum))
}
