// Package kv is the hybrid KV cache of one sequence.
//
// Every KV head of every layer has a [Window] of its own. A head whose window
// is full keeps every token. A lazy head keeps the sinks, a recent window and,
// with a stride, every Stride-th older token, and nothing else.
//
// The unit of storage is a [Page]: 128 tokens of one KV head of one layer, keys
// after RoPE, in the layouts that the attention kernels read (internal/kernel).
// A head is two lists of pages:
//
//	kept   | s0 s1 s2 s3 | sample 0, 1, 2, ...      slots in this order; lazy heads only
//	recent |page f|page f+1|...|page l|             position p is slot p%128 of page p/128
//
// A full head has no kept pages and f = 0. A lazy head copies a token into kept
// when it is a sink or when it leaves the recent window as a sample, and gives
// a recent page back to the [Pool] as soon as no later query can see into it.
// [Cache.Demote] turns a full head into a lazy one at any time; the other way
// there is none.
//
// A window says the same of every query, wherever it is. [Cache.Pick] cuts a full
// head in another way, once: to a list of tokens of the past, copied into kept as
// they are, and everything from a position on, the tokens to come included. Every
// later query sees all of that. A picked head's Window is the zero one and says
// nothing; [Head.Visible] knows.
//
// [Cache.Merge] makes one of a head and the same head a layer below: their whole
// pages become shared pages of unit directions, and for each layer the tokens'
// lengths. For the time of an attention, from Append to the next layer's Append or to
// Release, the pages of a merged layer are made again in scratch pages, so that
// attention sees a full head. That is slow, and meant for comparisons.
//
// Life of a block of tokens in a layer:
//
//	Append   keys and values of positions [n, n+b) enter the pages and the samples are taken
//	         (attention reads the heads here: each query its own visible part)
//	Release  pages that no query from now on can see return to the pool
//
// Between Append and Release everything that any query of the block sees is
// there, whatever the window: a block may be longer than the window.
//
// [Cache.Hold] puts aside the pages that lazy heads need to go back to one
// position, for a sequence that may go on differently from there.
//
// The package knows nothing of softmax or policies. Bytes reported are bytes
// held: a page counts from the moment it leaves the pool until it returns.
package kv
