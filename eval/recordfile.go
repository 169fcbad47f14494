package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
)

// FileTask is a task of records of one's own: a JSONL file with a [task.Record] a
// line. Task and id may be left out; they are then the file's name and the line's
// number. An answer's score is the share of the reference's answers that it contains.
func FileTask(path string) task.Task {
	name := strings.TrimSuffix(filepath.Base(path), ".jsonl")
	return task.Task{Name: name, Group: "own", Summary: "records of " + path, Scorer: score.MatchAll,
		Records: func(task.Options) ([]task.Record, error) { return readRecords(path, name) }}
}

func readRecords(path, name string) ([]task.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []task.Record
	err = task.Lines(f, func(number int, line []byte) error {
		r := task.Record{Task: name, ID: fmt.Sprint(number)}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf(`not a record like {"prompt": "...", "max_tokens": 16, "reference": {"Answers": ["..."]}}: %w`, err)
		}
		if r.Task != name {
			return fmt.Errorf("its task is %q; leave it out, or call it %q like the file", r.Task, name)
		}
		list = append(list, r)
		return nil
	})
	if err == nil && len(list) == 0 {
		err = errors.New("there is no record in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}
