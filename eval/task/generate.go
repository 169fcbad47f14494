package task

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// A generator is a task whose records are made from a seed. A record of a length
// is the largest that fits: build is asked for one of n units (sentences, lines,
// words), with the same random numbers for every n, until n is as large as the
// length allows.
type generator struct {
	name, group, summary string
	scorer               score.Scorer
	lengths              []int // default; tokens of prompt and answer together
	count                int   // default, per length

	least, most int // units; most 0: any number
	build       func(g *gen, n int) (Record, error)
}

// maxLength is the greatest length, in tokens; random keys run out far above it.
const maxLength = 1 << 20

// A gen is what a record is made from.
type gen struct {
	*rand.Rand
	length  int // tokens of prompt and answer
	index   int // of the record among those of its length
	tokens  func(string) int
	sources *sources
	used    map[string]bool // what this record has drawn already
}

func (t generator) task() Task {
	return Task{Name: t.name, Group: t.group, Summary: t.summary, Scorer: t.scorer, Records: t.records}
}

func (t generator) records(o Options) ([]Record, error) {
	lengths, count := t.lengths, t.count
	if o.Lengths != nil {
		lengths = o.Lengths
	}
	if o.Count != 0 {
		count = o.Count
	}
	if count < 0 {
		return nil, fmt.Errorf("task %s: %d records per length: it must be 1 or more", t.name, count)
	}
	for _, length := range lengths {
		if length > maxLength {
			return nil, fmt.Errorf("task %s: prompts of %d tokens: at most %d can be made", t.name, length, maxLength)
		}
	}
	src := &sources{data: o.Data}
	var all []Record
	for _, length := range lengths {
		for i := range count {
			r, err := t.fill(o, src, length, i)
			if err != nil {
				return nil, fmt.Errorf("task %s: %w", t.name, err)
			}
			r.Task, r.ID = t.name, fmt.Sprintf("%d-%d", length, i)
			if r.Facts == nil {
				r.Facts = map[string]float64{}
			}
			r.Facts["length"] = float64(length)
			all = append(all, r)
		}
	}
	return all, nil
}

// fill makes record i of a length, as large as fits. It does not depend on how
// many records are made; a task and its _later variant draw the same.
func (t generator) fill(o Options, src *sources, length, i int) (Record, error) {
	tokens := o.Tokens
	if tokens == nil {
		tokens = func(s string) int { return (len(s) + 3) / 4 }
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d %d", strings.TrimSuffix(t.name, later), length, i)
	try := func(n int) (Record, int, error) {
		g := &gen{rand.New(rand.NewPCG(o.Seed, h.Sum64())), length, i, tokens, src, map[string]bool{}}
		r, err := t.build(g, n)
		return r, r.size(tokens), err
	}

	fits := max(t.least, 1)
	best, size, err := try(fits)
	if err != nil {
		return Record{}, err
	}
	if size > length {
		return Record{}, fmt.Errorf("%d tokens are too few: the shortest prompt with its answer takes %d here; ask for a greater length", length, size)
	}
	over, overSize := 0, 0
	for step := 0; ; step++ {
		n := 2 * fits
		if over > 0 {
			n = (fits + over) / 2
			if step%2 == 0 {
				n = fits + (length-size)*(over-fits)/(overSize-size)
			}
			n = min(max(n, fits+1), over-1)
		} else if t.most > 0 {
			n = min(n, t.most)
		}
		if n <= fits || length-size <= length/200 { // nearly full is full
			return best, nil
		}
		r, s, err := try(n)
		switch {
		case err != nil:
			return Record{}, err
		case s <= length:
			best, fits, size = r, n, s
		default:
			over, overSize = n, s
		}
	}
}

// size counts the tokens of a record with its answer. A chat template's come on top.
func (r Record) size(tokens func(string) int) int {
	answer := r.MaxTokens
	if r.Target != "" {
		answer = max(answer, tokens(r.Target))
	}
	return tokens(r.Prompt+r.Reply+r.Later+r.Prefix) + answer
}

// fresh draws until there is something that this record has not drawn yet.
func (g *gen) fresh(draw func() string) string {
	for {
		if s := draw(); !g.used[s] {
			g.used[s] = true
			return s
		}
	}
}

// pick takes a word of a list that this record has not taken yet.
func (g *gen) pick(list []string) string {
	return g.fresh(func() string { return list[g.IntN(len(list))] })
}

// sample draws k different numbers below n.
func (g *gen) sample(n, k int) []int {
	got := map[int]bool{}
	var s []int
	for len(s) < k {
		if v := g.IntN(n); !got[v] {
			got[v] = true
			s = append(s, v)
		}
	}
	return s
}

// Random things that needles are made of; each comes once in a record.

func (g *gen) number(digits int) string {
	low := 1
	for range digits - 1 {
		low *= 10
	}
	return g.fresh(func() string { return fmt.Sprint(low + g.IntN(9*low)) })
}

func (g *gen) wordPair() string {
	return g.fresh(func() string {
		return adjectives()[g.IntN(len(adjectives()))] + "-" + nouns()[g.IntN(len(nouns()))]
	})
}

func (g *gen) uuid() string {
	return g.fresh(func() string {
		a, b := g.Uint64(), g.Uint64()
		a = a&^0xf000 | 0x4000     // version 4
		b = b&^(3<<62) | (2 << 62) // variant
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
	})
}
