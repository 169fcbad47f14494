package score

import "math"

// ratio is how similar two texts are, from 0 to 1 in steps of 0.01: twice the
// characters in matching blocks over all characters (Ratcliff and Obershelp), with
// the blocks that Python's difflib finds. Published LongBench scores were computed
// with it (by fuzzywuzzy without its optional Levenshtein package).
func ratio(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	switch {
	case a == b:
		return 1
	case len(x) == 0 || len(y) == 0:
		return 0
	}
	m := matcher{a: x, b: y, at: map[rune][]int{}, run: make([]int, len(y)+1), next: make([]int, len(y)+1)}
	for j, r := range y {
		m.at[r] = append(m.at[r], j)
	}
	if len(y) >= 200 {
		for r, list := range m.at {
			if len(list) > len(y)/100+1 {
				delete(m.at, r)
			}
		}
	}
	same := 2 * float64(m.matching(0, len(x), 0, len(y))) / float64(len(x)+len(y))
	return math.RoundToEven(100*same) / 100
}

// A matcher finds matching blocks.
type matcher struct {
	a, b []rune
	// at is where each character is in b. In a b of 200 and more, characters that
	// are more than a hundredth of it, plus one, are left out: no block begins for them alone.
	at        map[rune][]int
	run, next []int // [position in b + 1] length of the match that ends there; zero between uses
}

// matching is the number of characters in matching blocks of a[alo:ahi] and
// b[blo:bhi]: the longest block, and what is left and right of it.
func (m *matcher) matching(alo, ahi, blo, bhi int) int {
	total := 0
	for alo < ahi && blo < bhi {
		i, j, n := m.longest(alo, ahi, blo, bhi)
		if n == 0 {
			break
		}
		total += n + m.matching(alo, i, blo, j)
		alo, blo = i+n, j+n
	}
	return total
}

// longest is the longest block: the first of them in a, and of those the first in b.
func (m *matcher) longest(alo, ahi, blo, bhi int) (besti, bestj, best int) {
	besti, bestj = alo, blo
	var old []int // positions where run is not zero
	for i := alo; i < ahi; i++ {
		var now []int
		for _, j := range m.at[m.a[i]] {
			if j < blo {
				continue
			}
			if j >= bhi {
				break
			}
			n := m.run[j] + 1
			m.next[j+1] = n
			now = append(now, j+1)
			if n > best {
				besti, bestj, best = i-n+1, j-n+1, n
			}
		}
		for _, j := range old {
			m.run[j] = 0
		}
		m.run, m.next, old = m.next, m.run, now
	}
	for _, j := range old {
		m.run[j] = 0
	}
	// Characters that were left out above may lengthen it.
	for besti > alo && bestj > blo && m.a[besti-1] == m.b[bestj-1] {
		besti, bestj, best = besti-1, bestj-1, best+1
	}
	for besti+best < ahi && bestj+best < bhi && m.a[besti+best] == m.b[bestj+best] {
		best++
	}
	return besti, bestj, best
}
