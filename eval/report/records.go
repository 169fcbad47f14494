package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// A record is one prompt and what came back under each policy. Prompts with
// different text are different records, whatever they are called.
type record struct {
	task, id, hash string
	by             []*runs.Result // [policy], nil: not asked or failed
	cpu            []string       // [policy], the machine that answered
	failed         []bool         // [policy] an error came; nothing to those that answered later
}

// A collection is the results of one section, sorted by record.
type collection struct {
	list       []runs.Run
	policies   []runs.Policy
	here       []map[string]int // [run] policies by the run's own names
	full       int              // index of the policy that differences are from, or -1
	records    []*record        // by task, id, hash
	tasks      []string         // in the order of the runs
	duplicates int
	errors     map[string]int
}

// checkRun refuses what is no run, or says something that cannot be.
func checkRun(r *runs.Run) error {
	c := &r.Config
	switch {
	case c.Model == "" && c.ModelHash == "":
		return errors.New("the configuration names no model; is this a run's folder?")
	case len(c.Policies) == 0:
		return errors.New("the configuration names no policies; is this a run's folder?")
	case len(r.Results) == 0:
		return errors.New("no results yet; go on with the run first, or leave its folder out")
	}
	known := map[string]bool{}
	for _, p := range c.Policies {
		if p.Name == "" || known[p.Name] {
			return fmt.Errorf("the configuration has two policies named %q", p.Name)
		}
		known[p.Name] = true
	}
	for i := range r.Results {
		res := &r.Results[i]
		switch {
		case !known[res.Policy]:
			return fmt.Errorf("task %s, record %s: policy %q is not one of the configuration's; results of another run?", res.Task, res.ID, res.Policy)
		case !small(res.LazyLayers) || slices.ContainsFunc(res.LazyHeads, func(h [2]int) bool { return !small(h[:]) }):
			return fmt.Errorf("task %s, record %s, policy %s: a lazy layer or head outside 0 to %d; damaged results?", res.Task, res.ID, res.Policy, mostLayers-1)
		case res.Score != nil && !(*res.Score >= 0 && *res.Score <= 1): // NaN too
			return fmt.Errorf("task %s, record %s, policy %s: score %g; a score lies within 0 and 1", res.Task, res.ID, res.Policy, *res.Score)
		}
	}
	return nil
}

const mostLayers = 1024 // of any model, and heads of any layer

func small(indices []int) bool {
	return !slices.ContainsFunc(indices, func(i int) bool { return i < 0 || i >= mostLayers })
}

// collect merges the runs of one section.
func collect(list []runs.Run) *collection {
	c := &collection{list: list, full: -1, errors: map[string]int{}}
	index := map[runs.Policy]int{} // by definition: of two runs, the same name may mean two policies
	for _, r := range list {
		for _, p := range r.Config.Policies {
			if _, ok := index[p]; !ok {
				index[p] = len(c.policies)
				c.policies = append(c.policies, p)
			}
		}
		for _, t := range r.Config.Tasks {
			if !slices.Contains(c.tasks, t) {
				c.tasks = append(c.tasks, t)
			}
		}
	}
	rename(c.policies)
	c.full = slices.IndexFunc(c.policies, func(p runs.Policy) bool { return p.Spec == "full" && p.KV != "int8" })
	if c.full < 0 {
		c.full = slices.IndexFunc(c.policies, func(p runs.Policy) bool { return p.Spec == "full" })
	}
	type key struct{ task, id, hash string }
	found := map[key]*record{}
	for _, r := range list {
		here := map[string]int{}
		for _, p := range r.Config.Policies {
			here[p.Name] = index[p]
		}
		c.here = append(c.here, here)
		for i := range r.Results {
			res := &r.Results[i]
			k := key{res.Task, res.ID, res.PromptHash}
			rec := found[k]
			if rec == nil {
				n := len(c.policies)
				rec = &record{res.Task, res.ID, res.PromptHash, make([]*runs.Result, n), make([]string, n), make([]bool, n)}
				found[k] = rec
			}
			c.add(rec, here[res.Policy], res, r.Config.CPU)
		}
	}
	c.records = slices.SortedFunc(maps.Values(found), func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.task, b.task), cmp.Compare(a.id, b.id), cmp.Compare(a.hash, b.hash))
	})
	for _, rec := range c.records {
		if !slices.Contains(c.tasks, rec.task) {
			c.tasks = append(c.tasks, rec.task)
		}
	}
	return c
}

