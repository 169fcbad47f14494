// Package eval answers the records of tasks (eval/task) with a local model or
// over OpenAI-compatible endpoints, scores them (eval/score) and keeps them in a
// folder (eval/runs).
//
// Policies that decide while a prompt is read do not change what reading
// computes, they only cut what is kept afterwards. So one reading serves all of
// them: the cache is forked per policy, each fork is cut as its policy decides, and
// answers from there.
package eval
