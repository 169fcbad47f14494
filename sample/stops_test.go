package sample

import (
	"fmt"
	"strings"
	"testing"
)

func TestStopsStreaming(t *testing.T) {
	s := NewStops("\nUser:", "", "END")
	var passed []string
	for _, p := range []string{"Yes.", "\n", "Us", "ually", "\nUser", ": hi", "more"} {
		text, stopped := s.Add(p)
		passed = append(passed, fmt.Sprint(text, stopped))
	}
	want := []string{"Yes.false", "false", "false", "\nUsuallyfalse", "false", "true", "true"}
	if got := fmt.Sprintf("%q", passed); got != fmt.Sprintf("%q", want) {
		t.Errorf("got %s, want %q", got, want)
	}
	if s.Flush() != "" {
		t.Error("text after the stop")
	}
}

func TestStopsFlush(t *testing.T) {
	s := NewStops("END")
	if text, stopped := s.Add("the EN"); text != "the " || stopped {
		t.Errorf("got %q %v", text, stopped)
	}
	if got := s.Flush(); got != "EN" {
		t.Errorf("flush: got %q", got)
	}
	var zero Stops
	if text, stopped := zero.Add("all"); text != "all" || stopped {
		t.Errorf("zero value: got %q %v", text, stopped)
	}
}

func TestStopsFirstComplete(t *testing.T) {
	for _, pieces := range [][]string{{"xabcd"}, {"xab", "cd"}, {"x", "a", "b", "c", "d"}} {
		s := NewStops("abcd", "bc", "c")
		got := ""
		for _, p := range pieces {
			text, _ := s.Add(p)
			got += text
		}
		if got != "xa" {
			t.Errorf("%q: got %q, want %q", pieces, got, "xa")
		}
	}
}

// FuzzStops compares streaming with a search in the whole text.
func FuzzStops(f *testing.F) {
	f.Add("hello world", "o w", "ld", uint64(3))
	f.Add("aaaaab", "aab", "ab", uint64(0))
	f.Add("\u00fc\u00fc\u20ac", "\u20ac", "", uint64(7))
	f.Fuzz(func(t *testing.T, text, stop1, stop2 string, cuts uint64) {
		want, hit, end := text, false, len(text)+1
		for _, stop := range []string{stop1, stop2} {
			i := strings.Index(text, stop)
			if stop == "" || i < 0 {
				continue
			}
			if e := i + len(stop); e < end || e == end && i < len(want) {
				want, hit, end = text[:i], true, e
			}
		}
		s := NewStops(stop1, stop2)
		got, stopped := "", false
		for i := 0; i < len(text) && !stopped; {
			n := min(int(cuts&3)+1, len(text)-i)
			cuts = cuts>>2 | cuts<<62
			var out string
			out, stopped = s.Add(text[i : i+n])
			got += out
			i += n
			if !stopped && len(text[:i])-len(got) >= max(len(stop1), len(stop2), 1) {
				t.Fatalf("holds back %d bytes", len(text[:i])-len(got))
			}
		}
		got += s.Flush()
		if got != want || stopped != hit {
			t.Fatalf("%q with stops %q, %q: got %q %v, want %q %v", text, stop1, stop2, got, stopped, want, hit)
		}
	})
}
