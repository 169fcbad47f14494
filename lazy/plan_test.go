package lazy

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// A plan that is cut after reading decides at the prompt's end what the plan
// otherwise says at its beginning. A file may have any name.
func TestPlanCutAfter(t *testing.T) {
	s := Shape{Layers: 3, Heads: 4, KVHeads: 2}
	own := &Plan{Layers: 3, LazyLayers: []int{0}, LazyHeads: []PlanHead{{2, 1, 60, 0}}, Window: kv.Window{Sink: 4, Recent: 252, Stride: 8}}
	other := &Plan{Layers: 3, LazyLayers: []int{1}, Window: kv.Window{Sink: 1, Recent: 10}}
	path := filepath.Join(t.TempDir(), "a,b.json")
	for name, p := range map[string]*Plan{path: own, path + ",cut=after": other} {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		spec  string
		plan  *Plan
		after bool
	}{{path, own, false}, {path + ",cut=after", other, false}, {path + ",cut=after,cut=after", other, true}} {
		p := mustParse(t, "plan:"+c.spec)
		want, _ := c.plan.Windows(s, testSettings.Window)
		got, err := p.Begin(s)
		if err != nil || (got == nil) != c.after || (p.Needs() != Needs{}) != c.after {
			t.Errorf("%s: windows at the beginning: %v, %v", c.spec, got, err)
		}
		if got == nil {
			got = s.windows()
		}
		for l := range s.Layers {
			for _, d := range p.Observe(Observation{Layer: l}) {
				if d.Head.Layer != l {
					t.Errorf("%s: layer %d decides about %v", c.spec, l, d.Head)
				}
				got[d.Head.Layer*s.KVHeads+d.Head.KVHead] = d.Window
			}
			if p.Observe(Observation{Layer: l}) != nil {
				t.Errorf("%s: layer %d decides twice", c.spec, l)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: windows %v, want %v", c.spec, got, want)
		}
	}
}
