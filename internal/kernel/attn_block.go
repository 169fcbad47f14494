package kernel

import (
	"math"
	"unsafe"
)

// The tiers with assembly take the spans in blocks of up to attnPages pages, and
// inside a block the rows in chunks of attnKernels.big:
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
	q    []uint32  // [rows/unit][d/2][unit][words], times log2(e)
	o    []float32 // [rows][d], not yet divided by the sum
	m    []float32 // [rows] running maximum of the logits, in base 2
	l    []float32 // [rows][16] running sum of exp2(x-m), by lane
	s    []float32 // [big][attnStride] logits, then probabilities
	c    []float32 // [big] factor that O takes in this block
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
	b.s, b.c = resize(b.s, t.big*attnStride), resize(b.c, t.big)
	t.packQuery(b.q, q, t.unit, d)
	clear(b.o)
	clear(b.l)
	for r := range b.m {
		b.m[r] = attnFloor
	}
	for at := 0; at < len(spans); at += attnPages {
		b.addBlock(t, rows, n, d, spans[at:min(at+attnPages, len(spans))])
	}
	for r := range rows {
		b.finish(out[r*d:][:d], lse, r)
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

// addBlock runs all rows over up to attnPages pages.
func (b *attnBlock) addBlock(t *attnKernels, rows, padded, d int, spans []Span) {
	var unpacked [attnPages]bool
	for r := 0; r < padded; r += t.big {
		end := min(r+t.big, padded)
		var (
			seen  [attnPages]*Span // pages this chunk looks at
			k, v  [attnPages]unsafe.Pointer
			pages int
		)
		for i := range spans {
			sp := &spans[i]
			if !sp.anyVisible(r, min(end, rows)) {
				continue
			}
			kp, vp := sp.K, sp.V
			if sp.int8() {
				kp, vp = b.unpack(t, sp, i, d, unpacked[i])
				unpacked[i] = true
			}
			seen[pages], k[pages], v[pages] = sp, unsafe.Pointer(&kp[0]), unsafe.Pointer(&vp[0])
			pages++
		}
		if pages == 0 {
			continue
		}
		b.logits(t, r, end, d, &k, pages)
		for i, sp := range seen[:pages] {
			b.hide(t, sp, i, r, min(end, rows))
		}
		t.softmax(&b.s[0], &b.m[r], &b.l[r*16], &b.c[0], end-r, pages)
		b.mix(t, r, end, d, &v, pages)
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

// logits sets S of the rows [from, to) over the pages.
func (b *attnBlock) logits(t *attnKernels, from, to, d int, k *[attnPages]unsafe.Pointer, pages int) {
	word := d / 2 * t.words // of Q, for one row
	if to-from == t.big {
		t.qkBig(&b.s[0], &b.q[from*word], &k[0], pages, d)
		return
	}
	for r := from; r < to; r += t.unit {
		t.qkSmall(&b.s[(r-from)*attnStride], &b.q[r*word], &k[0], pages, d)
	}
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

// mix adds P V to the output of the rows [from, to).
func (b *attnBlock) mix(t *attnKernels, from, to, d int, v *[attnPages]unsafe.Pointer, pages int) {
	if to-from == t.big {
		t.pvBig(&b.o[from*d], &b.s[0], &v[0], &b.c[0], pages, d)
		return
	}
	for r := from; r < to; r += t.unit {
		t.pvSmall(&b.o[r*d], &b.s[(r-from)*attnStride], &v[0], &b.c[r-from], pages, d)
	}
}

// unpack returns an int8 page as bf16, made at its first use in a block.
func (b *attnBlock) unpack(t *attnKernels, sp *Span, i, d int, done bool) (k, v []uint16) {
	n := PageTokens * d
	b.k, b.v = resize(b.k, attnPages*n), resize(b.v, attnPages*n)
	k, v = b.k[i*n:][:n], b.v[i*n:][:n]
	if !done {
		unpackPage(k, v, sp, d)
	}
	return k, v
}
