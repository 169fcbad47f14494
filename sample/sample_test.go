package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

var inf = float32(math.Inf(1))

func TestGreedy(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		want   int32
		err    string
	}{
		{[]float32{1, 3, 2}, 1, ""},
		{[]float32{1, 3, 3, 3}, 1, ""}, // ties: the lower id
		{[]float32{-inf, -5, -inf}, 1, ""},
		{[]float32{math.Nextafter32(1, 0), 1}, 1, ""},
		{[]float32{1, nan, 5}, 0, "NaN"},
		{[]float32{nan}, 0, "NaN"},
		{[]float32{-inf, -inf}, 0, "finite"},
		{nil, 0, "none of the 0"},
		{[]float32{1, inf}, 0, "infinite"},
	} {
		for _, p := range []Params{{}, {Temperature: 1, TopK: 1}} {
			if p.TopK == 1 && c.want == 1 && len(c.logits) == 4 {
				continue // ties with the k-th stay in
			}
			got, err := New(p).Next(c.logits, nil)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v: error %v, want %q", c.logits, err, c.err)
				}
			} else if err != nil || got != c.want {
				t.Errorf("%v %+v: got %d, %v, want %d", c.logits, p, got, err, c.want)
			}
		}
	}
}

func TestRepeatPenalty(t *testing.T) {
	logits := []float32{2, 1.5, -1, -1.2}
	s := New(Params{RepeatPenalty: 1.5})
	// 2/1.5 = 1.33 < 1.5; a repeated id counts once; unknown ids are ignored.
	if got, err := s.Next(logits, []int32{0, 0, 0, 99, -1}); err != nil || got != 1 {
		t.Errorf("got %d, %v", got, err)
	}
	if !slices.Equal(logits, []float32{2, 1.5, -1, -1.2}) {
		t.Errorf("the logits were changed: %v", logits)
	}
	// Negative logits are multiplied: -1 becomes -1.5.
	if got, err := s.Next(logits[2:], []int32{0}); err != nil || got != 1 {
		t.Errorf("negative: got %d, %v", got, err)
	}
}

func TestValidateReportsAll(t *testing.T) {
	err := Params{Temperature: -1, TopK: -1, TopP: 2, MinP: math.NaN(), RepeatPenalty: -1}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"temperature", "top-k", "top-p", "min-p", "repeat penalty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := (Params{Temperature: 0.7, TopK: 40, TopP: 0.9, MinP: 0.05, RepeatPenalty: 1.1}).Validate(); err != nil {
		t.Error(err)
	}
	if _, err := New(Params{TopK: -1}).Next([]float32{1}, nil); err == nil {
		t.Error("a sampler with invalid parameters chose a token")
	}
}

// reference computes the distribution step by step, with a full sort.
func reference(logits []float32, p Params) []float64 {
	n := len(logits)
	probs := make([]float64, n)
	ids := make([]int, n)
	for i, x := range logits {
		ids[i] = i
		probs[i] = math.Exp(float64(x) / p.Temperature)
	}
	sort.SliceStable(ids, func(a, b int) bool { return probs[ids[a]] > probs[ids[b]] })
	if p.TopK > 0 && p.TopK < n {
		kth := probs[ids[p.TopK-1]]
		for i := range probs {
			if probs[i] < kth {
				probs[i] = 0
			}
		}
	}
	if p.TopP > 0 && p.TopP < 1 {
		total, sum := 0.0, 0.0
		for _, q := range probs {
			total += q
		}
		for _, i := range ids {
			if sum >= p.TopP*total {
				probs[i] = 0
			}
			sum += probs[i]
		}
	}
	total := 0.0
	for i := range probs {
		if probs[i] < p.MinP*probs[ids[0]] {
			probs[i] = 0
		}
		total += probs[i]
	}
	for i := range probs {
		probs[i] /= total
	}
	return probs
}

