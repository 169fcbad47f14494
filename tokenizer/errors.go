package tokenizer

import (
	"fmt"
	"strings"
)

// FormatError reports a tokenizer that is damaged or contradicts itself: it
// was truncated, a value has the wrong type, a merge names a token that does
// not exist.
type FormatError struct {
	File  string // "tokenizer.json", "tokenizer_config.json" or "GGUF metadata"
	Where string // JSON path or metadata key; empty for the file as a whole
	What  string // what is wrong
	Err   error  // cause, or nil
}

func (e *FormatError) Error() string {
	s := place(e.File, e.Where) + e.What
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FormatError) Unwrap() error { return e.Err }

// UnsupportedError reports a well-formed tokenizer that asks for something
// this package does not do. Reading it anyway would give wrong ids.
type UnsupportedError struct {
	File  string // as in FormatError
	Where string // as in FormatError
	What  string // the thing that is not supported, by name
	Hint  string // what is supported, or what to do; may be empty
}

func (e *UnsupportedError) Error() string {
	s := place(e.File, e.Where) + e.What + " is not supported"
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func place(file, where string) string {
	parts := []string{"tokenizer"}
	if file != "" {
		parts = append(parts, file)
	}
	if where != "" {
		parts = append(parts, where)
	}
	return strings.Join(parts, ": ") + ": "
}

func malformed(file, where, format string, args ...any) error {
	return &FormatError{File: file, Where: where, What: fmt.Sprintf(format, args...)}
}

func unsupported(file, where, what, hint string) error {
	return &UnsupportedError{File: file, Where: where, What: what, Hint: hint}
}
