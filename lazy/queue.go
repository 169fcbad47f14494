package lazy

import (
	"cmp"
	"container/heap"
	"math"
)

// A queue is a max-priority queue of units by laziness. The laziest is popped first;
// among equals the one of the higher layer, then of the higher head. A unit of
// unknown laziness (NaN) comes last and is never popped.
type queue []queued

type queued struct {
	unit     Head
	laziness float64
}

func (q *queue) push(unit Head, laziness float64) {
	heap.Push((*queueHeap)(q), queued{unit, laziness})
}

// pop removes the laziest unit; not ok when no unit of known laziness is left.
func (q *queue) pop() (unit Head, ok bool) {
	if len(*q) == 0 || math.IsNaN((*q)[0].laziness) {
		return Head{}, false
	}
	return heap.Pop((*queueHeap)(q)).(queued).unit, true
}

// queueHeap is the queue as container/heap wants it.
type queueHeap queue

func (q queueHeap) Len() int      { return len(q) }
func (q queueHeap) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Less puts the unit to be popped first in front. cmp.Compare has NaN below everything.
func (q queueHeap) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(
		cmp.Compare(a.laziness, b.laziness),
		cmp.Compare(a.unit.Layer, b.unit.Layer),
		cmp.Compare(a.unit.KVHead, b.unit.KVHead)) > 0
}

func (q *queueHeap) Push(x any) { *q = append(*q, x.(queued)) }

func (q *queueHeap) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