// TestDistribution draws often and compares frequencies with the reference, by
// the chi-squared statistic; tokens of probability 0 must never come.
func TestDistribution(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	logits := make([]float32, 40)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 2)
	}
	logits[7] = logits[3] // a tie
	for _, p := range []Params{
		{Temperature: 1}, {Temperature: 0.5}, {Temperature: 2}, {Temperature: 1, TopK: 5}, {Temperature: 1.5, TopK: 12, TopP: 0.8},
		{Temperature: 1, TopP: 0.9}, {Temperature: 1, TopP: 1e-9}, {Temperature: 1, MinP: 0.2}, {Temperature: 0.8, TopK: 20, TopP: 0.95, MinP: 0.05},
		{Temperature: 1, TopK: 1000, TopP: 1},
	} {
		p.Seed = 42
		want := reference(logits, p)
		s := New(p)
		const draws = 40000
		count := make([]int, len(logits))
		for range draws {
			id, err := s.Next(logits, nil)
			if err != nil {
				t.Fatal(err)
			}
			count[id]++
		}
		chi, free := 0.0, -1.0
		for i, w := range want {
			if w == 0 {
				if count[i] > 0 {
					t.Errorf("%+v: token %d came %d times, its probability is 0", p, i, count[i])
				}
				continue
			}
			d := float64(count[i]) - w*draws
			chi += d * d / (w * draws)
			free++
		}
		// Mean free, variance 2 free: six deviations are out of reach by chance.
		if free >= 0 && chi > free+6*math.Sqrt(2*free)+1e-9 {
			t.Errorf("%+v: chi squared %.1f with %.0f degrees of freedom", p, chi, free)
		}
	}
}

func TestSeed(t *testing.T) {
	logits := make([]float32, 1000)
	draw := func(seed uint64) []int32 {
		s := New(Params{Temperature: 1, TopP: 0.9, Seed: seed})
		var ids []int32
		for range 20 {
			id, err := s.Next(logits, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	if !slices.Equal(draw(5), draw(5)) {
		t.Error("the same seed gave other ids")
	}
	if slices.Equal(draw(5), draw(6)) {
		t.Error("another seed gave the same ids")
	}
}

func TestKthLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		x := make([]float32, 1+r.IntN(50))
		for i := range x {
			x[i] = float32(r.IntN(12)) // many ties
		}
		if r.IntN(4) == 0 {
			x[0] = -inf
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		k := 1 + r.IntN(len(x))
		if got, want := kthLargest(slices.Clone(x), k), sorted[len(x)-k]; got != want {
			t.Fatalf("%v: number %d is %v, want %v", x, k, got, want)
		}
	}
}

func TestNucleus(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		c := make([]candidate, 1+r.IntN(300))
		total := 0.0
		for i := range c {
			c[i] = candidate{int32(i), float64(r.IntN(50)) / 64} // exact sums, many ties
			total += c[i].p
		}
		r.Shuffle(len(c), func(i, j int) { c[i], c[j] = c[j], c[i] })
		sorted := slices.Clone(c)
		slices.SortFunc(sorted, likelier)
		target := total * r.Float64()
		want, sum := 0, 0.0
		for want < len(c) && (sum < target || want == 0) {
			sum += sorted[want].p
			want++
		}
		n := nucleus(c, target)
		got := slices.Clone(c[:n])
		slices.SortFunc(got, likelier)
		if !slices.Equal(got, sorted[:want]) {
			t.Fatalf("target %v of %v: got %d candidates, want %d", target, total, n, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	logits := make([]float32, 151_936)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 3)
	}
	for name, p := range map[string]Params{
		"greedy": {}, "temperature": {Temperature: 1}, "topk=40": {Temperature: 1, TopK: 40}, "topp=0.9": {Temperature: 1, TopP: 0.9},
		"minp=0.05": {Temperature: 1, MinP: 0.05}, "all": {Temperature: 0.7, TopK: 40, TopP: 0.9, MinP: 0.05},
	} {
		b.Run("sampler="+name, func(b *testing.B) {
			s := New(p)
			for b.Loop() {
				if _, err := s.Next(logits, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
