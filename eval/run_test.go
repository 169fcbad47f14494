package eval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
)

// answerer says "yes" to even records, fails at those of bad, and stops the run
// at its count-th record.
type answerer struct {
	asked atomic.Int64
	bad   map[string]bool
	stop  func(asked int64)
}

func (a *answerer) Answer(_ context.Context, r *task.Record, policies []runs.Policy) ([]runs.Result, error) {
	if n := a.asked.Add(1); a.stop != nil {
		a.stop(n)
	}
	if a.bad[r.ID] {
		return nil, errors.New("no luck")
	}
	var list []runs.Result
	for _, p := range policies {
		res := begin(r, p.Name)
		res.Prediction = "yes"
		if p.Name == "b" && r.ID == "3" {
			res.Error = "this one alone"
		}
		list = append(list, res)
	}
	return list, nil
}

func manyRecords(n int) (list []task.Record) {
	for i := range n {
		list = append(list, task.Record{Task: "t", ID: fmt.Sprint(i), Prompt: fmt.Sprint("question ", i), MaxTokens: 1, Reference: score.Reference{Answers: []string{"yes"}}})
	}
	return list
}

// do runs one start over a folder.
func do(t *testing.T, ctx context.Context, dir string, a Answerer, s runs.Shard, n int) (Tally, error) {
	t.Helper()
	r := &Run{Records: manyRecords(n), Policies: []runs.Policy{{Name: "a"}, {Name: "b"}}, Shard: s, Answerer: a, Workers: 3,
		Scorers: map[string]score.Scorer{"t": {Score: func(pred string, _ score.Reference) float64 { return float64(len(pred)) / 10 }}}}
	f, err := runs.Open(dir, runs.Config{Model: "m", Policies: r.Policies, Records: n}, s)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r.Folder = f
	return r.Do(ctx)
}

// Stopped again and again, in shards, a run ends with every answer exactly once, and
// asks nothing twice but what was under way.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	const n = 60
	var asked int64
	for _, s := range []runs.Shard{{Index: 0, Count: 2}, {Index: 1, Count: 2}} {
		for starts := 0; ; starts++ {
			ctx, cancel := context.WithCancel(context.Background())
			at := rand.Int64N(8) + 1
			a := &answerer{stop: func(n int64) {
				if n == at && starts < 6 {
					cancel()
				}
			}}
			_, err := do(t, ctx, dir, a, s, n)
			cancel()
			asked += a.asked.Load()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	}
	all, err := runs.Read(dir)
	if err != nil || len(all[0].Results) != 2*n || all[0].Missing != 0 || all[0].Duplicates != 0 || all[0].Errored != 1 {
		t.Fatalf("%v: %d results, %d missing, %d twice, %d errors", err, len(all[0].Results), all[0].Missing, all[0].Duplicates, all[0].Errored)
	}
	if asked > n+2*7*3 { // starts, workers
		t.Errorf("%d records asked for %d", asked, n)
	}
	for _, r := range all[0].Results {
		if r.Error == "" && (r.Score == nil || *r.Score != 0.3) {
			t.Errorf("%+v: not scored", r)
		}
	}
}

// What fails is said, kept, and asked again.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	whole := runs.Shard{Count: 1}
	tally, err := do(t, context.Background(), dir, &answerer{bad: map[string]bool{"2": true}}, whole, 5)
	if err != nil || tally != (Tally{Answered: 7, Failed: 3}) {
		t.Errorf("%+v, %v", tally, err)
	}
	a := &answerer{}
	if tally, err = do(t, context.Background(), dir, a, whole, 5); err != nil || tally != (Tally{Answered: 2, Failed: 1, Before: 7}) || a.asked.Load() != 2 {
		t.Errorf("asked %d: %+v, %v", a.asked.Load(), tally, err)
	}
	all, err := runs.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := Summarize(&all[0])
	if len(rows) != 2 || rows[0].Count != 5 || rows[1].Count != 4 || rows[1].Failed != 1 || *rows[0].Score != 30 || rows[0].NLL != nil {
		t.Errorf("%+v", rows)
	}

	// Other prompts under the same names are not taken for answered.
	r := &Run{Records: manyRecords(5), Policies: []runs.Policy{{Name: "a"}}, Shard: whole, Answerer: a}
	r.Records[4].Prompt = "another"
	if r.Folder, err = runs.Open(dir, all[0].Config, whole); err != nil {
		t.Fatal(err)
	}
	defer r.Folder.Close()
	if _, err := r.Do(context.Background()); err == nil || !strings.Contains(err.Error(), "record 4: its prompt is not what it was") {
		t.Errorf("changed data: %v", err)
	}
}

// The share of an int8 cache is that of full attention in bf16, as in reports.
func TestSummaryShare(t *testing.T) {
	r := runs.Run{Config: runs.Config{Policies: policiesOf(t, "full", "full@kv=int8", "streaming@kv=int8")}}
	for i, bytes := range []int64{100, 53, 25} {
		p := r.Config.Policies[i].Name
		r.Results = append(r.Results, runs.Result{Task: "t", ID: "1", Policy: p, KVBytes: bytes, KVFullBytes: []int64{100, 53, 53}[i]})
	}
	shares := func() (list []float64) {
		for _, w := range Summarize(&r) {
			list = append(list, w.KVShare)
		}
		return list
	}
	if got := shares(); !slices.Equal(got, []float64{1, 0.53, 0.25}) {
		t.Errorf("shares %g", got)
	}
	r.Results = r.Results[1:] // nothing to compare with but int8
	if got := shares(); !slices.Equal(got, []float64{1, 25. / 53}) {
		t.Errorf("without bf16: shares %g", got)
	}
}

