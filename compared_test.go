package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// The methods we compare with keep the share of full attention's bytes they are told
// to, within a page per layer, and what is announced of them holds.
func TestComparedKeepTheirShare(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 2600)
	for _, c := range []struct {
		policy string
		keep   float64
		late   bool // the peak is full attention's
	}{
		{"squeeze", 0.5, true}, {"squeeze:keep=0.25,p=0.5", 0.25, true}, {"squeeze:keep=1", 1, true},
		{"snapkv", 0.5, false}, {"snapkv:keep=0.2,pool=avg,kernel=5", 0.2, false}, {"snapkv:keep=1", 1, false},
		{"minicache", 0.75, false}, {"minicache:keep=0.6,gamma=0.5", 0.6, false}, {"minicache:keep=1", 1, false},
	} {
		for _, o := range []SessionOptions{{KV: "bf16"}, {KV: "int8"}, {KV: "bf16", Context: 2600}} {
			n := 1000
			if o.Context > 0 {
				n = 2500
			}
			o.Policy, o.block = c.policy, 128
			t.Run(fmt.Sprintf("%s/%s/%d", c.policy, o.KV, n), func(t *testing.T) { keepsItsShare(t, m, o, ids, n, c.keep, c.late) })
		}
	}
}

func keepsItsShare(t *testing.T, m *Model, o SessionOptions, ids []int32, n int, keep float64, late bool) {
	c := m.Config()
	s := session(t, m, o)
	peak := s.kvPeak(n, n)
	if err := s.Prefill(context.Background(), ids[:n]); err != nil {
		t.Fatal(err)
	}
	r := s.Report()
	page := s.pool.Precision().PageBytes(c.HeadDim)
	want, less := int64(keep*float64(r.KV.FullBytes)), page*int64(c.KVHeads)
	if strings.HasPrefix(o.Policy, "minicache") {
		less *= int64(2 * n / kv.PageTokens) // whole pairs are merged
	}
	if off := r.KV.Bytes - want; off > page || -off > less {
		t.Errorf("%d bytes, want %d", r.KV.Bytes, want)
	}
	if r.KV.PeakBytes > peak {
		t.Errorf("%d bytes at peak, %d announced", r.KV.PeakBytes, peak)
	}
	if got := r.KV.PeakBytes >= r.KV.FullBytes; keep < 1 && got != late {
		t.Errorf("%d bytes at peak, full attention has %d", r.KV.PeakBytes, r.KV.FullBytes)
	}
	d, err := Describe("tiny")
	if err != nil {
		t.Fatal(err)
	}
	o.Window = tinyWindow
	f, err := d.Footprint(o)
	if err != nil {
		t.Fatal(err)
	}
	if off := f.Bytes(n) - r.KV.Bytes; off < 0 || off > r.KV.FullBytes/8 {
		t.Errorf("%d bytes, foretold %d", r.KV.Bytes, f.Bytes(n))
	}
	// What it takes to go on is known too.
	need := s.kvPeak(n+100, n+100)
	if err := s.Prefill(context.Background(), ids[:n+100]); err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); r.ReusedTokens != n || r.KV.Bytes > need || need > max(r.KV.PeakBytes, r.KV.Bytes+2*page*int64(c.Layers*c.KVHeads)) {
		t.Errorf("100 tokens more: %d reused, %d bytes, %d announced", r.ReusedTokens, r.KV.Bytes, need)
	}
}

// A picked head goes back as far as it has kept everything, no further.
func TestSnapKVGoesBack(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 800)
	s := session(t, m, SessionOptions{Policy: "snapkv:keep=0.4"})
	logitsOf(t, s, ids[:700], 0)
	if r := s.Report(); r.PickedHeads != m.Config().Layers*m.Config().KVHeads || len(r.LazyLayers) != m.Config().Layers || r.DroppedMass != nil {
		t.Errorf("%d heads picked, lazy layers %v, dropped %v", r.PickedHeads, r.LazyLayers, r.DroppedMass)
	}
	want := logitsOf(t, s, ids, 0)
	for _, c := range []struct{ same, reused int }{{720, 720}, {668, 668}, {667, 0}} {
		other := slices.Concat(ids[:c.same], ids[:20])
		logitsOf(t, s, other, 0)
		if r := s.Report(); r.ReusedTokens != c.reused {
			t.Errorf("%d tokens in common: %d reused, want %d", c.same, r.ReusedTokens, c.reused)
		}
		if c.reused > 0 {
			logitsOf(t, s, ids, 0)
			near(t, "back again", logitsOf(t, s, ids, 0), want, 0.08)
		}
	}
}

// What is picked or merged gives up the way back that Rewind holds: another question
// about the same text reads it again, and says what a fresh start says.
func TestComparedAnotherQuestion(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 900)
	other := slices.Concat(ids[:850], ids[500:530])
	for _, policy := range []string{"snapkv:keep=0.4", "minicache:keep=0.75"} {
		o := SessionOptions{Policy: policy, Rewind: true}
		s := session(t, m, o)
		logitsOf(t, s, append(ids[:900:900], ids[:40]...), 40)
		got := logitsOf(t, s, other, 3)
		if r := s.Report(); r.ReusedTokens != 0 || r.KV.Bytes != s.pool.Bytes() {
			t.Errorf("%s: %d tokens reused, %d bytes of %d", policy, r.ReusedTokens, r.KV.Bytes, s.pool.Bytes())
		}
		near(t, policy, got, logitsOf(t, session(t, m, o), other, 3), 0)
	}
}

// A budget that holds the share but not the whole cache serves snapkv, which cuts
// while it reads, and not squeeze, which cuts at the end.
func TestComparedAdmission(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 2500)
	c := m.Config()
	full := kv.BF16.NeedBytes(make([]kv.Window, c.Layers*c.KVHeads), len(ids), 1, c.HeadDim)
	o := SessionOptions{Policy: "snapkv:keep=0.25", Budget: full * 3 / 5}
	if err := session(t, m, o).Prefill(context.Background(), ids); err != nil {
		t.Error(err)
	}
	o.Policy = "squeeze:keep=0.25"
	if err := session(t, m, o).Prefill(context.Background(), ids); !errors.Is(err, ErrMemory) {
		t.Errorf("squeeze with %d bytes of %d: %v", o.Budget, full, err)
	}
}
