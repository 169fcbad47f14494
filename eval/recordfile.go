package eval

import (
	"bytes"
	"encoding/json"
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
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []task.Record
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r := task.Record{Task: name, ID: fmt.Sprint(number)}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf(`%s:%d: not a record like {"prompt": "...", "max_tokens": 16, "reference": {"Answers": ["..."]}}: %w`, path, number, err)
		}
		if r.Task != name {
			return nil, fmt.Errorf("%s:%d: its task is %q; leave it out, or call it %q like the file", path, number, r.Task, name)
		}
		list = append(list, r)
	}
	return list, nil
}
