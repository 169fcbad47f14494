package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/lighttransfer/lighttransfer/eval/task"
)

// A Table is one measure over the tasks of a group: policies against tasks.
type Table struct {
	Measure   string   `json:"measure"`
	Title     string   `json:"title"`
	Unit      string   `json:"unit"`
	Lower     bool     `json:"lower_is_better"`
	Intervals string   `json:"intervals"` // what they are of: "difference" to full attention, or "value"
	Policies  []string `json:"policies"`
	Average   *Column  `json:"average,omitempty"` // over the tasks that all these policies have; nil: there is none
	Averaged  []string `json:"averaged_tasks"`
	Paper     *Column  `json:"average_of_the_papers_16,omitempty"` // LongBench's tasks that the paper averages, if all are there
	Tasks     []Column `json:"tasks"`
	Lengths   []Column `json:"lengths,omitempty"` // averages at each length of prompts
	Points    []*Point `json:"points,omitempty"`  // quality against KV bytes, of the average
	Choices   []Choice `json:"choices,omitempty"`

	m *measure
}

// A Column is a task, a length, or the average.
type Column struct {
	Name    string  `json:"name"`
	Records int     `json:"records"` // the same ones under every policy
	Cells   []*Cell `json:"cells"`   // [policy]; nil: not answered under this policy
}

// A Cell is a value with its 95 % interval.
type Cell struct {
	Value float64  `json:"value"`
	Diff  *float64 `json:"difference,omitempty"` // to full attention on the same records
	Low   *float64 `json:"low,omitempty"`        // of the difference, or of the value where there is no full attention
	High  *float64 `json:"high,omitempty"`
}

// table makes the table of a measure over a group's tasks; nil: nothing measured it.
func (c *collection) table(m *measure, group string) *Table {
	t := &Table{Measure: m.key, Title: m.title, Unit: m.unit, Lower: m.lower, m: m, Intervals: "difference"}
	if m.itself || c.full < 0 && m.defined == nil {
		t.Intervals = "value"
	}
	var samples []*sample
	for _, task := range c.tasks {
		if groupOf(task) != group {
			continue
		}
		if s := c.sample(m, task, c.ofTask(task)); s != nil {
			samples = append(samples, s)
		}
	}
	if len(samples) == 0 {
		return nil
	}
	var compared []int // policies in any of the tasks
	for _, p := range c.all() {
		if slices.ContainsFunc(samples, func(s *sample) bool { return s.values[p].weight != nil }) {
			compared = append(compared, p)
			t.Policies = append(t.Policies, c.policies[p].Name)
		}
	}
	if !slices.ContainsFunc(compared, func(p int) bool { return p != c.full }) && m.defined != nil {
		return nil // full attention beside itself
	}
	var shared []*sample // that all have
	for _, s := range samples {
		t.Tasks = append(t.Tasks, c.column(s.name, []*sample{s}, compared))
		if !slices.ContainsFunc(compared, func(p int) bool { return s.values[p].weight == nil }) {
			shared = append(shared, s)
			t.Averaged = append(t.Averaged, s.name)
		}
	}
	if len(shared) > 0 {
		col := c.column("average", shared, compared)
		t.Average = &col
		t.Paper = c.paper(m, shared, compared)
		t.Lengths = c.lengths(m, group, shared, compared)
		c.points(t, shared, compared)
	}
	return t
}

// paper averages the tasks that published figures stand on; nil: not all are there,
// or no others.
func (c *collection) paper(m *measure, samples []*sample, compared []int) *Column {
	tasks, err := task.Find("longbench16")
	if err != nil || m.key != "score" {
		return nil
	}
	var part []*sample
	for _, s := range samples {
		if slices.ContainsFunc(tasks, func(t task.Task) bool { return t.Name == s.name }) {
			part = append(part, s)
		}
	}
	if len(part) < len(tasks) || len(part) == len(samples) {
		return nil
	}
	col := c.column("the paper's 16", part, compared)
	return &col
}

func (c *collection) ofTask(task string) (list []*record) {
	for _, rec := range c.records {
		if rec.task == task {
			list = append(list, rec)
		}
	}
	return list
}

// column averages over samples, for the policies that are compared.
func (c *collection) column(name string, samples []*sample, compared []int) Column {
	col := Column{Name: name}
	for _, s := range samples {
		col.Records += len(s.records)
	}
	cells := average(samples, len(c.policies))
	for _, p := range compared {
		if p == c.full && cells[p] != nil {
			cells[p] = &Cell{Value: cells[p].Value} // no difference to itself
		}
		col.Cells = append(col.Cells, cells[p])
	}
	return col
}

