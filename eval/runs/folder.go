package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Shard is one of Count parts of a run's records, from 0.
type Shard struct{ Index, Count int }

// Has reports whether record i of all belongs to the shard.
func (s Shard) Has(i int) bool { return i%s.Count == s.Index }

// String is what --shard reads, "0/4".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// A Folder is a run on disk that one process adds to, one shard of it. Its methods
// may not be used by several goroutines at once.
type Folder struct {
	Notices []string // what was found to be wrong with it, and repaired

	dir, name string // the shard's file is dir/name
	lock      *os.File
	file      *os.File
	size      int64
	done      map[key]string // prompt hash of what is answered
}

// A key is what is answered once.
type key struct{ task, id, policy string }

func keyOf(r *Result) key { return key{r.Task, r.ID, r.Policy} }

const configName = "config.json"

// Open begins a run in a folder, or goes on with the one that is there, which must
// have asked for the same. The shard is locked until Close, or the end of the
// process however it ends.
func Open(dir string, c Config, s Shard) (_ *Folder, err error) {
	f := &Folder{dir: dir, name: fmt.Sprintf("results-%d-of-%d.jsonl", s.Index, s.Count), done: map[key]string{}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("run folder %s: %w", dir, errors.Join(err, f.Close()))
		}
	}()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if f.lock, err = f.locked(fmt.Sprintf("shard %s", s), fmt.Sprintf(".lock-%d-of-%d", s.Index, s.Count), 0); err != nil {
		return nil, err
	}
	if err := f.configure(c); err != nil {
		return nil, err
	}
	if err := f.resume(); err != nil {
		return nil, err
	}
	f.file, err = os.OpenFile(filepath.Join(dir, f.name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	return f, err
}

// locked opens and locks a file of the folder, waiting for it at most so long.
func (f *Folder) locked(what, name string, wait time.Duration) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(f.dir, name), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		ok, err := tryLock(lock)
		if ok {
			return lock, nil
		}
		if err != nil {
			lock.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if time.Now().After(end) {
			lock.Close()
			return nil, fmt.Errorf("another process is at work on %s; let it finish or stop it, or give another --out or --shard", what)
		}
	}
}

// configure writes the configuration, or compares it with the one that is there.
func (f *Folder) configure(c Config) error {
	lock, err := f.locked("the configuration", ".lock-config", 10*time.Second) // shards that begin together
	if err != nil {
		return err
	}
	defer lock.Close()
	have, err := readConfig(f.dir)
	if err == nil {
		return have.differs(&c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if others, _ := filepath.Glob(filepath.Join(f.dir, "results-*.jsonl")); len(others) > 0 {
		return fmt.Errorf("it has results but no %s; give another --out", configName)
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(f.dir, configName)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o666); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// resume notes what has been answered, by any shard, and drops a torn last line
// of this one's own file.
func (f *Folder) resume() error {
	files, err := filepath.Glob(filepath.Join(f.dir, "results-*.jsonl"))
	if err != nil {
		return err
	}
	for _, path := range files {
		results, whole, torn, err := readResults(path)
		if err != nil {
			return err
		}
		for i := range results {
			if results[i].Error == "" {
				f.done[keyOf(&results[i])] = results[i].PromptHash
			}
		}
		if filepath.Base(path) != f.name {
			continue
		}
		if f.size = whole; torn {
			f.Notices = append(f.Notices, fmt.Sprintf("%s: its last line was torn; dropped, and asked again", path))
			if err := os.Truncate(path, whole); err != nil {
				return err
			}
		}
	}
	return nil
}

// Done reports whether a record is answered under a policy, and what its prompt's
// hash was.
func (f *Folder) Done(task, id, policy string) (promptHash string, done bool) {
	promptHash, done = f.done[key{task, id, policy}]
	return promptHash, done
}

// Append adds results, all of them or none, and has them written to the disk.
func (f *Folder) Append(results ...Result) error {
	var lines bytes.Buffer
	e := json.NewEncoder(&lines)
	e.SetEscapeHTML(false)
	for i := range results {
		if err := e.Encode(&results[i]); err != nil {
			return fmt.Errorf("result of %s, record %s: %w", results[i].Task, results[i].ID, err)
		}
	}
	_, err := f.file.Write(lines.Bytes())
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write to run folder %s: %w; what was answered before is kept: make room there and start the same command again",
			f.dir, errors.Join(err, os.Truncate(filepath.Join(f.dir, f.name), f.size)))
	}
	f.size += int64(lines.Len())
	for i := range results {
		if results[i].Error == "" {
			f.done[keyOf(&results[i])] = results[i].PromptHash
		}
	}
	return nil
}

// Close unlocks the shard.
func (f *Folder) Close() error {
	var errs []error
	for _, c := range []*os.File{f.file, f.lock} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	f.file, f.lock = nil, nil
	return errors.Join(errs...)
}

// readResults reads a file of results; whole is where its last whole line ends, torn
// says that something follows.
func readResults(path string) (results []Result, whole int64, torn bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, false, err
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if line[len(line)-1] != '\n' {
			break
		}
		var r Result
		err := json.Unmarshal(line, &r)
		if err != nil && int(whole)+len(line) == len(data) {
			break // torn, with the end of an older line behind it
		}
		if err == nil {
			err = r.check()
		}
		if err != nil {
			return nil, 0, false, fmt.Errorf("%s:%d: not a result: %w; delete the line to have that record asked again", path, number, err)
		}
		whole += int64(len(line))
		results = append(results, r)
	}
	return results, whole, whole < int64(len(data)), nil
}

// check reports a line that answers nothing.
func (r *Result) check() error {
	if r.Task == "" || r.ID == "" || r.Policy == "" {
		return errors.New(`it needs "task", "id" and "policy"`)
	}
	return nil
}
