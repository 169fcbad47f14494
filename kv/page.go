package kv

import (
	"fmt"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

// PageTokens is the number of tokens a page holds.
const PageTokens = kernel.PageTokens

// Precision is how a cache stores keys and values.
type Precision int

const (
	BF16 Precision = iota
	Int8           // with a scale per token and head: about half the bytes
)

// ParsePrecision reads "bf16" ("" too) or "int8".
func ParsePrecision(name string) (Precision, error) {
	switch name {
	case "", "bf16":
		return BF16, nil
	case "int8":
		return Int8, nil
	}
	return 0, fmt.Errorf("KV precision %q is not supported (supported: bf16, int8)", name)
}

// String is what ParsePrecision reads.
func (p Precision) String() string {
	if p == Int8 {
		return "int8"
	}
	return "bf16"
}

// A Page holds the keys, after RoPE, and values of up to 128 tokens of one KV
// head, in the layouts of internal/kernel.
type Page struct {
	K, V []uint16 // bf16: [128/16][dim/2][16 tokens][2], [128/32][dim/16][16 token pairs][16 dims][2]

	K8, V8         []int8    // int8: [128/16][dim/4][16 tokens][4], [128/32][dim/16][8 token quads][16 dims][4]
	KScale, VScale []float32 // [128]

	extent *extent // where it lies, as page number at; nil in memory that is not a pool's
	at     int
}

// PadDim is the dimension in which a head of headDim dimensions is stored.
func PadDim(headDim int) int { return (headDim + 31) &^ 31 }

// PageBytes is the size in bytes of a page of heads with headDim dimensions.
func (p Precision) PageBytes(headDim int) int64 {
	n := int64(PageTokens) * int64(PadDim(headDim))
	if p == Int8 {
		return 2*n + 2*4*PageTokens
	}
	return 2 * 2 * n
}

// lay lays count pages over mem, which is PageBytes long for each and aligned to 4
// bytes: the keys of all, then the values of all, then their scales likewise.
func (p Precision) lay(mem []byte, dim, count int) []*Page {
	n := PageTokens * dim
	pages, them := make([]*Page, count), make([]Page, count)
	for i := range pages {
		pages[i] = &them[i]
		at := func(size, part, offset int) unsafe.Pointer {
			return unsafe.Pointer(&mem[count*offset+(part*count+i)*size])
		}
		if p == Int8 {
			them[i] = Page{K8: unsafe.Slice((*int8)(at(n, 0, 0)), n), V8: unsafe.Slice((*int8)(at(n, 1, 0)), n),
				KScale: unsafe.Slice((*float32)(at(4*PageTokens, 0, 2*n)), PageTokens), VScale: unsafe.Slice((*float32)(at(4*PageTokens, 1, 2*n)), PageTokens)}
			continue
		}
		them[i] = Page{K: unsafe.Slice((*uint16)(at(2*n, 0, 0)), n), V: unsafe.Slice((*uint16)(at(2*n, 1, 0)), n)}
	}
	return pages
}

// parts is the memory of the page: keys, values, and their scales if they have any.
func (pg *Page) parts() [][]byte {
	if pg.K8 != nil {
		return [][]byte{bytesOf(pg.K8), bytesOf(pg.V8), bytesOf(pg.KScale), bytesOf(pg.VScale)}
	}
	return [][]byte{bytesOf(pg.K), bytesOf(pg.V)}
}

func bytesOf[T any](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// fill makes the page a copy of another one of the same kind.
func (pg *Page) fill(from *Page) {
	parts := from.parts()
	for i, to := range pg.parts() {
		copy(to, parts[i])
	}
}

// put writes the keys and values of n tokens into the slots from slot on: k and v
// are [n][stride], with size numbers each, padded with zeros to dim.
func (pg *Page) put(slot, n int, k, v []float32, stride, size, dim int) {
	if pg.K8 == nil {
		kernel.PutKV(pg.K, pg.V, slot, n, k, v, stride, size, dim)
		return
	}
	row := make([]float32, dim)
	for i := range n {
		copy(row, k[i*stride:][:size])
		kernel.PutK8(pg.K8, pg.KScale, slot+i, row, dim)
		copy(row, v[i*stride:][:size])
		kernel.PutV8(pg.V8, pg.VScale, slot+i, row, dim)
	}
}

// take copies one token from another page, bit for bit.
func (pg *Page) take(slot int, from *Page, fromSlot, dim int) {
	if pg.K8 != nil {
		kernel.CopyKV8(pg.K8, pg.V8, pg.KScale, pg.VScale, slot, from.K8, from.V8, from.KScale, from.VScale, fromSlot, dim)
		return
	}
	kernel.CopyKV(pg.K, pg.V, slot, from.K, from.V, fromSlot, dim)
}

// Span is the page as rows with visible slots [lo, hi) see it, for attention.
func (pg *Page) Span(lo, hi []int32, bias []float32) kernel.Span {
	return kernel.Span{K: pg.K, V: pg.V, K8: pg.K8, V8: pg.V8, KScale: pg.KScale, VScale: pg.VScale, Lo: lo, Hi: hi, Bias: bias}
}

// Key reads the key of a token, [dim] padded as in the page.
func (pg *Page) Key(dst []float32, slot int) {
	if pg.K8 != nil {
		kernel.GetK8(dst, pg.K8, pg.KScale, slot, len(dst))
		return
	}
	kernel.GetK(dst, pg.K, slot, len(dst))
}

// Value is Key for the value.
func (pg *Page) Value(dst []float32, slot int) {
	if pg.K8 != nil {
		kernel.GetV8(dst, pg.V8, pg.VScale, slot, len(dst))
		return
	}
	kernel.GetV(dst, pg.V, slot, len(dst))
}
