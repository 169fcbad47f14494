package runs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var config = Config{Model: "m.gguf", ModelHash: "abc", Tasks: []string{"t"}, Policies: []Policy{{Name: "full"}, {Name: "lazy"}}, Records: 5, Seed: 1}

func open(t *testing.T, dir string, s Shard) *Folder {
	t.Helper()
	f, err := Open(dir, config, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func result(id, policy string) Result {
	return Result{Task: "t", ID: id, Policy: policy, Prediction: strings.Repeat("é", 50)}
}

func done(f *Folder, id, policy string) bool {
	_, ok := f.Done("t", id, policy)
	return ok
}

// ids are what a run holds, in its order, errors marked.
func ids(r Run) string {
	var list []string
	for _, res := range r.Results {
		mark := ""
		if res.Error != "" {
			mark = "!"
		}
		list = append(list, res.ID+"/"+res.Policy+mark)
	}
	return strings.Join(list, " ")
}

func TestGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "run")
	f := open(t, dir, Shard{0, 1})
	failed := result("b", "lazy")
	failed.Error = "no answer"
	if err := f.Append(result("b", "full"), failed); err != nil {
		t.Fatal(err)
	}
	if err := f.Append(result("a", "lazy")); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f = open(t, dir, Shard{0, 1})
	if !done(f, "b", "full") || !done(f, "a", "lazy") || done(f, "b", "lazy") || done(f, "a", "full") {
		t.Errorf("done: %v", f.done)
	}
	all, err := Read(dir)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if r := all[0]; ids(r) != "a/lazy b/full b/lazy!" || r.Missing != 7 || r.Errored != 1 || r.Duplicates != 0 {
		t.Errorf("%s; %+v", ids(r), r)
	}
	if err := f.Append(result("b", "lazy")); err != nil { // asked again
		t.Fatal(err)
	}
	if all, _ = Read(dir); ids(all[0]) != "a/lazy b/full b/lazy" || all[0].Errored != 0 || all[0].Duplicates != 0 {
		t.Errorf("%s; %+v", ids(all[0]), all[0])
	}
}

