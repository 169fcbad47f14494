package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
)

// An Answerer answers records: [Local] or [Remote].
type Answerer interface {
	// Answer returns a result for each policy, without scores. An error is that of
	// the record as a whole; of one policy alone it is in its result.
	Answer(ctx context.Context, r *task.Record, policies []runs.Policy) ([]runs.Result, error)
}

// A Run is work to do: the records of a shard that are not answered yet.
type Run struct {
	Records  []task.Record // of all shards
	Scorers  map[string]score.Scorer
	Policies []runs.Policy
	Shard    runs.Shard
	Folder   *runs.Folder
	Answerer Answerer
	Workers  int                                          // records at a time; 0: one
	Progress func(done, total int)                        // answers given now, and to give; may be nil
	Failed   func(r *task.Record, policy, message string) // told of every answer that failed; may be nil
}

// A Tally says what a run did.
type Tally struct {
	Answered int // now
	Failed   int // now; they are asked again when the run goes on
	Before   int // answered before
}

// Do answers what is open, and writes each record's results as soon as they are
// there. Only a folder that cannot be written, or ctx, ends it early.
func (r *Run) Do(ctx context.Context) (Tally, error) {
	todo, before, err := r.open()
	if err != nil {
		return Tally{}, err
	}
	total := answers(todo)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tally := Tally{Before: before}
	var mu sync.Mutex // over tally and folder
	finish := func(rec *task.Record, results []runs.Result) {
		mu.Lock()
		defer mu.Unlock()
		if err := r.Folder.Append(results...); err != nil {
			cancel(err)
			return
		}
		for i := range results {
			if results[i].Error == "" {
				tally.Answered++
			} else if tally.Failed++; r.Failed != nil {
				r.Failed(rec, results[i].Policy, results[i].Error)
			}
		}
		if r.Progress != nil {
			r.Progress(tally.Answered+tally.Failed, total)
		}
	}
	work := make(chan open)
	var workers sync.WaitGroup
	for range max(1, r.Workers) {
		workers.Go(func() {
			for t := range work {
				results, err := r.Answerer.Answer(ctx, t.record, t.policies)
				if ctx.Err() != nil {
					continue
				}
				if err != nil {
					results = failed(t.record, t.policies, err)
				}
				for i := range results {
					r.score(t.record, &results[i])
				}
				finish(t.record, results)
			}
		})
	}
send:
	for _, t := range todo {
		select {
		case work <- t:
		case <-ctx.Done():
			break send
		}
	}
	close(work)
	workers.Wait()
	return tally, context.Cause(ctx)
}

// open is a record and the policies it is not answered under.
type open struct {
	record   *task.Record
	policies []runs.Policy
}

// answers is how many there are to give.
func answers(todo []open) (n int) {
	for _, t := range todo {
		n += len(t.policies)
	}
	return n
}

func (r *Run) open() (todo []open, before int, err error) {
	for i := range r.Records {
		if !r.Shard.Has(i) {
			continue
		}
		rec := &r.Records[i]
		var policies []runs.Policy
		for _, p := range r.Policies {
			hash, done := r.Folder.Done(rec.Task, rec.ID, p.Name)
			if done && hash != promptHash(rec) {
				return nil, 0, fmt.Errorf("task %s, record %s: its prompt is not what it was when it was answered; the data has changed: give another --out", rec.Task, rec.ID)
			}
			if done {
				before++
			} else {
				policies = append(policies, p)
			}
		}
		if policies != nil {
			todo = append(todo, open{rec, policies})
		}
	}
	return todo, before, nil
}

// score says how good an answer is, if one was generated and something is right.
func (r *Run) score(rec *task.Record, res *runs.Result) {
	s, ok := r.Scorers[rec.Task]
	if res.Error != "" || rec.MaxTokens == 0 || len(rec.Reference.Answers) == 0 || !ok || s.Score == nil {
		return
	}
	v := s.Score(res.Prediction, rec.Reference)
	res.Score = &v
}

// failed are the results of a record that could not be asked.
func failed(rec *task.Record, policies []runs.Policy, err error) []runs.Result {
	var list []runs.Result
	for _, p := range policies {
		res := begin(rec, p.Name)
		res.Error = err.Error()
		list = append(list, res)
	}
	return list
}

// Records makes the records of some tasks, most of each at most (0: all). Optional
// tasks whose data is missing are skipped, but not all that there are of a group.
func Records(tasks []task.Task, o task.Options, most int) (all []task.Record, skipped []runs.Skipped, err error) {
	seen := map[string]bool{}
	there := map[string]bool{}    // groups that have records
	missing := map[string]error{} // of groups, the first task's that was skipped
	for _, t := range tasks {
		list, err := t.Records(o)
		if t.Optional && errors.Is(err, task.ErrNoData) {
			skipped = append(skipped, runs.Skipped{Task: t.Name, Why: strings.TrimPrefix(err.Error(), "task "+t.Name+": ")})
			missing[t.Group] = cmp.Or(missing[t.Group], err)
			continue
		}
		if err != nil {
			return nil, nil, err // it names the task
		}
		there[t.Group] = true
		if len(list) == 0 {
			return nil, nil, fmt.Errorf("task %s has no records", t.Name)
		}
		if most > 0 && most < len(list) {
			list = list[:most]
		}
		for i := range list {
			name := list[i].Task + "\x00" + list[i].ID
			if seen[name] {
				return nil, nil, fmt.Errorf("task %s: two records are called %q", t.Name, list[i].ID)
			}
			seen[name] = true
			if err := checkRecord(&list[i]); err != nil {
				return nil, nil, fmt.Errorf("task %s, record %q: %w", t.Name, list[i].ID, err)
			}
		}
		all = append(all, list...)
	}
	for _, t := range tasks {
		if err := missing[t.Group]; err != nil && !there[t.Group] {
			return nil, nil, err
		}
	}
	if len(all) == 0 {
		return nil, nil, errors.New("no tasks")
	}
	return all, skipped, nil
}
