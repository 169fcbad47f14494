package kv

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// ErrBudget is wrapped by the error that [Cache.Append] returns when the pool's
// limit would be exceeded.
var ErrBudget = errors.New("KV budget exceeded")

// A Pool hands out pages within a byte limit and counts them. It may be shared
// by several caches of the same head dimension.
//
// Pages come in extents of four, the keys of all four, then the values: attention
// takes four pages at a time, and memory that is read in long runs comes half as
// fast again. So a head goes on in the extent where it is, and begins another one
// rather than divide it with other heads, if it needs all of it or little memory is idle.
type Pool struct {
	dim       int // padded
	precision Precision
	limit     int64

	mu          sync.Mutex
	bytes, peak int64
	used, idle  int       // pages handed out, and not
	free        []*extent // those with idle pages
	singles     int64     // bytes of the extents of one page
	slab        []byte    // what is left of the last large allocation
}

// An extent is one or four pages that lie together.
type extent struct {
	pages []*Page
	idle  uint // bit i: page i is not in use
}

const (
	extentPages = 4
	// slabBytes is how much is allocated at once when the cache has become larger
	// than that, in extents of one page: reading it takes fewer look-ups of addresses.
	slabBytes = mem.HugePage
	maxIdle   = 4 // up to one page for so many in use is left idle for the head that has its neighbour
)

// NewPool makes a pool of pages for heads of headDim dimensions (they are stored
// padded to a multiple of 32). limit is in bytes; 0 means none.
func NewPool(headDim int, precision Precision, limit int64) *Pool {
	return &Pool{dim: PadDim(headDim), precision: precision, limit: limit}
}

// Precision is how the pages store numbers.
func (p *Pool) Precision() Precision { return p.precision }

func (p *Pool) pageBytes() int64 { return p.precision.PageBytes(p.dim) }

// Bytes is what the pages in use hold now.
func (p *Pool) Bytes() int64 { p.mu.Lock(); defer p.mu.Unlock(); return p.bytes }

// PeakBytes is the highest value Bytes has had.
func (p *Pool) PeakBytes() int64 { p.mu.Lock(); defer p.mu.Unlock(); return p.peak }

// Limit is the byte limit, 0 for none.
func (p *Pool) Limit() int64 { return p.limit }

// last is the last of some pages, nil if there are none.
func last(pages []*Page) *Page {
	if len(pages) == 0 {
		return nil
	}
	return pages[len(pages)-1]
}

// take hands out a page with undefined contents, if possible one that lies behind
// the given one, which may be nil. It is the first of so many that are wanted now.
func (p *Pool) take(near *Page, wanted int) (*Page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit > 0 && p.bytes+p.pageBytes() > p.limit {
		return nil, fmt.Errorf("%w: %d bytes in use, limit %d", ErrBudget, p.bytes, p.limit)
	}
	p.bytes += p.pageBytes()
	p.peak = max(p.peak, p.bytes)
	e, at := p.place(near, wanted)
	e.idle &^= 1 << at
	if e.idle == 0 {
		p.free = slices.DeleteFunc(p.free, func(f *extent) bool { return f == e })
	}
	p.used++
	p.idle--
	return e.pages[at], nil
}

// place finds an idle page: in the extent of a page of the same head, in one that
// nobody uses, in a new one, or, if too many are idle, in any.
func (p *Pool) place(near *Page, wanted int) (e *extent, at int) {
	if near != nil && near.extent != nil && near.extent.idle != 0 {
		e, at = near.extent, near.at
		for e.idle>>at&1 == 0 {
			at = (at + 1) % len(e.pages)
		}
		return e, at
	}
	for i := len(p.free) - 1; i >= 0; i-- {
		if e := p.free[i]; e.unused() {
			return e, 0
		}
	}
	if wanted < extentPages && p.idle > p.used/maxIdle {
		e = p.free[len(p.free)-1]
		return e, bits.TrailingZeros(e.idle)
	}
	e = p.extend()
	p.free = append(p.free, e)
	p.idle += len(e.pages)
	return e, 0
}

func (e *extent) unused() bool { return bits.OnesCount(e.idle) == len(e.pages) }

// extend allocates an extent.
func (p *Pool) extend() *extent {
	n := int(p.pageBytes())
	count := extentPages
	var data []byte
	switch {
	case p.singles < slabBytes || extentPages*n > slabBytes/2:
		p.singles += int64(n)
		count = 1
		words := make([]float32, n/4) // for the alignment
		data = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
	default:
		if len(p.slab) < count*n {
			p.slab = mem.AllocHuge(slabBytes)
		}
		data, p.slab = p.slab[:count*n], p.slab[count*n:]
	}
	e := &extent{pages: p.precision.lay(data, p.dim, count), idle: 1<<count - 1}
	for i, pg := range e.pages {
		pg.extent, pg.at = e, i
	}
	return e
}

// adopt counts pages that lie in a mapped file.
func (p *Pool) adopt(pages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += int64(pages) * p.pageBytes()
	p.peak = max(p.peak, p.bytes)
}

func (p *Pool) put(pg *Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes -= p.pageBytes()
	e := pg.extent
	if e == nil { // it lies in a mapped file
		return
	}
	if e.idle == 0 {
		p.free = append(p.free, e)
	}
	e.idle |= 1 << pg.at
	p.used--
	p.idle++
}

// reserve counts bytes beside the pages.
func (p *Pool) reserve(n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit > 0 && p.bytes+n > p.limit {
		return fmt.Errorf("%w: %d bytes in use, limit %d", ErrBudget, p.bytes, p.limit)
	}
	p.bytes += n
	p.peak = max(p.peak, p.bytes)
	return nil
}

func (p *Pool) unreserve(n int64) { p.mu.Lock(); p.bytes -= n; p.mu.Unlock() }

// Shrink forgets the extents that nobody uses, so that their memory can go back
// to the system. Called when a prompt is done: what it freed is not needed soon.
func (p *Pool) Shrink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = slices.DeleteFunc(p.free, func(e *extent) bool {
		if e.unused() {
			p.idle -= len(e.pages)
		}
		return e.unused()
	})
	p.slab = nil
}