func TestParsePolicy(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"p.json", "a,b@c.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"model":"m","layers":2,"lazy_layers":[1],"window":{"sink":1,"recent":9,"stride":4},"made_by":"","samples":0,"frequency":[]}`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for text, want := range map[string]string{
		"full":             "full 0/0+0 bf16",
		"full@kv=int8":     "full 0/0+0 int8",
		"streaming":        "streaming 4/124+0 bf16",
		"streaming@2/60+8": "streaming 2/60+8 bf16",
		"lighttransfer:lazy=0.25,by=error@kv=int8,0/5": "lighttransfer:lazy=0.25,by=error 0/5+0 int8",
		"plan:p.json":                       "plan:p.json 1/9+4 bf16",
		"plan:p.json,cut=after@kv=int8":     "plan:p.json,cut=after 1/9+4 int8",
		"plan:a,b@c.json":                   "plan:a,b@c.json 1/9+4 bf16",
		"plan:a,b@c.json,cut=after@kv=int8": "plan:a,b@c.json,cut=after 1/9+4 int8",
		"auto":                              "auto 4/124+0 bf16",
	} {
		p := policiesOf(t, text)[0]
		got := fmt.Sprintf("%s %d/%d+%d %s", p.Spec, p.Sink, p.Recent, p.Stride, p.KV)
		if got != want || p.Name != text || (p.PlanHash != "") != strings.HasPrefix(text, "plan:") {
			t.Errorf("%s: %s (%+v), want %s", text, got, p, want)
		}
	}
	for _, texts := range [][]string{{"full", "full"}, {"lazy"}, {"streaming@4"}, {"streaming@4/0"}, {"streaming@4/252,8/252"}, {"streaming@4/252+1"},
		{"streaming@kv=int4"}, {"streaming@"}, {"plan:nowhere.json@kv=int8"}, {"streaming@4/252 "}} {
		if p, err := ParsePolicies(texts, Settings{Last: 32, KV: "bf16"}); err == nil {
			t.Errorf("%q: no error but %+v", texts, p)
		}
	}
}

func TestFileTask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.jsonl")
	read := func(text string) ([]task.Record, error) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		list, _, err := Records([]task.Task{FileTask(path)}, task.Options{}, 0)
		return list, err
	}
	list, err := read(`{"prompt":"p","max_tokens":3,"reference":{"Answers":["A b","c"]}}` + "\n\n" + `{"id":"own","prompt":"q","target":"t"}`)
	if err != nil || len(list) != 2 || list[0].Task != "mine" || list[0].ID != "1" || list[1].ID != "own" {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := FileTask(path).Scorer.Score("well, a B", list[0].Reference); got != 0.5 {
		t.Errorf("score %g", got)
	}
	for text, want := range map[string]string{
		"":                             "mine.jsonl: there is no record in it",
		`{"prompt":"p"}`:               "neither an answer to generate",
		`{"prompt":"p","max_tokens":3`: "mine.jsonl: line 1: the last line is torn",
		`{"prompt":"p","max_tokens":3}{"prompt":"q","max_tokens":3}`: "mine.jsonl: line 1: invalid character '{' after top-level value",
		`["p"]`:            "mine.jsonl: line 1: not a record like",
		`{"prompts":"p"}`:  `unknown field "prompts"`,
		`{"max_tokens":3}`: "the prompt is empty",
		`{"id":"2","prompt":"p","max_tokens":3}` + "\n" + `{"prompt":"q","max_tokens":3}`: `two records are called "2"`,
		`{"task":"x","prompt":"p","max_tokens":3}`:                                        `its task is "x"`,
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Of a group, tasks without their data are skipped; asked for by name they are an
// error, as is a group of which nothing is there.
func TestSkippedTasks(t *testing.T) {
	made := func(name, group string, optional bool, err error) task.Task {
		return task.Task{Name: name, Group: group, Optional: optional, Records: func(task.Options) ([]task.Record, error) {
			if err != nil {
				return nil, fmt.Errorf("task %s: %w", name, err)
			}
			return []task.Record{{Task: name, ID: "0", Prompt: "p", MaxTokens: 1}}, nil
		}}
	}
	noData := fmt.Errorf("%w: give it", task.ErrNoData)
	there, without, broken := made("there", "g", true, nil), made("without", "g", true, noData), made("broken", "g", true, errors.New("line 3"))
	byName, whole := made("by_name", "g", false, noData), made("whole", "h", true, noData)
	all, skipped, err := Records([]task.Task{without, there}, task.Options{}, 0)
	if err != nil || len(all) != 1 || len(skipped) != 1 || skipped[0] != (runs.Skipped{Task: "without", Why: noData.Error()}) {
		t.Errorf("%+v, skipped %+v, %v", all, skipped, err)
	}
	for want, tasks := range map[string][]task.Task{
		"task broken: line 3":     {there, broken},
		"task by_name: its publ":  {there, byName},
		"task whole: its publish": {there, whole},
		"task without: its publ":  {without},
	} {
		if _, _, err := Records(tasks, task.Options{}, 0); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
