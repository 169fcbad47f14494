package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
)

// A prediction is a line of a file of predictions.
type prediction struct {
	preds []string // the answer, or several samples of it
	ref   score.Reference
}

// score is the mean over the samples, 0..1.
func (p *prediction) score(s score.Scorer) float64 {
	sum := 0.0
	for _, pred := range p.preds {
		sum += s.Score(pred, p.ref)
	}
	return sum / float64(len(p.preds))
}

// predictions reads a file and checks that each line has what the metric needs.
func (a *app) predictions(file string, s score.Scorer) ([]prediction, error) {
	var in io.Reader = a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	} else if a.typed() {
		return nil, usagef("no predictions: give a file, or send one to the standard input")
	}
	var list []prediction
	err := task.Lines(in, func(_ int, line []byte) error {
		p, err := parsePrediction(line)
		if err == nil {
			err = s.Check(p.ref)
		}
		list = append(list, p)
		return err
	})
	if err == nil && len(list) == 0 {
		err = errors.New("there are no predictions in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", inputName(file), err)
	}
	return list, nil
}

func parsePrediction(line []byte) (p prediction, err error) {
	var fields struct {
		Pred, Answer, Answers json.RawMessage
		Classes               json.RawMessage `json:"all_classes"`
		Length                json.RawMessage
	}
	if err := json.Unmarshal(line, &fields); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			err = errors.New("not a JSON object")
		}
		return p, err
	}
	if p.preds, err = texts(fields.Pred, "pred"); err != nil {
		return p, err
	}
	if len(p.preds) == 0 {
		return p, errors.New(`"pred" is an empty list`)
	}
	if given(fields.Answers) || !given(fields.Answer) {
		p.ref.Answers, err = texts(fields.Answers, "answers")
	} else {
		p.ref.Answers, err = texts(fields.Answer, "answer")
	}
	if err == nil && given(fields.Classes) {
		p.ref.Classes, err = texts(fields.Classes, "all_classes")
	}
	if err == nil && given(fields.Length) && json.Unmarshal(fields.Length, &p.ref.Length) != nil {
		err = errors.New(`"length" is not a whole number`)
	}
	return p, err
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// texts reads a field that is a text, a number, or a list of texts.
func texts(raw json.RawMessage, name string) ([]string, error) {
	if !given(raw) {
		return nil, fmt.Errorf("no %q", name)
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return []string{number.String()}, nil
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil {
		return nil, fmt.Errorf("%q is neither a text nor a list of texts", name)
	}
	all := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, fmt.Errorf("%q has a null", name)
		}
		all[i] = *s
	}
	return all, nil
}
