package tokenizer

import "math/bits"

// merge says that the neighbours left and right may become the token result.
// Of all merges possible in a word the one with the lowest rank is done
// first, at equal ranks the leftmost.
type merge struct {
	left, right, result int32
	rank                int32
}

// mergeTable finds the merge of a pair of neighbours. It is a hash table with
// open addressing at most half full: a look-up is a multiplication and mostly
// one cache line, where Go's map costs several.
type mergeTable struct {
	shift uint
	slots []merge // empty where left < 0
}

// newMergeTable fills the table; of two merges of one pair the later counts.
func newMergeTable(merges []merge) *mergeTable {
	size := 1 << bits.Len(uint(2*len(merges)+1))
	t := &mergeTable{shift: uint(64 - bits.Len(uint(size-1))), slots: make([]merge, size)}
	for i := range t.slots {
		t.slots[i].left = -1
	}
	for _, m := range merges {
		*t.slot(m.left, m.right) = m
	}
	return t
}

// slot returns where the pair is, or the empty slot where it would be.
func (t *mergeTable) slot(left, right int32) *merge {
	h := (uint64(uint32(left))<<32 | uint64(uint32(right))) * 0x9E3779B97F4A7C15
	mask := uint64(len(t.slots) - 1)
	for i := h >> t.shift; ; i++ {
		s := &t.slots[i&mask]
		if s.left < 0 || (s.left == left && s.right == right) {
			return s
		}
	}
}

const noMerge = int32(1<<31 - 1)

// rank returns the pair's rank and what it becomes; noMerge when it stays.
func (t *mergeTable) rank(left, right int32) (rank, result int32) {
	if s := t.slot(left, right); s.left >= 0 {
		return s.rank, s.result
	}
	return noMerge, 0
}

// shortWord is the number of symbols up to which scanning all ranks for the
// smallest beats a priority queue.
const shortWord = 48

// apply merges the symbols in place as far as they go and returns what is
// left. Time is O(n log n) for n symbols.
func (t *mergeTable) apply(symbols []int32, s *scratch) []int32 {
	switch {
	case len(symbols) < 2:
		return symbols
	case len(symbols) <= shortWord:
		return t.applyShort(symbols)
	}
	return t.applyLong(symbols, s)
}

func (t *mergeTable) applyShort(symbols []int32) []int32 {
	var ranks, results [shortWord]int32 // of the pair (i, i+1)
	n := len(symbols)
	for i := 0; i+1 < n; i++ {
		ranks[i], results[i] = t.rank(symbols[i], symbols[i+1])
	}
	for n > 1 {
		best, at := noMerge, -1
		for i, r := range ranks[:n-1] {
			if r < best {
				best, at = r, i
			}
		}
		if at < 0 {
			break
		}
		symbols[at] = results[at]
		copy(symbols[at+1:], symbols[at+2:n])
		copy(ranks[at:], ranks[at+1:n-1])
		copy(results[at:], results[at+1:n-1])
		n--
		if at > 0 {
			ranks[at-1], results[at-1] = t.rank(symbols[at-1], symbols[at])
		}
		if at+1 < n {
			ranks[at], results[at] = t.rank(symbols[at], symbols[at+1])
		}
	}
	return symbols[:n]
}

// link is a symbol of a long word in a doubly linked list; -1 ends it.
type link struct{ id, prev, next int32 }

// candidate is a merge that was possible when it was queued. It is stale, and
// dropped, when the two symbols have changed since.
type candidate struct {
	key         uint64 // rank << 32 | position of the left symbol
	left, right int32
	result      int32
}

// scratch is the working memory of one Encode call.
type scratch struct {
	symbols []int32
	links   []link
	queue   []candidate // binary heap, smallest key first
	spelled []byte
}

func (t *mergeTable) applyLong(symbols []int32, s *scratch) []int32 {
	links := s.links[:0]
	for i, id := range symbols {
		links = append(links, link{id: id, prev: int32(i) - 1, next: int32(i) + 1})
	}
	links[len(links)-1].next = -1
	s.links, s.queue = links, s.queue[:0]
	offer := func(at int32) {
		if at < 0 || links[at].next < 0 {
			return
		}
		l, r := links[at].id, links[links[at].next].id
		if rank, result := t.rank(l, r); rank != noMerge {
			s.push(candidate{uint64(rank)<<32 | uint64(at), l, r, result})
		}
	}
	for i := range links {
		offer(int32(i))
	}
	for len(s.queue) > 0 {
		c := s.pop()
		at := int32(c.key & 0xFFFFFFFF)
		next := links[at].next
		if links[at].id != c.left || next < 0 || links[next].id != c.right {
			continue
		}
		links[at].id, links[at].next = c.result, links[next].next
		links[next].id = -1
		if n := links[at].next; n >= 0 {
			links[n].prev = at
		}
		offer(links[at].prev)
		offer(at)
	}
	out := symbols[:0]
	for i := int32(0); i >= 0; i = links[i].next {
		out = append(out, links[i].id)
	}
	return out
}

func (s *scratch) push(c candidate) {
	q := append(s.queue, c)
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 2
		if q[up].key <= c.key {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = c
	s.queue = q
}

func (s *scratch) pop() candidate {
	q := s.queue
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	s.queue = q
	if len(q) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(q) {
			break
		}
		if down+1 < len(q) && q[down+1].key < q[down].key {
			down++
		}
		if q[down].key >= last.key {
			break
		}
		q[i] = q[down]
		i = down
	}
	q[i] = last
	return top
}
