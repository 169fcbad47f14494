package lazy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

var testPlan = &Plan{
	Model: `a "model"`, Layers: 3, LazyLayers: []int{1},
	LazyHeads: []PlanHead{{Layer: 0, KVHead: 1}, {0, 0, 60, 0}, {2, 1, 252, 8}},
	Window:    kv.Window{Sink: 4, Recent: 252, Stride: 8},
	MadeBy:    "a test, with {brackets}", Samples: 5, Frequency: []int{0, 5, 1},
	HeadFrequency: [][]int{{0, 1}, {5, 5}, {1, 0}},
	Scores:        [][]float64{{0.5, 0.001}, {0, 1e-9}, {0.1, 0.2}},
	Threshold:     0.02, ModelHash: "ab12", Created: "2026-01-02T03:04:05Z",
}

func TestPlanRoundTrip(t *testing.T) {
	for name, p := range map[string]*Plan{
		"all":  testPlan,
		"bare": {Layers: 1, LazyLayers: []int{}, Frequency: []int{}},
	} {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPlan(bytes.NewReader(b.Bytes()))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: read back %+v, %v", name, got, err)
		}
	}
	var b bytes.Buffer
	if err := (&Plan{Model: "m", Layers: 30, LazyHeads: []PlanHead{{Layer: 1, KVHead: 2}, {1, 0, 60, 0}}, Window: kv.Window{Sink: 4, Recent: 252, Stride: 8}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `{
  "model": "m",
  "layers": 30,
  "lazy_layers": [],
  "lazy_heads": [[1, 2], [1, 0, 60, 0]],
  "window": {"sink": 4, "recent": 252, "stride": 8},
  "made_by": "",
  "samples": 0,
  "frequency": []
}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestReadPlanErrors(t *testing.T) {
	for doc, want := range map[string]string{
		``:                                      "empty",
		`[]`:                                    "not a valid plan.json",
		`{"layers":2`:                           "not a valid plan.json",
		`{"layers":2}{}`:                        "follows the end",
		`{"layers":2,"lazy":[0]}`:               "lazy",
		`{"layers":0}`:                          "layers is 0",
		`{"layers":-3}`:                         "layers is -3",
		`{"layers":1000000000}`:                 "layers is 1000000000",
		`{"layers":2,"lazy_layers":[2]}`:        "lazy layer 2 of a model of 2 layers",
		`{"layers":2,"lazy_layers":[-1]}`:       "lazy layer -1",
		`{"layers":2,"lazy_layers":[1,0,1]}`:    "lazy layer 1 is listed twice",
		`{"layers":2,"lazy_layers":[0.5]}`:      "not a valid plan.json",
		`{"layers":2,"lazy_heads":[[0]]}`:       "want [layer, kv head]",
		`{"layers":2,"lazy_heads":[[0,1,2]]}`:   "want [layer, kv head]",
		`{"layers":2,"lazy_heads":[[2,0]]}`:     "lazy head [2, 0]",
		`{"layers":2,"lazy_heads":[[0,-1]]}`:    "lazy head [0, -1]",
		`{"layers":2,"lazy_heads":[[0,99999]]}`: "lazy head [0, 99999]",
		`{"layers":2,"lazy_heads":[[0,1],[0,1,9,0]],"window":{"recent":4}}`: "lazy head [0, 1] is listed twice",
		`{"layers":2,"lazy_heads":[[0,1,0,0]]}`:                             "at least one recent token",
		`{"layers":2,"lazy_heads":[[0,1,9,1]]}`:                             "stride 1",
		`{"layers":2,"lazy_heads":[[0,1,9,-1]]}`:                            "negative",
		`{"layers":2,"lazy_heads":[[0,1,9999999999,0]]}`:                    "at most",
		`{"layers":2,"window":{"sink":4}}`:                                  "recent must be at least 1",
		`{"layers":2,"window":{"sink":4,"last":2}}`:                         "last",
		`{"layers":2,"frequency":[1]}`:                                      "frequency has 1 entries",
		`{"layers":2,"frequency":[1,-1]}`:                                   "frequency is -1",
		`{"layers":2,"head_frequency":[[1]]}`:                               "head_frequency has 1",
		`{"layers":1,"head_frequency":[[-1]]}`:                              "head frequency is -1",
		`{"layers":2,"scores":[[1]]}`:                                       "scores has 1",
		`{"layers":2,"samples":-1}`:                                         "samples is -1",
		`{"layers":2,"threshold":-1}`:                                       "threshold is -1",
	} {
		p, err := ReadPlan(strings.NewReader(doc))
		var planErr *PlanError
		if err == nil || p != nil || !errors.As(err, &planErr) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", doc, err, want)
		}
	}
	// Endless input is given up, not read.
	if _, err := ReadPlan(endless{}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("endless input: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

var _ io.Reader = endless{}

func TestPlanValidate(t *testing.T) {
	s := Shape{Layers: 3, Heads: 4, KVHeads: 2}
	if err := testPlan.Validate(s); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(p *Plan, s *Shape)
		want   string
	}{
		{func(_ *Plan, s *Shape) { s.Layers = 4 }, "3 layers, the model has 4"},
		{func(_ *Plan, s *Shape) { s.KVHeads = 1 }, "lazy head 1 of layer 0"},
		{func(p *Plan, s *Shape) { p.LazyHeads, s.KVHeads = nil, 4 }, "frequencies of 2 KV heads"},
		{func(p *Plan, s *Shape) { p.LazyHeads, p.HeadFrequency, s.KVHeads = nil, nil, 4 }, "scores of 2 KV heads"},
		{func(p *Plan, _ *Shape) { p.LazyLayers = []int{7} }, "lazy layer 7"},
		{func(_ *Plan, s *Shape) { s.Heads = 3 }, "model shape"},
	} {
		p, s := *testPlan, s
		c.change(&p, &s)
		if err := p.Validate(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
	}
}

// The window of a plan that gives none is the run's.
func TestPlanWithoutWindow(t *testing.T) {
	p := &Plan{Layers: 2, LazyLayers: []int{1}, LazyHeads: []PlanHead{{0, 0, 9, 0}}}
	policy, err := p.Policy("x", testSettings)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := policy.Begin(Shape{2, 1, 1})
	if want := []kv.Window{{Recent: 9}, testSettings.Window}; err != nil || !reflect.DeepEqual(ws, want) {
		t.Errorf("windows %v, %v; want %v", ws, err, want)
	}
	if _, err := p.Policy("x", Settings{}); err == nil {
		t.Error("lazy layers with no window at all are accepted")
	}
}

func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		if _, ok := Preset(name); !ok {
			t.Errorf("preset %s is listed and not there", name)
		}
	}
	p, ok := Preset("qwq-32b-lighttransfer")
	if !ok {
		t.Fatal("no preset qwq-32b-lighttransfer")
	}
	var want []int // as the model card gives them: ranges and single layers
	for layer := 5; layer <= 24; layer++ {
		want = append(want, layer)
	}
	want = append(want, 26, 27, 28, 30, 31, 32, 33, 35, 37, 38, 43, 51)
	if !reflect.DeepEqual(p.LazyLayers, want) || len(want) != 32 {
		t.Errorf("lazy layers %v, want %v", p.LazyLayers, want)
	}
	if err := p.Validate(Shape{Layers: 64, Heads: 40, KVHeads: 8}); err != nil {
		t.Error(err)
	}
	if _, ok := Preset("../presets/qwq-32b-lighttransfer"); ok {
		t.Error("a path is a preset")
	}
}

func FuzzReadPlan(f *testing.F) {
	var b bytes.Buffer
	if err := testPlan.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"layers":2,"lazy_heads":[[0,1],[1,0,9,2]],"window":{"recent":4}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPlan(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatalf("what was read is not written: %v", err)
		}
		q, err := ReadPlan(&b)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		var c bytes.Buffer
		if err := q.Write(&c); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if err := p.Write(&b); err != nil || !bytes.Equal(b.Bytes(), c.Bytes()) {
			t.Fatalf("not stable:\n%s\n%s", b.Bytes(), c.Bytes())
		}
		_, _ = p.Windows(Shape{p.Layers, 2, 2}, testSettings.Window)
	})
}

func TestStore(t *testing.T) {
	st, err := NewStore(filepath.Join(t.TempDir(), "not", "there"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := st.Load("ab12"); ok || err != nil {
		t.Errorf("an empty store: %v, %v", ok, err)
	}
	other := *testPlan
	other.ModelHash, other.Samples = "", 99
	for _, p := range []*Plan{testPlan, &other} { // the second replaces the first
		if err := st.Save("ab12", p); err != nil {
			t.Fatal(err)
		}
		want := *p
		want.ModelHash = "ab12"
		if got, ok, err := st.Load("ab12"); err != nil || !ok || !reflect.DeepEqual(got, &want) {
			t.Errorf("loaded %+v, %v, %v", got, ok, err)
		}
	}
	if other.ModelHash != "" {
		t.Error("Save changed the plan it was given")
	}
	path, _ := st.Path("ab12")
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	if err := st.Save("ab12", &Plan{}); err == nil {
		t.Error("a plan for no layers is kept")
	}
	if _, ok, err := st.Load("ab12"); !ok || err != nil {
		t.Errorf("a failed Save took the earlier plan: %v, %v", ok, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("a failed Save left behind: %v", files)
	}
	data, _ := os.ReadFile(path)
	wrong, _ := st.Path("cd34")
	if err := os.WriteFile(wrong, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := st.Load("cd34"); ok || err == nil || !strings.Contains(err.Error(), "ab12") {
		t.Errorf("a plan of another model: %v, %v", ok, err)
	}
	if err := os.WriteFile(path, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := st.Load("ab12"); ok || err == nil || !strings.Contains(err.Error(), "calibrate the model again") {
		t.Errorf("a torn plan: %v, %v", ok, err)
	}
	for _, hash := range []string{"", "../x", "a/b", strings.Repeat("a", 129), "a.b"} {
		if err := st.Save(hash, testPlan); err == nil {
			t.Errorf("model hash %q is accepted", hash)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("LIGHTTRANSFER_HOME", "here")
	if dir, err := DefaultDir(); dir != "here" || err != nil {
		t.Errorf("%q, %v", dir, err)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("LIGHTTRANSFER_HOME", "")
	if dir, err := DefaultDir(); dir != filepath.Join(config, "lighttransfer") || err != nil {
		t.Errorf("%q, %v", dir, err)
	}
}
