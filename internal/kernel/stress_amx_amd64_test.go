package kernel

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"
	"time"
)

// Tile registers must survive whatever interrupts a loop: the garbage collector
// that stops the world all the time, and a profiler that signals a thousand times
// a second. Each worker repeats products and compares the bits. On machines with
// AMX it takes two seconds; emulated tiles are not at risk, and get a moment.
func TestAMXUnderInterrupts(t *testing.T) {
	restore, err := SetTier("amx")
	if err != nil {
		t.Skip(err)
	}
	defer restore()
	length := 2 * time.Second
	if os.Getenv(envAMX) == "assume" {
		length = 200 * time.Millisecond
	}
	var profile bytes.Buffer
	runtime.SetCPUProfileRate(1000) // before the profile asks for 100
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Skip(err) // go test -cpuprofile
	}
	defer pprof.StopCPUProfile()
	stop := make(chan bool)
	var workers, collector sync.WaitGroup
	for seed := range 4 {
		workers.Go(func() { repeat(t, rand.New(rand.NewPCG(13, uint64(seed))), stop) })
	}
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	time.Sleep(length)
	close(stop)
	workers.Wait()
	collector.Wait()
}

// repeat does the same work until it is told to stop.
func repeat(t *testing.T, r *rand.Rand, stop chan bool) {
	const rows, n = 70, 25
	dtype := []DType{Q8_0, Q4_0, Q4_K, Q6_K}[r.IntN(4)]
	cols := 256 * (1 + r.IntN(4))
	m := mustMatrix(t, dtype, rows, cols, randomWeights(t, r, dtype, rows*cols))
	x := normals(r, n*cols)
	attention := newCase(r, 40, 64, 5)
	var want, wantOut, wantLSE []float32
	var a Acts
	var s AttnScratch
	for calls := 0; ; calls++ {
		a.Set(x, n, cols)
		y := make([]float32, n*rows) // garbage for the collector
		MatMul(nil, y, &a, m)
		out, lse := attention.run(&s, 0, attention.rows)
		if calls == 0 {
			want, wantOut, wantLSE = y, slices.Clone(out), slices.Clone(lse)
		} else if !slices.Equal(y, want) || !slices.Equal(out, wantOut) || !slices.Equal(lse, wantLSE) {
			t.Errorf("call %d differs from the first", calls)
			return
		}
		select {
		case <-stop:
			if calls > 0 {
				return
			}
		default:
		}
	}
}
