package report

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// Intervals are percentiles of a paired bootstrap: records are drawn with
// replacement, the same ones for every policy, and the difference to full
// attention is taken on each draw. An average over tasks draws within each task.

const (
	resamples = 10000
	fewest    = 5 // records for an interval: of fewer, the draws are too much alike
)

// A sample is the records of one stratum (a task, or a task at one length) that
// all compared policies have answered.
type sample struct {
	name    string
	records []*record
	values  []values // [policy]
	of      of
}

// values are a policy's, of each record of a sample; nil slices: not compared.
type values struct {
	value  []float64 // [record]
	weight []float64 // [record]
	diff   []float64 // [record] to full attention, or the value itself
}

// of is what intervals are of.
type of int

const (
	ofNothing    of = iota // full attention is known, but not here
	ofDifference           // to full attention
	ofValue                // there is no full attention
)

// mean is the weighted mean of a policy's values, and of their differences.
func (v *values) mean() (value, diff float64) {
	var weight float64
	for i, w := range v.weight {
		value += w * v.value[i]
		diff += w * v.diff[i]
		weight += w
	}
	return value / weight, diff / weight
}

// bootstrap adds to sums the mean difference of every policy in every resample. Each
// block of resamples has its own random numbers, so that the number of cores does
// not matter.
func (s *sample) bootstrap(sums [][]float64) {
	h := fnv.New64a()
	h.Write([]byte(s.name)) // the same draws, whatever else is in the report
	seed := h.Sum64()
	const block = 500
	var wg sync.WaitGroup
	for from := 0; from < resamples; from += block {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(from)))
			times := make([]float64, len(s.records)) // [record] how often it was drawn
			for b := from; b < from+block; b++ {
				clear(times)
				for range times {
					times[rng.IntN(len(times))]++
				}
				s.resample(sums, b, times)
			}
		})
	}
	wg.Wait()
}

// resample adds the mean differences of resample b.
func (s *sample) resample(sums [][]float64, b int, times []float64) {
	for p := range s.values {
		v := &s.values[p]
		if v.weight == nil {
			continue
		}
		var sum, weight float64
		for i, w := range v.weight {
			w *= times[i]
			weight += w
			sum += w * v.diff[i]
		}
		sums[p][b] += sum / weight
	}
}

// percentile95 is the interval that holds 95 % of the resamples.
func percentile95(means []float64) (low, high float64) {
	slices.Sort(means)
	at := func(q float64) float64 {
		x := q * float64(len(means)-1)
		i := int(math.Floor(x))
		f := x - float64(i)
		return means[i]*(1-f) + means[min(i+1, len(means)-1)]*f
	}
	return at(0.025), at(0.975)
}

// average is the mean over samples, each counting the same, of the policies that
// are in all of them; the others' cells are nil.
func average(samples []*sample, policies int) []*Cell {
	cells := make([]*Cell, policies)
	if len(samples) == 0 {
		return cells
	}
	bounded, paired, records := true, true, 0
	for _, s := range samples {
		bounded = bounded && s.of != ofNothing && len(s.records) > 1 // of one there is nothing to draw
		paired = paired && s.of == ofDifference
		records += len(s.records)
	}
	bounded = bounded && records >= fewest
	sums := make([][]float64, policies) // [policy][resample]
	for p := range sums {
		sums[p] = make([]float64, resamples)
	}
	for _, s := range samples {
		if bounded {
			s.bootstrap(sums)
		}
	}
	n := float64(len(samples))
	for p := range cells {
		if slices.ContainsFunc(samples, func(s *sample) bool { return s.values[p].weight == nil }) {
			continue
		}
		var value, diff float64
		for _, s := range samples {
			v, d := s.values[p].mean()
			value, diff = value+v/n, diff+d/n
		}
		cells[p] = &Cell{Value: value}
		if paired {
			cells[p].Diff = &diff
		}
		if bounded {
			low, high := percentile95(sums[p])
			low, high = low/n, high/n
			cells[p].Low, cells[p].High = &low, &high
		}
	}
	return cells
}
