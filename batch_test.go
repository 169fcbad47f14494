package lighttransfer

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// Sequences of different lengths and policies, decoded together, say what each
// says alone, to the bit.
func TestBatchIsEachAlone(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 1200)
	next := []int32{17, 300, 42, 5, 611, 90, 33, 12}
	var together []*Session
	var alone [][][]float32
	for i, policy := range policies {
		n := 60 + 80*i
		together = append(together, session(t, m, SessionOptions{Policy: policy}))
		if err := together[i].Prefill(context.Background(), ids[:n]); err != nil {
			t.Fatal(err)
		}
		s := session(t, m, SessionOptions{Policy: policy})
		alone = append(alone, logitsOf(t, s, append(slices.Clone(ids[:n]), next...), len(next)))
	}
	b, err := NewBatch(together...)
	if err != nil {
		t.Fatal(err)
	}
	for step, id := range next {
		if err := b.Step(slices.Repeat([]int32{id}, len(together))); err != nil {
			t.Fatal(err)
		}
		for i, s := range together {
			if !slices.Equal(s.Logits(), alone[i][step+1]) {
				t.Fatalf("step %d: %s says something else in a batch", step, policies[i])
			}
		}
	}
}

func TestBatchRefusals(t *testing.T) {
	m := openTiny(t)
	if _, err := NewBatch(); err == nil {
		t.Error("an empty batch: no error")
	}
	if _, err := NewBatch(session(t, m, SessionOptions{}), session(t, openTiny(t), SessionOptions{})); err == nil {
		t.Error("two models: no error")
	}
	a, short := session(t, m, SessionOptions{}), session(t, m, SessionOptions{Context: 20})
	for _, s := range []*Session{a, short} {
		if err := s.Prefill(context.Background(), prompt(m, 200)[:20]); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := NewBatch(a, short)
	if err := b.Step([]int32{3}); err == nil {
		t.Error("one token for two sessions: no error")
	}
	if err := b.Step([]int32{3, 4}); !errors.Is(err, ErrContext) || len(a.IDs()) != 20 {
		t.Errorf("a full context: %v, the other session holds %d tokens", err, len(a.IDs()))
	}
}