// add takes the first answer; an error stands only as long as there is none.
func (c *collection) add(rec *record, policy int, res *runs.Result, cpu string) {
	switch {
	case res.Error != "":
		c.errors[res.Error]++
		rec.failed[policy] = true
	case rec.by[policy] != nil:
		c.duplicates++
	default:
		rec.by[policy], rec.cpu[policy] = res, cpu
	}
}

// skipped are the tasks that a run left out and no other run has.
func (c *collection) skipped() (list []runs.Skipped) {
	for _, r := range c.list {
		for _, s := range r.Config.Skipped {
			if !slices.Contains(c.tasks, s.Task) && !slices.ContainsFunc(list, func(t runs.Skipped) bool { return t.Task == s.Task }) {
				list = append(list, s)
			}
		}
	}
	return list
}

// name is where a run lies.
func name(r *runs.Run) string { return strings.Join(r.Dirs, ", ") }

// rename tells policies of one name apart by what they differ in.
func rename(policies []runs.Policy) {
	differences := []func(p *runs.Policy) string{
		func(p *runs.Policy) string { return p.Spec },
		window,
		func(p *runs.Policy) string { return p.KV },
		planHash,
	}
	original := slices.Clone(policies)
	for i := range policies {
		var own []string
		for _, of := range differences {
			if slices.ContainsFunc(original, func(q runs.Policy) bool { return q.Name == original[i].Name && of(&q) != of(&original[i]) }) {
				own = append(own, of(&original[i]))
			}
		}
		if own != nil {
			policies[i].Name += " (" + strings.Join(own, ", ") + ")"
		}
	}
}

func planHash(p *runs.Policy) string {
	if p.PlanHash == "" {
		return "plan not known"
	}
	return "plan " + p.PlanHash[:min(len(p.PlanHash), 8)]
}

// answered reports whether there is an answer under every one of the policies.
func (r *record) answered(policies []int) bool {
	return !slices.ContainsFunc(policies, func(p int) bool { return r.by[p] == nil })
}

// all is the indices of all policies.
func (c *collection) all() []int {
	list := make([]int, len(c.policies))
	for i := range list {
		list[i] = i
	}
	return list
}

// count fills in how many records there are, and are not.
func (c *collection) count(s *Section) {
	everyone := c.all()
	for _, p := range c.policies {
		s.Policies = append(s.Policies, Policy{Number: len(s.Policies) + 1, Policy: p})
	}
	for _, rec := range c.records {
		anyone := slices.ContainsFunc(rec.by, func(r *runs.Result) bool { return r != nil })
		if anyone {
			s.Records++
		}
		if rec.answered(everyone) {
			s.Common++
		}
		for p := range s.Policies {
			switch {
			case rec.by[p] != nil:
				s.Policies[p].Answered++
				continue
			case rec.failed[p]:
				s.Policies[p].Failed++
			}
			if anyone {
				s.Policies[p].Others++
			}
		}
	}
	c.countMissing(s)
	for text, n := range c.errors {
		s.Errors = append(s.Errors, Failure{text, n})
	}
	slices.SortFunc(s.Errors, func(a, b Failure) int { return cmp.Or(b.Results-a.Results, cmp.Compare(a.Error, b.Error)) })
}

// countMissing compares with what was asked for. Shards of one run, which ask the
// same, are counted once.
func (c *collection) countMissing(s *Section) {
	type asked struct {
		question string
		policy   int
	}
	type seen struct{ task, id, hash string }
	got := map[asked]map[seen]bool{}
	wanted := map[asked]int{}
	for r, run := range c.list {
		q := question(run.Config)
		for _, p := range c.here[r] {
			wanted[asked{q, p}] = max(wanted[asked{q, p}], run.Config.Records)
		}
		for i := range run.Results {
			res := &run.Results[i]
			k := asked{q, c.here[r][res.Policy]}
			if got[k] == nil {
				got[k] = map[seen]bool{}
			}
			got[k][seen{res.Task, res.ID, res.PromptHash}] = true
		}
	}
	for k, n := range wanted {
		s.Policies[k.policy].Wanted += n
		s.Policies[k.policy].Missing += max(0, n-len(got[k]))
	}
}

// question is what a run asks, whatever the policies.
func question(c runs.Config) string {
	asks := c.Asks()
	asks.Policies = nil
	text, err := json.Marshal(asks)
	if err != nil {
		return "" // cannot be: strings and numbers
	}
	return string(text)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
