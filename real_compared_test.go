package lighttransfer

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/model"
)

// On a real model the cosines of the residual stream before and after attention are
// those of an independent forward pass, and squeeze makes of them, block after
// block, the windows it makes of the golden ones.
func TestRealSqueeze(t *testing.T) {
	m := openReal(t)
	for _, g := range realGoldens(t) {
		if g.Name != "long_2k" {
			continue
		}
		seen, err := m.Sweep(context.Background(), g.IDs, model.Probe{Cosine: true, Last: len(g.IDs)}, []kv.Window{DefaultWindow}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		st := lazy.Settings{Window: DefaultWindow, Last: DefaultLast}
		p, err := lazy.Parse("squeeze:keep=0.4", st)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Begin(shapeOf(&m.model.Config)); err != nil {
			t.Fatal(err)
		}
		want := make([]kv.Window, m.model.Layers*m.model.KVHeads)
		worst := 0.0
		for l, c := range g.Cosine {
			e := math.Abs(seen[0][l].Cosine - c)
			if worst = max(worst, e); !(e <= 0.005) {
				t.Errorf("%s, layer %d: cosine %.5f, want %.5f", g.Name, l, seen[0][l].Cosine, c)
			}
			for _, d := range p.Observe(lazy.Observation{Layer: l, Tokens: len(g.IDs), Cosine: c}) {
				for h := range m.model.KVHeads {
					want[d.Head.Layer*m.model.KVHeads+h] = d.Window
				}
			}
		}
		t.Logf("%s: cosines differ by at most %.5f", g.Name, worst)
		s, err := m.NewSession(SessionOptions{Policy: "squeeze:keep=0.4"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Prefill(context.Background(), g.IDs); err != nil {
			t.Fatal(err)
		}
		if got := s.cache.Windows(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: windows %v, want %v", g.Name, got, want)
		}
		s.Close()
	}
}
