// Package lazy decides which layers, or which KV heads, of a model are lazy.
//
// A lazy layer looks at little more than the first and the last tokens, so its
// KV cache can be cut to those: to a [kv.Window] of attention sinks and recent
// tokens (and, when asked, a sample of the others). The rest keep everything.
// This package knows no tensors and no weights: it is told numbers and answers
// with windows.
//
// # Policies
//
// A [Policy] belongs to one sequence. Whoever owns the sequence
//
//  1. calls [Policy.Begin], which says what every KV head keeps from the first
//     token on (fixed choices: full, plan, streaming, longgen);
//  2. while the first prompt goes through the model layer by layer, offers an
//     [Observation] after each layer when [Policy.Needs] asks for one, and cuts
//     what the returned [Decision] values name (lighttransfer, threshold, random,
//     pyramid; squeeze, snapkv, minicache). Decisions may concern earlier layers;
//  3. asks nothing more: later prompts and decoding keep the choice.
//
// A first prompt of at most Sink+Recent tokens fits into the window: its lazy
// ratio is 1 and its output error 0 in every layer by definition, so there is
// nothing to compare. The caller offers no observations then and everything stays.
//
// Most decisions are windows. Methods that this one is compared with also pick single
// tokens ([kv.Pick]) or merge layers ([kv.Merge]); their argument keep is the share of
// full attention's bytes that is left of the prompt, so that all can be compared at
// equal bytes.
//
// A policy is written NAME[:ARGS], as in "lighttransfer:lazy=0.5,by=error,unit=head";
// [Parse] reads it, [Spec] writes it, [Policies] lists them all. Each policy is one
// file that says what it does, where it comes from and what it takes.
//
// # Plans
//
// A [Plan] is a fixed choice, made once and kept in a plan.json: by counting how
// often each layer was picked over many samples ([FromFrequency], as in
// LightTransfer-Train) or from measured errors ([FromScores], what calibration
// does). "plan:FILE" runs one, "plan:PRESET" one that comes with this package, and
// a [Store] keeps the plans that were calibrated, one per model.
//
// Methods and numbers: "LightTransfer: Your Long-Context LLM is Secretly a Hybrid
// Model with Effortless Adaptation", arXiv 2410.13846.
package lazy
