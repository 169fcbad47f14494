package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// A fork of a session that has read everything is a session of the fork's policy
// that has read it itself: the same decisions, the same bytes, the same bits, in
// what follows too.
func TestForkIsStraight(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 700)
	then := []int32{17, 300, 42, 5, 611}
	plan := filepath.Join(t.TempDir(), "plan.json")
	text := `{"model":"tiny","layers":8,"lazy_layers":[1,5],"lazy_heads":[[2,0],[3,0,70,16]],"window":{"sink":3,"recent":90,"stride":8},"made_by":"","samples":0,"frequency":[]}`
	if err := os.WriteFile(plan, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, precision := range []string{"bf16", "int8"} {
		for _, n := range []int{100, 600} {
			full := session(t, m, SessionOptions{Policy: "full", KV: precision, Forks: true})
			if err := full.Prefill(context.Background(), ids[:n]); err != nil {
				t.Fatal(err)
			}
			for _, policy := range append(slices.Clone(policies), "plan:"+plan+",cut=after") {
				for _, w := range []kv.Window{tinyWindow, {Sink: 2, Recent: 60, Stride: 8}} {
					what := fmt.Sprintf("%s, window %s, %s, %d tokens", policy, w, precision, n)
					o := SessionOptions{Policy: policy, Window: w, KV: precision}
					f, err := full.Fork(o)
					if policy == "streaming" || policy == "longgen" {
						if !errors.Is(err, ErrFork) {
							t.Errorf("%s: a policy that streams: %v", what, err)
						}
						continue
					}
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					straight := session(t, m, o)
					if err := straight.Prefill(context.Background(), ids[:n]); err != nil {
						t.Fatal(err)
					}
					sameReport(t, what, f.Report(), straight.Report())
					same := func(where string) {
						t.Helper()
						if !slices.Equal(f.Logits(), straight.Logits()) {
							t.Fatalf("%s: %s: other logits", what, where)
						}
					}
					same("prompt")
					for _, s := range []*Session{f, straight} { // a later turn, and tokens
						if err := s.Prefill(context.Background(), ids[:n+60]); err != nil {
							t.Fatal(err)
						}
					}
					same("later turn")
					for _, id := range then {
						for _, s := range []*Session{f, straight} {
							if err := s.decode(id); err != nil {
								t.Fatal(err)
							}
						}
						same("answer")
					}
					sameReport(t, what+", at the end", f.Report(), straight.Report())
					f.Close()
				}
			}
		}
	}
}

// sameReport compares but for times.
func sameReport(t *testing.T, what string, got, want Report) {
	t.Helper()
	for _, r := range []*Report{&got, &want} {
		r.Prefill, r.Decode = Speed{}, Speed{}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: report\n%+v\nwant\n%+v", what, got, want)
	}
}

func TestForkRefusals(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 400)
	read := func(o SessionOptions) *Session {
		s := session(t, m, o)
		if err := s.Prefill(context.Background(), ids); err != nil {
			t.Fatal(err)
		}
		return s
	}
	grown := read(SessionOptions{Policy: "full", Forks: true})
	if err := grown.decode(5); err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func() (*Session, error){
		"without Forks": func() (*Session, error) { return read(SessionOptions{Policy: "full"}).Fork(SessionOptions{}) },
		"not read":      func() (*Session, error) { return session(t, m, SessionOptions{Forks: true}).Fork(SessionOptions{}) },
		"lazy": func() (*Session, error) {
			return read(SessionOptions{Policy: "streaming", Forks: true}).Fork(SessionOptions{})
		},
		"cut": func() (*Session, error) {
			return read(SessionOptions{Policy: "random", Forks: true}).Fork(SessionOptions{})
		},
		"grown": func() (*Session, error) { return grown.Fork(SessionOptions{}) },
		"another precision": func() (*Session, error) {
			return read(SessionOptions{Policy: "full", Forks: true}).Fork(SessionOptions{KV: "int8"})
		},
		"another last": func() (*Session, error) {
			return read(SessionOptions{Policy: "full", Forks: true}).Fork(SessionOptions{Last: 7})
		},
	} {
		if _, err := f(); !errors.Is(err, ErrFork) {
			t.Errorf("fork of a session %s: %v", what, err)
		}
	}
	if _, err := read(SessionOptions{Policy: "full", Forks: true}).Fork(SessionOptions{Budget: 1 << 10}); !errors.Is(err, ErrMemory) {
		t.Errorf("fork beyond the budget: %v", err)
	}
}

// A copy goes on as the original does; neither disturbs the other.
func TestCopy(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 500)
	for _, policy := range policies {
		s := session(t, m, SessionOptions{Policy: policy})
		if err := s.Prefill(context.Background(), ids[:450]); err != nil {
			t.Fatal(err)
		}
		c, err := s.Copy()
		if err != nil {
			t.Fatal(err)
		}
		sameReport(t, policy, dropPeak(c.Report()), dropPeak(s.Report()))
		want := logitsOf(t, s, ids, 20)
		got := logitsOf(t, c, ids, 20)
		near(t, policy, got, want, 0)
		c.Close()
	}
}

// dropPeak: a copy holds what is there now, not what once was.
func dropPeak(r Report) Report { r.KV.PeakBytes = 0; return r }

// Forced tokens give the logits that decoding them one by one gives.
func TestForce(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 700)
	const n, then = 500, 200
	for _, policy := range policies {
		s := session(t, m, SessionOptions{Policy: policy, block: 128})
		want := logitsOf(t, s, ids, then)
		s = session(t, m, SessionOptions{Policy: policy, block: 128})
		if err := s.Prefill(context.Background(), ids[:n]); err != nil {
			t.Fatal(err)
		}
		got := make([][]float32, then+1)
		if err := s.Force(context.Background(), ids[n:], func(i int, logits []float32) { got[i] = slices.Clone(logits) }); err != nil {
			t.Fatal(err)
		}
		got[then] = s.Logits()
		if len(s.IDs()) != len(ids) {
			t.Fatalf("%s: %d tokens held", policy, len(s.IDs()))
		}
		near(t, policy, got, want, 0.08)
	}
	s := session(t, m, SessionOptions{Policy: "full", Context: 510})
	if err := s.Force(context.Background(), ids[:3], nil); err == nil {
		t.Error("forcing into an empty session: no error")
	}
	if err := s.Prefill(context.Background(), ids[:n]); err != nil {
		t.Fatal(err)
	}
	if err := s.Force(context.Background(), ids[n:], nil); !errors.Is(err, ErrContext) {
		t.Errorf("forcing beyond the context: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Force(ctx, ids[n:n+5], func(int, []float32) {}); !errors.Is(err, context.Canceled) || len(s.IDs()) != n {
		t.Errorf("cancelled: %v, %d tokens held", err, len(s.IDs()))
	}
}
