// Package par runs numbered work items on a fixed set of worker goroutines.
//
// A [Pool] is made once per model and used by every parallel loop of it. The
// caller takes part in the work, so a pool of n threads owns n-1 goroutines.
// Workers spin for some hundred microseconds after a loop, because the next one of the
// same token usually follows at once, and then sleep on a channel.
//
// Items are claimed in runs from an atomic counter, ever shorter ones. What an item is must
// never depend on the number of threads: cut the work by its size, let every
// item write only its own results, and the results are the same bits for any
// number of threads.
package par
