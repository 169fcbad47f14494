package report

import (
	"cmp"
	"math"
	"slices"
)

// A Point is a policy on the curve of quality against KV bytes.
type Point struct {
	Number  int     `json:"number"` // of the policy
	Policy  string  `json:"policy"`
	KVShare float64 `json:"kv_share"` // KV bytes at the end of the prompt, of full attention's on the same records
	Cell
	Front bool `json:"front"` // no other policy is as good with fewer bytes, or better with as many
	// Records whose value is better than, the same as and worse than full attention's.
	Better int `json:"better_records"`
	Same   int `json:"same_records"`
	Worse  int `json:"worse_records"`
}

// A Choice is the policy with the fewest KV bytes that, at the bad end of its
// interval, loses no more than so much.
type Choice struct {
	Loss    float64 `json:"loss"`
	Policy  string  `json:"policy,omitempty"` // "": none but full attention
	KVShare float64 `json:"kv_share,omitempty"`
}

// points fills in the curve of a table's average.
func (c *collection) points(t *Table, samples []*sample, compared []int) {
	for i, p := range compared {
		share, cell := c.share(samples, p), t.Average.Cells[i]
		if share == 0 || cell == nil {
			continue
		}
		pt := &Point{Number: p + 1, Policy: c.policies[p].Name, KVShare: share, Cell: *cell}
		for _, s := range samples {
			for _, d := range s.values[p].diff {
				switch {
				case s.of != ofDifference || p == c.full:
				case d == 0:
					pt.Same++
				case (d < 0) == t.Lower:
					pt.Better++
				default:
					pt.Worse++
				}
			}
		}
		t.Points = append(t.Points, pt)
	}
	markFront(t.Points, t.Lower)
	if t.Intervals != "difference" && !t.m.itself {
		return
	}
	for _, loss := range t.m.losses {
		if full := slices.Index(compared, c.full); full >= 0 && !t.Lower && 4*loss > t.Average.Cells[full].Value {
			break // where full attention itself fails there is nothing to lose
		}
		t.Choices = append(t.Choices, c.choice(t, loss))
	}
}

// share is a policy's KV bytes over full attention's; 0: not known.
func (c *collection) share(samples []*sample, p int) float64 {
	var bytes, full float64
	for _, s := range samples {
		for _, rec := range s.records {
			if p == c.full && rec.by[p] == nil {
				return 1 // by definition
			}
			res := rec.by[p]
			of := res.KVFullBytes
			if c.full >= 0 && rec.by[c.full] != nil && rec.by[c.full].KVBytes > 0 {
				of = rec.by[c.full].KVBytes // in the precision that full attention ran with
			}
			if res.KVBytes <= 0 || of <= 0 {
				return 0
			}
			bytes, full = bytes+float64(res.KVBytes), full+float64(of)
		}
	}
	return bytes / full
}

// markFront marks the points that no other one beats.
func markFront(points []*Point, lower bool) {
	sign := 1.0
	if lower {
		sign = -1
	}
	byBytes := slices.SortedFunc(slices.Values(points), func(a, b *Point) int {
		return cmp.Or(cmp.Compare(a.KVShare, b.KVShare), cmp.Compare(sign*b.Value, sign*a.Value))
	})
	best := math.Inf(-1)
	for _, p := range byBytes {
		if sign*p.Value > best {
			p.Front, best = true, sign*p.Value
		}
	}
}

func (c *collection) choice(t *Table, loss float64) Choice {
	ch := Choice{Loss: loss}
	for _, p := range t.Points {
		if p.Number-1 == c.full || p.Low == nil || ch.Policy != "" && p.KVShare >= ch.KVShare {
			continue
		}
		worst := *p.Low
		if p.Worse == 0 {
			worst = min(worst, -3*100/float64(t.Average.Records)) // none of n lost: 95 % sure is less than 3 in n
		}
		if !t.Lower && worst < -loss {
			continue
		}
		if t.Lower && *p.High > loss {
			continue
		}
		ch.Policy, ch.KVShare = p.Policy, p.KVShare
	}
	return ch
}
