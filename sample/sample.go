package sample

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Params say how to choose. The zero value is greedy: always the likeliest token.
type Params struct {
	Temperature   float64 // 0: greedy; 1: the model's own distribution; higher: flatter
	TopK          int     // only the k likeliest tokens; 0: all
	TopP          float64 // only the likeliest tokens that reach this probability together; 0 or 1: all
	MinP          float64 // only tokens with this share of the best one's probability; 0: all
	RepeatPenalty float64 // divides positive and multiplies negative logits of recent tokens; 0 or 1: none
	Seed          uint64  // of the draws
}

// Validate reports all that is wrong with p, joined into one error.
func (p Params) Validate() error {
	var errs []error
	if !(p.Temperature >= 0) || math.IsInf(p.Temperature, 0) {
		errs = append(errs, fmt.Errorf("temperature %v: must be 0 (greedy) or a positive number", p.Temperature))
	}
	if p.TopK < 0 {
		errs = append(errs, fmt.Errorf("top-k %d: must be 0 (all tokens) or positive", p.TopK))
	}
	if !(p.TopP >= 0 && p.TopP <= 1) {
		errs = append(errs, fmt.Errorf("top-p %v: must lie between 0 and 1", p.TopP))
	}
	if !(p.MinP >= 0 && p.MinP <= 1) {
		errs = append(errs, fmt.Errorf("min-p %v: must lie between 0 and 1", p.MinP))
	}
	if !(p.RepeatPenalty >= 0) || math.IsInf(p.RepeatPenalty, 0) {
		errs = append(errs, fmt.Errorf("repeat penalty %v: must be 0 or 1 (none) or a positive number", p.RepeatPenalty))
	}
	return errors.Join(errs...)
}

// Sampler chooses tokens. It keeps its random state and buffers, so it serves
// one sequence and one goroutine.
type Sampler struct {
	p      Params
	err    error // of Validate
	rng    *rand.Rand
	logits []float32   // [vocab] after the repetition penalty
	order  []float32   // [vocab] scratch of top-k
	cands  []candidate // tokens still in play, by id
	seen   map[int32]bool
}

type candidate struct {
	id int32
	p  float64 // probability, up to a common factor: the best has 1
}

// New returns a sampler. If p is not valid, Next returns what p.Validate says.
func New(p Params) *Sampler {
	return &Sampler{p: p, err: p.Validate(), rng: rand.New(rand.NewPCG(p.Seed, 0x9e3779b97f4a7c15))}
}

// Next chooses an id from logits [vocab], which stay as they are. recent are the
// ids under the repetition penalty (usually prompt and answer so far); repeated
// ids count once, ids outside of the vocabulary not at all. Logits of -Inf are
// never chosen; NaN, +Inf, or nothing but -Inf is an error: the model is broken.
func (s *Sampler) Next(logits []float32, recent []int32) (int32, error) {
	if s.err != nil {
		return 0, s.err
	}
	logits = s.penalise(logits, recent)
	best, err := argmax(logits)
	if err != nil || s.p.Temperature == 0 {
		return best, err
	}
	s.candidates(logits, logits[best])
	s.topP()
	if s.p.MinP > 0 {
		s.cands = slices.DeleteFunc(s.cands, func(c candidate) bool { return c.p < s.p.MinP })
	}
	return s.draw(), nil
}

