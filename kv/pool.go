package kv

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// ErrBudget is wrapped by the error that [Cache.Append] returns when the pool's
// limit would be exceeded.
var ErrBudget = errors.New("KV budget exceeded")

// A Pool hands out pages within a byte limit and counts them. It may be shared
// by several caches of the same head dimension.
type Pool struct {
	dim       int // padded
	precision Precision
	limit     int64

	mu          sync.Mutex
	free        []*Page
	bytes, peak int64
	singles     int64  // bytes allocated page by page
	slab        []byte // what is left of the last large allocation
}

// slabBytes is how much is allocated at once when the cache has become larger
// than that: reading it takes fewer look-ups of addresses.
const slabBytes = mem.HugePage

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

// take hands out a page with undefined contents.
func (p *Pool) take() (*Page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit > 0 && p.bytes+p.pageBytes() > p.limit {
		return nil, fmt.Errorf("%w: %d bytes in use, limit %d", ErrBudget, p.bytes, p.limit)
	}
	p.bytes += p.pageBytes()
	p.peak = max(p.peak, p.bytes)
	if n := len(p.free); n > 0 {
		pg := p.free[n-1]
		p.free = p.free[:n-1]
		return pg, nil
	}
	return p.precision.page(p.alloc(int(p.pageBytes())), p.dim), nil
}

// alloc returns memory for a page.
func (p *Pool) alloc(n int) []byte {
	if p.singles < slabBytes || n > slabBytes/8 {
		p.singles += int64(n)
		words := make([]float32, n/4) // for the alignment
		return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
	}
	if len(p.slab) < n {
		p.slab = mem.AllocHuge(slabBytes)
	}
	b := p.slab[:n:n]
	p.slab = p.slab[n:]
	return b
}

// adopt counts a page that lies in a mapped file.
func (p *Pool) adopt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += p.pageBytes()
	p.peak = max(p.peak, p.bytes)
}

func (p *Pool) put(pg *Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes -= p.pageBytes()
	if !pg.mapped {
		p.free = append(p.free, pg)
	}
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

// Shrink forgets the pages that wait for reuse, so that their memory can go back
// to the system. Called when a prompt is done: what it freed is not needed soon.
func (p *Pool) Shrink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.slab = nil, nil
}
