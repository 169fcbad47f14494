// Package model is the decoder-only transformer: its configuration, its weights
// and the one block that all supported architectures share.
//
//	x  = embedding of the ids                       [tokens][hidden]
//	for every layer:
//	    h  = RMSNorm(x)
//	    q, k, v = Wq h, Wk h, Wv h  (+ biases, + q/k norms)
//	    q, k = RoPE(q, k)
//	    k, v go into the KV cache
//	    x += Wo attention(q, cache)
//	    x += Wdown (SiLU(Wgate h') * Wup h'),  h' = RMSNorm(x)
//	logits = Whead RMSNorm(x)
//
// Which keys a query sees is the cache's business ([kv.Window] per KV head): the
// block never asks whether a layer is lazy. What a lazy head would lose is
// measured on request, right after the layer's attention ([Probe]).
//
// An architecture is a row of a static table (arch.go) and a small file that
// reads its configuration. Models come from Hugging Face folders and GGUF files;
// every configuration key is read, known to be without influence on inference,
// or an error.
package model
