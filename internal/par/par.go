package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// spins is how often an idle worker looks for the next loop before it sleeps:
// some hundred microseconds. The gap between two loops of one token is ten to
// thirty, and to wake a worker takes longer than most loops.
const spins = 20000

// Pool is a fixed set of workers. The zero value and nil run everything inline.
type Pool struct {
	threads int
	mu      sync.Mutex // held by the Run in progress
	job     atomic.Pointer[job]
	wake    chan struct{} // one token per sleeping worker
	asleep  atomic.Int32
	closed  atomic.Bool
}

// job is one call of Run.
type job struct {
	f      func(from, to int)
	n      int64
	shares int64        // one of so many equal parts of what is left is claimed at a time
	next   atomic.Int64 // first item nobody has claimed
	done   atomic.Int64 // items finished or given up after a panic
	fin    chan struct{}
	bad    atomic.Pointer[panicked]
}

type panicked struct{ value any }

// New returns a pool of the given number of threads, the caller of Run being
// one of them. 0 means one per usable CPU (GOMAXPROCS).
func New(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{threads: threads, wake: make(chan struct{}, threads)}
	for range threads - 1 {
		go p.worker()
	}
	return p
}

// Threads returns the number of threads that work in a Run, at least 1.
func (p *Pool) Threads() int {
	if p == nil || p.threads < 1 {
		return 1
	}
	return p.threads
}

// Run calls f(0) .. f(n-1), each exactly once, in any order, and returns when
// all have returned. A panic of f is passed on to the caller after the others
// have ended; items not begun by then are left out. A Run inside f, or a Run of
// a closed or nil pool, does its items inline.
func (p *Pool) Run(n int, f func(i int)) {
	p.Runs(n, func(from, to int) {
		for i := from; i < to; i++ {
			f(i)
		}
	})
}

// Runs is Run for items that are cheaper one after the other: it calls f with
// runs of them, from .. to-1, as they are claimed.
func (p *Pool) Runs(n int, f func(from, to int)) {
	if n <= 0 {
		return
	}
	if p.Threads() == 1 || n == 1 || !p.mu.TryLock() {
		// TryLock fails inside f, and while another goroutine uses the pool:
		// either way this goroutine can do the items itself.
		f(0, n)
		return
	}
	defer p.mu.Unlock()
	if p.closed.Load() {
		f(0, n)
		return
	}
	j := &job{f: f, n: int64(n), shares: 2 * int64(p.threads), fin: make(chan struct{})}
	p.job.Store(j)
	for range min(int(p.asleep.Load()), n-1) {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	j.work()
	for i := 0; j.done.Load() < j.n; i++ {
		if i == spins {
			<-j.fin
			break
		}
		pause(i)
	}
	p.job.Store(nil)
	if bad := j.bad.Load(); bad != nil {
		panic(bad.value)
	}
}

// Close ends the workers. Later Runs work inline.
func (p *Pool) Close() {
	if p == nil || p.threads <= 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed.Swap(true) {
		close(p.wake)
	}
}

func (p *Pool) worker() {
	var last *job
	for idle := 0; ; idle++ {
		if j := p.job.Load(); j != nil && j != last {
			last = j
			j.work()
			idle = 0
			continue
		}
		if p.closed.Load() {
			return
		}
		if idle < spins {
			pause(idle)
			continue
		}
		last = nil // do not keep the closure's operands alive while asleep
		p.asleep.Add(1)
		// A job stored before asleep was raised wakes nobody: look once more.
		if j := p.job.Load(); j == nil || j.next.Load() >= j.n {
			if _, ok := <-p.wake; !ok {
				p.asleep.Add(-1)
				return
			}
		}
		p.asleep.Add(-1)
		idle = 0
	}
}

// work claims items until none is left: runs of them, which mostly lie together
// in memory, long ones first and single ones in the end, so that all threads end
// together.
func (j *job) work() {
	for {
		from := j.next.Load()
		if from >= j.n {
			return
		}
		to := from + max(1, (j.n-from)/j.shares)
		if j.next.CompareAndSwap(from, to) {
			j.items(from, to)
		}
	}
}

// items does those from from to to-1.
func (j *job) items(from, to int64) {
	left := to - from
	defer func() {
		if left > 0 { // f panicked or called runtime.Goexit
			if v := recover(); v != nil {
				j.bad.CompareAndSwap(nil, &panicked{v})
			}
			// Nobody begins another item: those from next on count as done.
			if from := j.next.Swap(j.n); from < j.n {
				left += j.n - from
			}
			j.finish(left)
		}
	}()
	j.f(int(from), int(to))
	left = 0
	j.finish(to - from)
}

func (j *job) finish(items int64) {
	if j.done.Add(items) == j.n {
		close(j.fin)
	}
}

// pause gives way now and then, so that spinning never starves the goroutines
// that have work when there are more of them than CPUs.
func pause(i int) {
	if i%64 == 63 {
		runtime.Gosched()
		return
	}
	for range 8 {
		spinHint.Load()
	}
}

var spinHint atomic.Uint32