// argmax is the id of the largest logit, the lowest such id.
func argmax(logits []float32) (int32, error) {
	best, top := -1, float32(math.Inf(-1))
	for i, x := range logits {
		if x > top {
			best, top = i, x
		} else if x != x {
			return 0, fmt.Errorf("logit of token %d is NaN: the model's weights or the computation are broken", i)
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("none of the %d logits is finite: there is no token to choose", len(logits))
	}
	if math.IsInf(float64(top), 1) {
		return 0, fmt.Errorf("logit of token %d is infinite: the model's weights or the computation are broken", best)
	}
	return int32(best), nil
}

// penalise applies the repetition penalty to a copy of logits.
func (s *Sampler) penalise(logits []float32, recent []int32) []float32 {
	r := float32(s.p.RepeatPenalty)
	if r == 0 || r == 1 || len(recent) == 0 {
		return logits
	}
	s.logits = append(s.logits[:0], logits...)
	if s.seen == nil {
		s.seen = map[int32]bool{}
	}
	clear(s.seen)
	for _, id := range recent {
		if id < 0 || int(id) >= len(logits) || s.seen[id] {
			continue
		}
		s.seen[id] = true
		if s.logits[id] < 0 {
			s.logits[id] *= r
		} else {
			s.logits[id] /= r
		}
	}
	return s.logits
}

// negligible is the exponent below which a probability is lost in rounding: a
// million tokens of e^-60 weigh less than 1e-20.
const negligible = -60

// candidates lists the tokens that pass temperature and top-k.
func (s *Sampler) candidates(logits []float32, top float32) {
	floor := float32(math.Inf(-1))
	if k := s.p.TopK; k > 0 && k < len(logits) {
		s.order = append(s.order[:0], logits...)
		floor = kthLargest(s.order, k)
	}
	s.cands = s.cands[:0]
	for i, x := range logits {
		if x < floor {
			continue
		}
		if e := (float64(x) - float64(top)) / s.p.Temperature; e >= negligible {
			s.cands = append(s.cands, candidate{int32(i), math.Exp(e)})
		}
	}
}

// topP keeps the fewest candidates that reach the probability TopP together.
func (s *Sampler) topP() {
	if s.p.TopP == 0 || s.p.TopP == 1 {
		return
	}
	total := 0.0
	for _, c := range s.cands {
		total += c.p
	}
	s.cands = s.cands[:nucleus(s.cands, s.p.TopP*total)]
}

// likelier orders candidates by probability, equal ones by id.
func likelier(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id))
}

// nucleus reorders c so that its first n are the fewest, likeliest candidates
// that reach the sum target, and returns n: a quickselect by weight, of linear
// expected time, because a flat distribution has a nucleus of many thousands.
func nucleus(c []candidate, target float64) int {
	lo, hi := 0, len(c) // c[:lo] are in; the border lies in c[lo:hi]
	for hi-lo > 32 {
		m := lo + (hi-lo)/2
		pivots := []candidate{c[lo], c[m], c[hi-1]}
		slices.SortFunc(pivots, likelier)
		pivot := pivots[1]
		mid, sum := lo, 0.0 // c[lo:mid] are likelier than the pivot
		at := lo
		for i := lo; i < hi; i++ {
			if likelier(c[i], pivot) < 0 {
				sum += c[i].p
				c[mid], c[i] = c[i], c[mid]
				if at == mid {
					at = i
				}
				mid++
			} else if c[i].id == pivot.id {
				at = i
			}
		}
		c[mid], c[at] = c[at], c[mid]
		switch {
		case sum >= target:
			hi = mid
		case sum+pivot.p >= target:
			return mid + 1
		default:
			target -= sum + pivot.p
			lo = mid + 1
		}
	}
	slices.SortFunc(c[lo:hi], likelier)
	for ; lo < hi; lo++ {
		if target -= c[lo].p; target <= 0 {
			return lo + 1
		}
	}
	return hi
}

// draw chooses a candidate by its probability.
func (s *Sampler) draw() int32 {
	total := 0.0
	for _, c := range s.cands {
		total += c.p
	}
	u := s.rng.Float64() * total
	for _, c := range s.cands {
		if u < c.p {
			return c.id
		}
		u -= c.p
	}
	return s.cands[len(s.cands)-1].id // rounding
}

// kthLargest is the k-th largest value of x, 1 <= k <= len(x), by quickselect
// with three-way partition: expected time linear in len(x). It reorders x.
func kthLargest(x []float32, k int) float32 {
	for {
		// The middle one of three guards against sorted input.
		a, b, c := x[0], x[len(x)/2], x[len(x)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		lo, i, hi := 0, 0, len(x) // x[:lo] > pivot, x[lo:i] == pivot, x[hi:] < pivot
		for i < hi {
			switch v := x[i]; {
			case v > pivot:
				x[lo], x[i] = v, x[lo]
				lo++
				i++
			case v < pivot:
				hi--
				x[i], x[hi] = x[hi], v
			default:
				i++
			}
		}
		switch {
		case k <= lo:
			x = x[:lo]
		case k <= hi:
			return pivot
		default:
			k -= hi
			x = x[hi:]
		}
	}
}
