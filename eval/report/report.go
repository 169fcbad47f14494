package report

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// A Report is everything that is shown, and the document of --json.
type Report struct {
	Models []*Section `json:"models"`
}

// A Section is about one model reading prompts up to one length: what may be
// compared. Runs that differ in either are never mixed.
type Section struct {
	Model      string    `json:"model"`
	ModelHash  string    `json:"model_hash,omitempty"`
	Context    int       `json:"context"`
	Runs       []RunInfo `json:"runs"`
	Policies   []Policy  `json:"policies"`
	Full       string    `json:"full,omitempty"` // the policy that differences are from; "": none in these runs
	Records    int       `json:"records"`        // different ones, answered under any policy
	Common     int       `json:"common_records"` // answered under all policies
	Duplicates int       `json:"duplicate_results,omitempty"`
	Notices    []string  `json:"notices,omitempty"` // what was wrong with the files
	Errors     []Failure `json:"errors,omitempty"`
	Groups     []*Group  `json:"groups"`
	Lazy       *Lazy     `json:"lazy,omitempty"`
	Speed      []Speed   `json:"speed,omitempty"`
	Answers    []Changed `json:"changed_answers,omitempty"`

	Skipped []runs.Skipped `json:"skipped_tasks,omitempty"` // asked for by their group, and answered in none of the runs
}

// RunInfo says where results come from.
type RunInfo struct {
	Dirs      []string `json:"dirs"`
	CPU       string   `json:"cpu,omitempty"`
	Kernels   string   `json:"kernels,omitempty"`
	Version   string   `json:"version,omitempty"`
	Command   string   `json:"command,omitempty"`
	Endpoints []string `json:"endpoints,omitempty"`
	Seed      uint64   `json:"seed"`
}

// A Policy is one way of computing, and how many records stand behind it.
type Policy struct {
	Number int `json:"number"` // as figures name it, from 1
	runs.Policy
	Wanted   int `json:"wanted_records"`
	Answered int `json:"answered_records"`
	Failed   int `json:"failed_records"`
	Missing  int `json:"missing_records"`
	Others   int `json:"records_of_other_policies_only"` // answered under others, not under this
}

// A Failure is an error and how often it came.
type Failure struct {
	Error   string `json:"error"`
	Results int    `json:"results"`
}

// A Group is tasks that are averaged together.
type Group struct {
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	Tables    []*Table   `json:"tables"`
	Needles   []*Needle  `json:"needles,omitempty"`
	Published *Published `json:"published,omitempty"`
}

// Make compares runs. Each model, and each length that prompts are cut to, gets a
// section of its own.
func Make(list []runs.Run) (*Report, error) {
	if len(list) == 0 {
		return nil, errors.New("no runs to report on")
	}
	var parts [][]runs.Run // by what may be compared
	for _, r := range list {
		if err := checkRun(&r); err != nil {
			return nil, fmt.Errorf("%s: %w", name(&r), err)
		}
		i := slices.IndexFunc(parts, func(p []runs.Run) bool { return comparable(&p[0].Config, &r.Config) })
		if i < 0 {
			i, parts = len(parts), append(parts, nil)
		}
		parts[i] = append(parts[i], r)
	}
	rep := &Report{}
	for _, part := range parts {
		rep.Models = append(rep.Models, makeSection(part))
	}
	return rep, nil
}

// comparable reports whether two runs ask the same model with equally long prompts.
func comparable(a, b *runs.Config) bool {
	if a.Context != b.Context || a.ModelHash != b.ModelHash {
		return false
	}
	return a.ModelHash != "" || a.Model == b.Model // a file has the same hash wherever it lies
}

func makeSection(list []runs.Run) *Section {
	c := collect(list)
	first := &list[0].Config
	s := &Section{Model: first.Model, ModelHash: first.ModelHash, Context: first.Context, Duplicates: c.duplicates}
	for _, r := range list {
		s.Notices = append(s.Notices, r.Notices...)
		s.Runs = append(s.Runs, RunInfo{r.Dirs, r.Config.CPU, r.Config.Kernels, r.Config.Version, r.Config.Command, r.Config.Endpoints, r.Config.Seed})
	}
	s.Skipped = c.skipped()
	if c.full >= 0 {
		s.Full = c.policies[c.full].Name
	}
	c.count(s)
	for _, name := range c.groups() {
		g := &Group{Name: name, Title: groupTitle(name), Published: published[name]}
		for i := range measures {
			if t := c.table(&measures[i], name); t != nil {
				g.Tables = append(g.Tables, t)
			}
		}
		g.Needles = c.needles(name)
		if len(g.Tables) > 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	s.Lazy = c.lazy()
	s.Speed = c.speed()
	s.Answers = c.changed()
	return s
}
