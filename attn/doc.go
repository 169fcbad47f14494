// Package attn computes attention over the pages of a KV cache.
//
// There is one routine, [Attend]: every query of a block against what its KV
// head lets it see, with the log-sum-exp of each row on request. Prefill, decode
// and the measures that find lazy layers are all calls of it:
//
//	prefill   n queries, the heads of the cache
//	decode    1 query, the heads of the cache
//	measures  the last queries of a prompt twice: over the cache, and over a
//	          preview of it through the lazy window; see [Measure]
//
// [Votes] alone is not: it wants the weight of every single key, for the last
// queries, and works them out from the log-sum-exps.
//
// Visibility comes from [kv.Head.Visible] alone. All query heads of a KV head's
// group are handled together, so that keys and values are read once for all of
// them (GQA).
//
// Work is cut into pieces by the shape of the problem, never by the number of
// threads: results are the same bits on any number of cores.
package attn
