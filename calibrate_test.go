package lighttransfer

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/probe"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// Calibration finds the layer that retrieves, and the same on any number of threads.
func TestCalibrateTiny(t *testing.T) {
	one, err := Options{Threads: 1}.Open("tiny")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	var last, total int
	o := CalibrateOptions{Window: tinyWindow, MaxError: 0.05, Progress: func(done, of int) {
		if done < last || done > of {
			t.Fatalf("progress from %d to %d of %d", last, done, of)
		}
		last, total = done, of
	}}
	a, err := one.Calibrate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if last != total || total != 10*1500 { // six probes, two checks twice
		t.Errorf("progress ends at %d of %d", last, total)
	}
	top, second := -1.0, -1.0
	for l, heads := range a.Error {
		if l != 4 {
			second = max(second, heads[0])
		} else {
			top = heads[0]
		}
	}
	if top < 1.5*second {
		t.Errorf("layer 4 loses %.3f, another layer %.3f: %.3f", top, second, a.Error)
	}
	if a.Probes != 6 || a.Plan.Samples != 6 || a.Plan.Model != "tiny" || a.Plan.ModelHash != one.Hash() || a.Plan.Window != tinyWindow {
		t.Errorf("%d probes, plan %+v", a.Probes, a.Plan)
	}
	for _, h := range a.Plan.LazyHeads {
		if h.Layer == 4 || a.Error[h.Layer][h.KVHead] >= 0.05 {
			t.Errorf("layer %d is lazy and loses %.3f", h.Layer, a.Error[h.Layer][h.KVHead])
		}
	}
	for _, d := range a.CheckNLLDifference {
		if d > CheckLimit {
			t.Errorf("checks: %.3f", a.CheckNLLDifference)
		}
	}

	o.Progress = nil
	b, err := openTiny(t).Calibrate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Error, b.Error) || !reflect.DeepEqual(a.CheckNLLDifference, b.CheckNLLDifference) {
		t.Errorf("one thread: %v %v\ntwo: %v %v", a.Error, a.CheckNLLDifference, b.Error, b.CheckNLLDifference)
	}
}