// A file cut at any byte loses the line that was cut, and nothing else.
func TestTornAnywhere(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, Shard{0, 1})
	for i := range 3 {
		if err := f.Append(result(fmt.Sprint(i), "full"), result(fmt.Sprint(i), "lazy")); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	path := filepath.Join(dir, "results-0-of-1.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		cut := rand.IntN(len(whole) + 1)
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(whole[:cut], []byte("\n"))
		torn := cut > 0 && whole[cut-1] != '\n'
		all, err := Read(dir)
		if err != nil || len(all[0].Results) != lines || torn != (len(all[0].Notices) == 1) {
			t.Fatalf("cut at %d: %v, %+v", cut, err, all)
		}
		f := open(t, dir, Shard{0, 1})
		if len(f.done) != lines || torn != (len(f.Notices) == 1) {
			t.Fatalf("cut at %d: %d of %d lines, %q", cut, len(f.done), lines, f.Notices)
		}
		if err := f.Append(result("x", "full")); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if all, err = Read(dir); err != nil || len(all[0].Results) != lines+1 {
			t.Fatalf("cut at %d, gone on: %v, %+v", cut, err, all)
		}
	}
	if err := os.WriteFile(path, []byte("{\"task\":\n"+string(whole)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "results-0-of-1.jsonl:1: not a result") {
		t.Errorf("a broken line in the middle: %v", err)
	}
}

// Shards of one folder and of another are one run; what two of them answered
// counts once.
func TestShards(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for i, dir := range []string{a, a, b} {
		f := open(t, dir, Shard{i, 3})
		if err := f.Append(result(fmt.Sprint(i), "full"), result(fmt.Sprint(i), "lazy")); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, b, Shard{0, 2})
	if err := f.Append(result("1", "full"), result("4", "full")); err != nil {
		t.Fatal(err)
	}
	other := config
	other.Seed = 2
	c := filepath.Join(t.TempDir(), "c")
	g, err := Open(c, other, Shard{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	all, err := Read(a, b, c)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if r := all[0]; ids(r) != "0/full 0/lazy 1/full 1/lazy 2/full 2/lazy 4/full" || r.Missing != 3 || r.Duplicates != 1 || len(r.Dirs) != 2 {
		t.Errorf("%s; %+v", ids(r), r)
	}
	if r := all[1]; r.Missing != 10 {
		t.Errorf("%+v", r)
	}
	n := 0
	for i := range 100 {
		for s := range 7 {
			if (Shard{s, 7}).Has(i) {
				n++
			}
		}
	}
	if n != 100 {
		t.Errorf("7 shards have %d of 100 records", n)
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no run") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Shard{1, 2})
	if _, err := Open(dir, config, Shard{1, 2}); err == nil || !strings.Contains(err.Error(), "another process is at work on shard 1/2") {
		t.Errorf("two at one shard: %v", err)
	}
	open(t, dir, Shard{0, 2})
	other := config
	other.Limit, other.Policies, other.Command, other.Model, other.CPU = 3, config.Policies[:1], "another", "elsewhere/m.gguf", "z80"
	_, err := Open(dir, other, Shard{0, 3})
	if err == nil || !strings.Contains(err.Error(), `limit was 0, is 3`) || !strings.Contains(err.Error(), `policies was ["full","lazy"], is ["full"]`) {
		t.Errorf("another configuration: %v", err)
	}
	other = config
	other.Policies = append([]Policy{}, config.Policies...)
	other.Policies[1].Recent = 60
	if _, err := Open(dir, other, Shard{0, 3}); err == nil || !strings.Contains(err.Error(), `"recent":60`) {
		t.Errorf("another policy of the same name: %v", err)
	}
	other = config
	other.Skipped = []Skipped{{Task: "x", Why: "said otherwise on another machine"}}
	if f, err := Open(dir, other, Shard{0, 3}); err != nil {
		t.Errorf("why tasks were skipped is not what is asked: %v", err)
	} else {
		f.Close()
	}
	if strings.Contains(err.Error(), "command") || strings.Contains(err.Error(), "model") || strings.Contains(err.Error(), "z80") {
		t.Errorf("who computes may change: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "run"), config, Shard{0, 1}); err == nil {
		t.Error("a folder that cannot be made: no error")
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, config, Shard{0, 4}); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged configuration: %v", err)
	}
}

// A write that fails leaves what was there, whole.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, Shard{0, 1})
	if err := f.Append(result("a", "full")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, f.name)
	readOnly, err := os.Open(path) // what every write to it answers is an error
	if err != nil {
		t.Fatal(err)
	}
	f.file.Close()
	f.file = readOnly
	if err := f.Append(result("b", "full")); err == nil || !strings.Contains(err.Error(), "start the same command again") {
		t.Errorf("a disk that takes nothing: %v", err)
	}
	if done(f, "b", "full") {
		t.Error("what was not written is done")
	}
	if all, err := Read(dir); err != nil || ids(all[0]) != "a/full" {
		t.Errorf("%v, %v", all, err)
	}
}

// A process that is killed while it appends leaves whole lines, at most one torn,
// and no lock.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("RUNS_TEST_DIR"); dir != "" {
		f, err := Open(dir, config, Shard{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			if id := fmt.Sprint(i); !done(f, id, "full") {
				if err := f.Append(result(id, "full"), result(id, "lazy")); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	dir := t.TempDir()
	for range 4 {
		c := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		c.Env = append(os.Environ(), "RUNS_TEST_DIR="+dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(100+rand.IntN(150)) * time.Millisecond)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait()
	}
	f := open(t, dir, Shard{0, 1}) // nothing stands in the way
	f.Close()
	all, err := Read(dir)
	if err != nil || all[0].Duplicates != 0 || len(all[0].Results) == 0 {
		t.Fatalf("%v, %d results", err, len(all[0].Results))
	}
	seen := map[string]bool{}
	for _, r := range all[0].Results {
		if r.Policy == "full" {
			seen[r.ID] = true
		}
	}
	for i := range len(seen) {
		if !seen[fmt.Sprint(i)] {
			t.Fatalf("of %d records, %d is lost", len(seen), i)
		}
	}
}
