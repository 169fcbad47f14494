// Package lighttransfer runs long-context language models with a hybrid KV cache.
//
// In a transformer many layers are lazy: they attend almost only to the first
// tokens (the sinks) and to the most recent ones. LightTransfer (arXiv
// 2410.13846) finds them while the prompt is read and lets them keep just those
// tokens; the other layers keep everything. The model is the one you already
// have; the memory of long prompts halves and decoding speeds up.
//
// # First steps
//
//	m, err := lighttransfer.Open("SmolLM2.gguf") // or a Hugging Face folder, a hub id, "tiny"
//	s, err := m.NewSession(lighttransfer.SessionOptions{Policy: "lighttransfer:lazy=0.5"})
//	for tok := range s.Generate(ctx, "Why is the sky blue?") {
//		fmt.Print(tok.Text)
//	}
//	if err := s.Err(); err != nil { ... }
//	fmt.Println(s.Report().KV.Bytes)
//
// # What is what
//
// A [Model] is weights, tokenizer and chat template; it does not change and can
// serve many sessions. A [Session] is one conversation: it owns the KV cache
// (package kv) and the policy (package lazy) and is the only place where they
// meet. Generating again on the same session continues it: what the cache holds
// of the new prompt is not computed a second time. A [Batch] decodes several
// sessions together.
//
// A policy says which layers or KV heads are lazy:
//
//	full                                attention everywhere, the reference
//	lighttransfer:lazy=0.5              the paper's method: decided per prompt by the lazy ratio
//	lighttransfer:by=error,unit=head    the same queue by output error, per KV head
//	plan:FILE                           a fixed list, made by Calibrate or from data
//	auto (the default)                  the model's calibrated plan if there is one, else full
//
// [lazy.Policies] lists all of them.
//
// # Invariants
//
//   - Which key a query sees follows from one definition, [kv.Window].
//   - Results do not depend on the number of threads.
//   - Bytes reported are bytes held; a budget is checked before the work starts.
//   - Temperature 0 is exact argmax, ties to the lower id.
package lighttransfer