// A share, by layers and by ratio; a plan that takes the retrieving layer is found out.
func TestCalibrateChecks(t *testing.T) {
	m := openTiny(t)
	c, err := m.Calibrate(context.Background(), CalibrateOptions{Window: tinyWindow, Lazy: 1, Unit: "layer", By: "ratio"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Plan.LazyLayers) != 8 || len(c.Plan.LazyHeads) != 0 {
		t.Errorf("plan %+v", c.Plan)
	}
	if worst := slices.Max(c.CheckNLLDifference); worst < 1 {
		t.Errorf("with every layer lazy the checks are %.3f", c.CheckNLLDifference)
	}
	for _, row := range c.Error {
		if row[0] < 0 || row[0] > 1 {
			t.Errorf("lost attention %v", c.Error)
		}
	}
}

func TestCalibrateRefuses(t *testing.T) {
	m := openTiny(t)
	for want, o := range map[string]CalibrateOptions{
		"unit":                           {Unit: "token"},
		"by":                             {By: "mass"},
		"cannot be lazy":                 {Lazy: 1.1},
		"an error of at most":            {MaxError: -1},
		"stride 1":                       {Window: kv.Window{Sink: 4, Recent: 10, Stride: 1}},
		"needs a recent part":            {Window: kv.Window{Sink: 4}},
		"too few to look back":           {Window: kv.Window{Sink: 4, Recent: 4000}},
		"none of 1 samples":              {Samples: []Sample{{Text: "Short."}}},
		"sample 2: no text":              {Samples: []Sample{{Text: "Short."}, {}}},
		"the last -1 queries":            {Last: -1},
		"give one of \"text\", \"prompt": {Samples: []Sample{{Text: "a", Prompt: "b"}}},
	} {
		if _, err := m.Calibrate(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Calibrate(ctx, CalibrateOptions{Window: tinyWindow}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// Probes weigh by kind: questions half, the other kinds the rest in equal parts.
func TestWeight(t *testing.T) {
	all := map[probe.Kind]float64{probe.Copy: 2, probe.Random: 2, probe.List: 2, probe.Question: 4}
	if w := weight(probe.Question, all); w != 0.5 {
		t.Errorf("questions weigh %v", w)
	}
	if w := weight(probe.List, all); math.Abs(w-1./6) > 1e-15 {
		t.Errorf("lists weigh %v", w)
	}
	delete(all, probe.Question)
	if w := weight(probe.Copy, all); math.Abs(w-1./3) > 1e-15 {
		t.Errorf("without questions copies weigh %v", w)
	}
	if w := weight(own, map[probe.Kind]float64{own: 7}); w != 1 {
		t.Errorf("own samples weigh %v", w)
	}
}

// A sweep, which holds one layer at a time, measures what a session measures.
func TestSweepEqualsSession(t *testing.T) {
	m := openTiny(t)
	ids := tinyGoldens(t)[len(tinyGoldens(t))-1].IDs
	for _, w := range []kv.Window{tinyWindow, {Sink: 4, Recent: 60, Stride: 8}} {
		s, err := m.NewSession(SessionOptions{Policy: "full", Window: w, Measure: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Prefill(context.Background(), ids); err != nil {
			t.Fatal(err)
		}
		seen, err := m.Sweep(context.Background(), ids, model.Probe{Last: DefaultLast, Ratio: true, Error: true}, []kv.Window{{Sink: 1, Recent: 9}, w}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		r := s.Report()
		for l, o := range seen[1] {
			if o.Ratio != *r.LazyRatio[l] || o.Error != *r.OutputError[l] || !slices.Equal(o.HeadRatio, r.HeadRatio[l]) || !slices.Equal(o.HeadError, r.HeadError[l]) {
				t.Errorf("window %s, layer %d: sweep %v, session %v %v", w, l, o, *r.LazyRatio[l], *r.OutputError[l])
			}
		}
	}
}

// The NLL of tokens is that of a session's logits before each.
func TestNLL(t *testing.T) {
	m := openTiny(t)
	ids := tinyGoldens(t)[1].IDs
	const n = 3
	for _, policy := range []string{"full", "streaming"} {
		w := kv.Window{Sink: 1, Recent: 8}
		windows := make([]kv.Window, m.model.Layers*m.model.KVHeads)
		if policy == "streaming" {
			for i := range windows {
				windows[i] = w
			}
		}
		got, err := m.NLL(context.Background(), ids, n, windows)
		if err != nil {
			t.Fatal(err)
		}
		var want float64
		for i := len(ids) - n; i < len(ids); i++ {
			s, err := m.NewSession(SessionOptions{Policy: policy, Window: w})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Prefill(context.Background(), ids[:i]); err != nil {
				t.Fatal(err)
			}
			want += surprise(s.Logits(), ids[i]) / n
			s.Close()
		}
		if math.Abs(got-want) > 1e-3 {
			t.Errorf("%s: NLL %v, by the session %v", policy, got, want)
		}
	}
	if _, err := m.NLL(context.Background(), ids[:1], 5, make([]kv.Window, 8)); err == nil {
		t.Error("the NLL of nothing")
	}
}

// SmolLM2's retrieving heads are found in every calibration that retrieves.
func TestRealCalibrate(t *testing.T) {
	m := openReal(t)
	c, err := m.Calibrate(context.Background(), CalibrateOptions{Window: kv.Window{Sink: 4, Recent: 252}, Lazy: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	isLazy := map[lazy.Head]bool{}
	for _, h := range c.Plan.LazyHeads {
		isLazy[lazy.Head{Layer: h.Layer, KVHead: h.KVHead}] = true
	}
	for _, h := range []lazy.Head{{Layer: 18, KVHead: 2}, {Layer: 23, KVHead: 0}, {Layer: 23, KVHead: 2}, {Layer: 17, KVHead: 1}, {Layer: 7, KVHead: 2}} {
		if isLazy[h] {
			t.Errorf("head %s is lazy with an error of %.3f", h, c.Error[h.Layer][h.KVHead])
		}
	}
	t.Logf("%.0f s, checks %.3f", c.Seconds, c.CheckNLLDifference)
}
