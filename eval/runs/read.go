package runs

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
)

// A Run is all there is of one configuration, of any number of shards and folders.
type Run struct {
	Dirs    []string
	Config  Config   // as the first folder has it
	Results []Result // by task, record and policy, each at most once: answers, and errors that nothing has answered since

	Missing    int      // asked for and not there
	Errored    int      // there as an error
	Duplicates int      // answers to what another shard or folder had answered; the first counts
	Notices    []string // torn lines
}

// Read reads folders of runs. Those that ask for the same are one run.
func Read(dirs ...string) ([]Run, error) {
	var all []Run
	for _, dir := range dirs {
		c, err := readConfig(dir)
		if err != nil {
			return nil, fmt.Errorf("run folder %s: %w", dir, err)
		}
		i := slices.IndexFunc(all, func(r Run) bool { return r.Config.differs(c) == nil })
		if i < 0 {
			i = len(all)
			all = append(all, Run{Config: *c})
		}
		all[i].Dirs = append(all[i].Dirs, dir)
	}
	for i := range all {
		if err := all[i].read(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Run) read() error {
	at := map[key]int{} // in Results
	for _, dir := range r.Dirs {
		files, err := filepath.Glob(filepath.Join(dir, "results-*.jsonl"))
		if err != nil {
			return err
		}
		for _, path := range files {
			results, _, torn, err := readResults(path)
			if err != nil {
				return err
			}
			if torn {
				r.Notices = append(r.Notices, fmt.Sprintf("%s: its last line is torn, or being written; left out", path))
			}
			for _, res := range results {
				i, there := at[keyOf(&res)]
				switch {
				case !there:
					at[keyOf(&res)] = len(r.Results)
					r.Results = append(r.Results, res)
				case res.Error == "" && r.Results[i].Error == "":
					r.Duplicates++
				case res.Error == "":
					r.Results[i] = res
				}
			}
		}
	}
	r.count()
	slices.SortFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Policy, b.Policy))
	})
	return nil
}

func (r *Run) count() {
	r.Errored = 0
	for i := range r.Results {
		if r.Results[i].Error != "" {
			r.Errored++
		}
	}
	r.Missing = max(0, r.Config.Records*len(r.Config.Policies)-len(r.Results))
}

// Only leaves what the named policies answered, as if no others had been asked for.
func (r *Run) Only(policies []string) {
	r.Config.Policies = slices.DeleteFunc(r.Config.Policies, func(p Policy) bool { return !slices.Contains(policies, p.Name) })
	r.Results = slices.DeleteFunc(r.Results, func(res Result) bool { return !slices.Contains(policies, res.Policy) })
	r.count()
}
