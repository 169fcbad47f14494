package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/lighttransfer/lighttransfer/eval/score"
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
	name := file
	if file == "-" {
		name = "standard input"
	}
	var list []prediction
	r := bufio.NewReaderSize(in, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		last := err == io.EOF
		if len(bytes.TrimSpace(line)) > 0 {
			p, err := parsePrediction(line)
			if err == nil {
				err = s.Check(p.ref)
			}
			if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) && last {
				err = fmt.Errorf("the last line is torn, so what wrote the file was interrupted; take the line out to score the rest: %w", err)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
			}
			list = append(list, p)
		}
		if last {
			break
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no predictions", name)
	}
	return list, nil
}

func parsePrediction(line []byte) (p prediction, err error) {
	if !utf8.Valid(line) {
		return p, errors.New("not UTF-8")
	}
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