// sample takes the records that all policies have which have any; nil: there is none.
func (c *collection) sample(m *measure, name string, records []*record) *sample {
	s := &sample{name: name, values: make([]values, len(c.policies))}
	var with []int // policies that have measured any
	for _, p := range c.all() {
		if m.defined != nil && p == c.full {
			continue
		}
		if slices.ContainsFunc(records, func(r *record) bool { _, w := m.of(r.by[p]); return w > 0 }) {
			with = append(with, p)
		}
	}
	for _, rec := range records {
		if !slices.ContainsFunc(with, func(p int) bool { _, w := m.of(rec.by[p]); return w <= 0 }) {
			s.records = append(s.records, rec)
		}
	}
	if len(with) == 0 || len(s.records) == 0 {
		return nil
	}
	switch {
	case m.itself:
		s.of = ofValue
	case m.defined != nil, slices.Contains(with, c.full):
		s.of = ofDifference
	case c.full < 0:
		s.of = ofValue
	}
	if m.defined != nil && c.full >= 0 {
		with = append(with, c.full)
	}
	for _, p := range with {
		s.values[p] = c.values(m, s.records, p, s.of)
	}
	return s
}

// values reads a policy's, and takes the differences.
func (c *collection) values(m *measure, records []*record, p int, what of) values {
	var list values
	for _, rec := range records {
		value, weight, base := 0.0, 1.0, 0.0
		if m.defined != nil && p == c.full {
			value = *m.defined
		} else {
			value, weight = m.of(rec.by[p])
		}
		if m.defined != nil {
			base = *m.defined
		} else if what == ofDifference {
			base, _ = m.of(rec.by[c.full])
		}
		list.value = append(list.value, value)
		list.weight = append(list.weight, weight)
		list.diff = append(list.diff, value-base)
	}
	return list
}

// lengths averages the same records at each length of prompts that the tasks were
// made for, or in LongBench-E's groups of length; nil: there are not several.
func (c *collection) lengths(m *measure, group string, samples []*sample, compared []int) (columns []Column) {
	at := map[float64][]*sample{}
	var all []*record
	for _, s := range samples {
		all = append(all, s.records...)
	}
	fact, bin, title := "length", lengthBins(all), tokens
	if group == "longbench-e" {
		fact, title = "group", wordGroup
	}
	for _, s := range samples {
		parts := map[float64][]*record{}
		for _, rec := range s.records {
			if length, ok := rec.fact(fact); ok {
				parts[bin(length)] = append(parts[bin(length)], rec)
			}
		}
		for length, records := range parts {
			part := &sample{name: s.name + "/" + number(length), records: records, values: make([]values, len(c.policies)), of: s.of}
			for _, p := range compared {
				part.values[p] = c.values(m, records, p, s.of)
			}
			at[length] = append(at[length], part)
		}
	}
	if len(at) < 2 {
		return nil
	}
	for _, length := range sortedKeys(at) {
		columns = append(columns, c.column(title(length), at[length], compared))
	}
	return columns
}

// fact is one of the record's facts, which are the same under every policy.
func (r *record) fact(name string) (float64, bool) {
	for _, res := range r.by {
		if res != nil {
			x, ok := res.Facts[name]
			return x, ok && finite(x)
		}
	}
	return 0, false
}

// lengthBins are the lengths themselves where they are few, else powers of two up
// to which they go.
func lengthBins(records []*record) func(float64) float64 {
	return bins(records, "length", func(x float64) float64 { return math.Exp2(math.Ceil(math.Log2(max(x, 1)))) })
}

// depthBins are the depths themselves where they are few, else the middles of tenths.
func depthBins(records []*record) func(float64) float64 {
	return bins(records, "depth", func(x float64) float64 { return (min(math.Floor(10*x), 9) + 0.5) / 10 })
}

func bins(records []*record, fact string, coarse func(float64) float64) func(float64) float64 {
	const few = 16
	seen := map[float64]bool{}
	for _, rec := range records {
		if x, ok := rec.fact(fact); ok {
			seen[x] = true
		}
	}
	if len(seen) <= few {
		return func(x float64) float64 { return x }
	}
	return coarse
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
