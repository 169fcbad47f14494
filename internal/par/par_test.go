package par

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRunCallsEachItemOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := New(threads)
		if p.Threads() != threads {
			t.Errorf("Threads() = %d, want %d", p.Threads(), threads)
		}
		for _, n := range []int{0, 1, 2, 7, 100, 1000} {
			for range 20 {
				calls := make([]atomic.Int32, n)
				p.Run(n, func(i int) { calls[i].Add(1) })
				for i := range calls {
					if c := calls[i].Load(); c != 1 {
						t.Fatalf("threads %d: item %d of %d called %d times", threads, i, n, c)
					}
				}
			}
		}
		p.Close()
		p.Close()
		ran := 0
		p.Run(3, func(int) { ran++ })
		if ran != 3 {
			t.Errorf("closed pool ran %d of 3 items", ran)
		}
	}
	var none *Pool
	ran := 0
	none.Run(4, func(int) { ran++ })
	none.Close()
	if ran != 4 || none.Threads() != 1 {
		t.Errorf("nil pool ran %d of 4 items on %d threads", ran, none.Threads())
	}
}

func TestRunWakesSleepers(t *testing.T) {
	p := New(4)
	defer p.Close()
	for range 5 {
		time.Sleep(5 * time.Millisecond) // long enough for the workers to sleep
		var together atomic.Int32
		both := make(chan struct{})
		// Two items that wait for each other need two threads.
		p.Run(2, func(int) {
			if together.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(10 * time.Second):
				t.Error("the second item was never begun")
			}
		})
	}
}

func TestNestedAndConcurrentRuns(t *testing.T) {
	p := New(3)
	defer p.Close()
	var sum atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				p.Run(5, func(i int) {
					p.Run(3, func(k int) { sum.Add(int64(i*3 + k)) })
				})
			}
		})
	}
	wg.Wait()
	if want := int64(4 * 200 * 105); sum.Load() != want {
		t.Errorf("sum = %d, want %d", sum.Load(), want)
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := New(threads)
		for range 50 {
			func() {
				defer func() {
					if v := recover(); v != "item 17" {
						t.Fatalf("threads %d: recovered %v", threads, v)
					}
				}()
				p.Run(100, func(i int) {
					if i == 17 {
						panic("item 17")
					}
				})
				t.Fatal("Run returned")
			}()
		}
		// The pool is usable afterwards.
		var n atomic.Int32
		p.Run(10, func(int) { n.Add(1) })
		if n.Load() != 10 {
			t.Errorf("after panics: %d of 10 items", n.Load())
		}
		p.Close()
	}
}

func BenchmarkRun(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run("threads="+string(rune('0'+threads)), func(b *testing.B) {
			p := New(threads)
			defer p.Close()
			for b.Loop() {
				p.Run(8, func(int) {})
			}
		})
	}
}
