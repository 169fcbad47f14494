package sample

import (
	"slices"
	"strings"
)

// Stops ends a text at the first stop string, also when the string is spread
// over several tokens. It passes text on as soon as it cannot belong to a stop
// string any more:
//
//	stop "\nUser:"   pieces  "Yes." "\n" "Us" "ually" "\nUser" ": hi"
//	                 passed  "Yes." ""   ""   "\nUsually" ""   "" and stopped
//
// The stop string that is complete first counts, and of those that end together
// the longest; so the result does not depend on how the text is cut into pieces.
// The zero value has no stop strings and passes everything on.
type Stops struct {
	texts   []string
	longest int
	held    string // the end of the text so far, which may begin a stop string
	stopped bool
}

// NewStops watches for the given strings; empty ones are ignored.
func NewStops(texts ...string) *Stops {
	s := &Stops{}
	for _, t := range texts {
		if t != "" && !slices.Contains(s.texts, t) {
			s.texts = append(s.texts, t)
			s.longest = max(s.longest, len(t))
		}
	}
	return s
}

// Add takes the next piece of text and returns what may be shown. Once a stop
// string is complete it returns true, and the text before that string; from then
// on it returns nothing more.
func (s *Stops) Add(piece string) (text string, stopped bool) {
	if s.stopped {
		return "", true
	}
	all := s.held + piece
	from, end := 0, len(all)+1
	for _, t := range s.texts {
		if i := strings.Index(all, t); i >= 0 && (i+len(t) < end || i+len(t) == end && i < from) {
			from, end = i, i+len(t)
		}
	}
	if end <= len(all) {
		s.stopped, s.held = true, ""
		return all[:from], true
	}
	keep := min(s.longest-1, len(all))
	for ; keep > 0; keep-- {
		tail := all[len(all)-keep:]
		if slices.ContainsFunc(s.texts, func(t string) bool { return strings.HasPrefix(t, tail) }) {
			break
		}
	}
	keep = max(keep, 0)
	s.held = all[len(all)-keep:]
	return all[:len(all)-keep], false
}

// Flush returns the text still held back; call it when no more text comes.
func (s *Stops) Flush() string {
	held := s.held
	s.held = ""
	return held
}
