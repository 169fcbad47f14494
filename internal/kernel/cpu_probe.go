package kernel

import "time"

// Peak is what one core of a machine can do at most, measured.
type Peak struct {
	FMA  float64 // float32 multiplications and additions, 10^9 per second
	BF16 float64 // the same in bf16 dot products; 0 where the CPU has none
	Int8 float64 // the same in int8 dot products
	Read float64 // reading memory beyond the caches, 10^9 bytes per second
}

// Probe measures the peak of the instructions the tier in use is built on, in
// some 50 milliseconds. Figures of the generic tier are 0, but for Read. On a
// machine that does other things as well it takes the best of a few rounds.
func Probe() Peak {
	ops := probeOps[active]
	best := func(perRound float64, rounds int, f func(int)) float64 {
		var top float64
		for range 5 {
			if f == nil {
				return 0
			}
			start := time.Now()
			f(rounds)
			top = max(top, perRound*float64(rounds)/max(time.Since(start).Seconds(), 1e-9)/1e9)
		}
		return top
	}
	lanes := float64(ops.lanes)
	p := Peak{
		FMA:  best(12*2*lanes, 50_000, ops.fma),
		BF16: best(12*4*lanes, 50_000, ops.bf16),
		Int8: best(12*8*lanes, 50_000, ops.int8),
	}
	memory := alloc(64 << 20)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1 // a page of its own each, not the shared one of zeros
	}
	p.Read = best(float64(len(memory)), 1, func(int) { ops.read(memory) })
	return p
}

// probeTable holds a tier's probes; lanes is the float32 in a register.
type probeTable struct {
	lanes           int
	fma, bf16, int8 func(rounds int)
	read            func(b []byte)
}

var probeOps = [numTiers]*probeTable{
	tierGeneric: {lanes: 1, read: probeReadGo},
	tierNEON:    probeNEON,
	tierAVX2:    probeAVX2,
	tierAVX512:  probeAVX512,
	tierAMX:     probeAMX,
}

// probeReadGo reads every line of b.
func probeReadGo(b []byte) { readSum(b) }

//go:noinline
func readSum(b []byte) (sum byte) {
	for i := 0; i < len(b); i += 64 {
		sum += b[i]
	}
	return sum
}
