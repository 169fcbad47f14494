// Package prof counts where the time of a model goes, kernel by kernel, and how
// much work was done in it. It is off unless somebody turns it on, and then costs
// a nanosecond per kernel call.
//
//	m := prof.Start()
//	... the work ...
//	m.Stop("attention", prof.BF16, flops)
//
// A measured part must not contain another one: its time would count twice. Time
// is CPU time, of all threads together, where the system tells it finely enough
// (Linux), else the time by the clock.
package prof

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Unit says what the amount of a part's work is counted in, and so which limit
// of the machine it is held against.
type Unit int

const (
	None Unit = iota // time only
	FMA              // float32 multiplications and additions
	BF16             // the same in bf16 dot products
	Int8             // the same in int8 dot products
	Read             // bytes read from memory
)

// An Entry is the sum of all measured calls of one part.
type Entry struct {
	Name    string
	Unit    Unit
	Calls   int
	Seconds float64
	Work    float64 // in operations or bytes
}

var (
	on      atomic.Bool
	mu      sync.Mutex
	entries = map[string]*Entry{}
)

// Enable starts counting from nothing.
func Enable() {
	mu.Lock()
	defer mu.Unlock()
	clear(entries)
	on.Store(true)
}

// Disable stops counting and returns what was counted, the longest first.
func Disable() []Entry {
	on.Store(false)
	mu.Lock()
	defer mu.Unlock()
	var all []Entry
	for _, e := range entries {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		switch {
		case a.Seconds > b.Seconds:
			return -1
		case a.Seconds < b.Seconds:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// On reports whether calls are counted: whether it is worth working out how much
// work there is.
func On() bool { return on.Load() }

// A Mark is the beginning of a measured part; zero when nothing is measured.
type Mark struct {
	start time.Duration
	taken bool
}

// Start begins a part.
func Start() Mark {
	if !on.Load() {
		return Mark{}
	}
	return Mark{now(), true}
}

// Stop ends a part: its name, and how much work it was.
func (m Mark) Stop(name string, unit Unit, work float64) {
	if !m.taken {
		return
	}
	d := (now() - m.start).Seconds()
	mu.Lock()
	defer mu.Unlock()
	e := entries[name]
	if e == nil {
		e = &Entry{Name: name, Unit: unit}
		entries[name] = e
	}
	e.Calls++
	e.Seconds += d
	e.Work += work
}
