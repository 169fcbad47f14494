package jinja

import (
	"errors"
	"fmt"
)

// Limits on one template. Real chat templates stay far below: over 42 of the
// hub's best-known ones no conversation of a few turns took more than 1,100 steps.
const (
	maxSource   = 1 << 20   // bytes of template source
	maxNesting  = 200       // nested blocks or brackets in the source
	maxChain    = 2000      // operators or postfixes in one expression
	maxCalls    = 100       // nested macro calls and recursive loops
	maxDepth    = 200       // nesting of a value that is printed or compared
	maxRange    = 100_000   // items of range(), the limit of Jinja's sandbox
	maxSteps    = 5_000_000 // work units: one per node, one per workUnit bytes
	workUnit    = 256       // bytes a step may touch
	maxBytes    = 256 << 20 // bytes allocated in one rendering, besides
	bytesFactor = 64        // that many times the size of the data
	dictBytes   = 250       // and what one entry of a dict is charged
	valueBytes  = 48        // what one element of a list or dict is charged
)

// ErrLimit is wrapped by the errors of templates that were stopped because they
// used more time, memory or depth than a chat template may.
var ErrLimit = errors.New("limit exceeded")

// budget is what one rendering may still use.
type budget struct {
	steps int
	bytes int
	calls int
}

// work charges the handling of n bytes.
func (b *budget) work(n int) error {
	b.steps -= 1 + n/workUnit
	if b.steps < 0 {
		return fmt.Errorf("%w: more than %d steps of work; the template loops too long", ErrLimit, maxSteps)
	}
	return nil
}

// alloc charges n bytes of new memory, before they are allocated.
func (b *budget) alloc(n int) error {
	if n < 0 || n > b.bytes {
		return fmt.Errorf("%w: the template builds more than %d MiB of text and values", ErrLimit, maxBytes>>20)
	}
	b.bytes -= n
	return b.work(n)
}

func errDepth() error {
	return fmt.Errorf("%w: a value is nested deeper than %d", ErrLimit, maxDepth)
}
