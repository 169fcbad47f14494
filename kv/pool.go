package kv

import (
	"errors"
	"fmt"
	"sync"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
)

// PageTokens is the number of tokens a page holds.
const PageTokens = kernel.PageTokens

// ErrBudget is wrapped by the error that [Cache.Append] returns when the pool's
// limit would be exceeded.
var ErrBudget = errors.New("KV budget exceeded")

// A Page holds the keys and values of up to 128 tokens of one KV head.
type Page struct {
	K []uint16 // [128/16][dim/2][16 tokens][2] bf16, after RoPE
	V []uint16 // [128/32][dim/16][16 token pairs][16 dims][2] bf16

	mapped bool // memory of a session file: never enters the free list
}

// A Pool hands out pages within a byte limit and counts them. It may be shared
// by several caches of the same head dimension.
type Pool struct {
	dim   int
	limit int64

	mu          sync.Mutex
	free        []*Page
	bytes, peak int64
}

// NewPool makes a pool of pages for heads of headDim dimensions (they are stored
// padded to a multiple of 32). limit is in bytes; 0 means none.
func NewPool(headDim int, limit int64) *Pool {
	return &Pool{dim: PadDim(headDim), limit: limit}
}

// PadDim is the dimension in which a head of headDim dimensions is stored.
func PadDim(headDim int) int { return (headDim + 31) &^ 31 }

// PageBytes is the size in bytes of a page of heads with headDim dimensions.
func PageBytes(headDim int) int64 { return int64(PageTokens) * int64(PadDim(headDim)) * 2 * 2 }

func (p *Pool) pageBytes() int64 { return PageBytes(p.dim) }

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
	n := PageTokens * p.dim
	mem := make([]uint16, 2*n)
	return &Page{K: mem[:n:n], V: mem[n:]}, nil
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

// Shrink forgets the pages that wait for reuse, so that their memory can go back
// to the system. Called when a prompt is done: what it freed is not needed soon.
func (p *Pool) Shrink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = nil
}
