package eval

import (
	"cmp"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// A Row sums up the answers to one task under one policy.
type Row struct {
	Task    string   `json:"task"`
	Policy  string   `json:"policy"`
	Count   int      `json:"count"`           // answers
	Failed  int      `json:"failed"`          // records without one
	Score   *float64 `json:"score,omitempty"` // 0..100, mean of those that were scored
	NLL     *float64 `json:"nll,omitempty"`   // of a target's token, mean over records
	KL      *float64 `json:"kl,omitempty"`
	Kept    *float64 `json:"kept,omitempty"` // of the tokens that full attention gets right, in all records together
	KVBytes float64  `json:"mean_kv_bytes"`
	KVShare float64  `json:"kv_share"` // of what full attention holds; in bf16, if that was asked too
	Seconds float64  `json:"mean_seconds"`
	Tokens  float64  `json:"mean_prompt_tokens"`
}

// Summarize sums up a run by task and policy, in the order of its configuration.
// Policies that a task was not answered under have no row.
func Summarize(r *runs.Run) []Row {
	type cell struct{ task, policy string }
	results := map[cell][]*runs.Result{}
	type record struct{ task, id string }
	full := map[record]int64{} // bytes of full attention in bf16, where it answered
	for _, p := range r.Config.Policies {
		for i := range r.Results {
			if res := &r.Results[i]; p.Spec == "full" && p.KV != "int8" && res.Policy == p.Name && res.KVBytes > 0 {
				full[record{res.Task, res.ID}] = res.KVBytes
			}
		}
	}
	tasks := []string{}
	seen := map[string]bool{}
	for i := range r.Results {
		res := &r.Results[i]
		results[cell{res.Task, res.Policy}] = append(results[cell{res.Task, res.Policy}], res)
		if !seen[res.Task] {
			seen[res.Task] = true
			tasks = append(tasks, res.Task)
		}
	}
	var rows []Row
	for _, t := range tasks {
		for _, p := range r.Config.Policies {
			if list := results[cell{t, p.Name}]; list != nil {
				rows = append(rows, row(t, p.Name, list, func(res *runs.Result) int64 {
					return cmp.Or(full[record{t, res.ID}], res.KVFullBytes)
				}))
			}
		}
	}
	return rows
}

func row(task, policy string, list []*runs.Result, fullBytes func(*runs.Result) int64) Row {
	w := Row{Task: task, Policy: policy}
	var score, nll, kl, kept, kv, full, seconds, tokens mean
	for _, r := range list {
		if r.Error != "" {
			w.Failed++
			continue
		}
		w.Count++
		score.add(r.Score, 1)
		nll.add(r.NLL, 1)
		kl.add(r.KL, 1)
		if r.Kept != nil && r.FullRight != nil {
			kept.add(r.Kept, *r.FullRight)
		}
		for m, v := range map[*mean]float64{&kv: float64(r.KVBytes), &full: float64(fullBytes(r)), &seconds: r.Seconds, &tokens: float64(r.PromptTokens)} {
			m.add(&v, 1)
		}
	}
	w.Score, w.NLL, w.KL, w.Kept = score.scaled(100), nll.scaled(1), kl.scaled(1), kept.scaled(1)
	if w.Count > 0 {
		w.KVBytes, w.Seconds, w.Tokens = *kv.scaled(1), *seconds.scaled(1), *tokens.scaled(1)
		if full.sum > 0 {
			w.KVShare = kv.sum / full.sum
		}
	}
	return w
}

// mean is a weighted mean of what there is.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v *float64, weight int) {
	if v != nil {
		m.sum += *v * float64(weight)
		m.n += weight
	}
}

func (m *mean) scaled(by float64) *float64 {
	if m.n == 0 {
		return nil
	}
	v := m.sum / float64(m.n) * by
	return &v
}
