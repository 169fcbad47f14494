package jinja

import (
	"errors"
	"fmt"
	"time"
)

// Error is a failure of a template: it does not parse, or it raised an error
// while it ran.
type Error struct {
	Name string // of the template
	Line int    // in the template, from 1; 0 when unknown
	Msg  string
	Err  error // the cause, or nil: ErrLimit, ErrRaised
}

// ErrRaised is wrapped by the errors a template raises on purpose, by calling
// raise_exception: the conversation does not suit it.
var ErrRaised = errors.New("raised by the template")

func (e *Error) Error() string {
	where := "chat template"
	if e.Name != "" {
		where += fmt.Sprintf(" %q", e.Name)
	}
	if e.Line > 0 {
		where += fmt.Sprintf(", line %d", e.Line)
	}
	return where + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// Template is a parsed template. It is not changed by rendering, so it may be
// used from several goroutines.
type Template struct {
	name string
	body []stmt
}

// Parse parses a template; name is used in errors.
func Parse(name, src string) (*Template, error) {
	if len(src) > maxSource {
		return nil, &Error{name, 0, fmt.Sprintf("the source has %d bytes, more than %d", len(src), maxSource), ErrLimit}
	}
	toks, err := lex(src)
	if err != nil {
		return nil, named(name, err)
	}
	p := parser{toks: toks}
	body, _, err := p.body()
	if err != nil {
		return nil, named(name, err)
	}
	return &Template{name, body}, nil
}

func named(name string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Name = name
		return e
	}
	return &Error{Name: name, Msg: err.Error(), Err: err}
}

// Render runs the template with the given variables and returns its text and
// the ranges of it that came from data. size is what the variables hold, in
// bytes; the limits grow with it. now is the clock of strftime_now.
func (t *Template) Render(vars map[string]Value, size int, now func() time.Time) (string, []Span, error) {
	x := &exec{
		budget: budget{
			steps: maxSteps + size/workUnit*bytesFactor,
			bytes: maxBytes + size*bytesFactor,
		},
		now:   now,
		scope: &scope{parent: globals},
		out:   &builder{},
	}
	for k, v := range vars {
		x.scope.set(k, v)
	}
	if _, err := x.run(t.body); err != nil {
		return "", nil, named(t.name, err)
	}
	out := x.out.str()
	return out.s, out.data, nil
}
