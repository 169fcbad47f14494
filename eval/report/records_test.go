package report

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

func TestRefusals(t *testing.T) {
	change := func(f func(r *runs.Run)) []runs.Run {
		r := tiny()
		f(&r)
		return []runs.Run{r}
	}
	for _, c := range []struct {
		list []runs.Run
		want string
	}{
		{nil, "no runs"},
		{change(func(r *runs.Run) { r.Config = runs.Config{} }), "runs/tiny: the configuration names no model"},
		{change(func(r *runs.Run) { r.Config.Policies = nil }), "names no policies"},
		{change(func(r *runs.Run) { r.Results = nil }), "no results yet; go on with the run"},
		{change(func(r *runs.Run) { r.Config.Policies[1].Name = "full" }), `two policies named "full"`},
		{change(func(r *runs.Run) { r.Results[3].Policy = "snapkv" }), `policy "snapkv" is not one of the configuration's`},
		{change(func(r *runs.Run) { r.Results[3].Score = new(47.0) }), "score 47; a score lies within 0 and 1"},
		{change(func(r *runs.Run) { r.Results[3].Score = new(math.NaN()) }), "score NaN"},
		{change(func(r *runs.Run) { r.Results[3].LazyLayers = []int{1 << 40} }), "outside 0 to 1023"},
		{change(func(r *runs.Run) { r.Results[3].LazyHeads = [][2]int{{0, -1}} }), "outside 0 to 1023"},
	} {
		if _, err := Make(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestModelsApart: what cannot be compared has sections of its own.
func TestModelsApart(t *testing.T) {
	a, b, c, d := tiny(), tiny(), tiny(), tiny()
	b.Config.Model = "other"
	c.Config.Context = 512
	d.Config.ModelHash = "abc" // called the same, but another file
	if rep := made(t, a, b, c, d); len(rep.Models) != 4 {
		t.Errorf("%d sections, want 4", len(rep.Models))
	}
	a.Config.ModelHash, a.Config.Model = "abc", "elsewhere/tiny.gguf"
	if rep := made(t, a, d); len(rep.Models) != 1 || rep.Models[0].Duplicates != 19 {
		t.Errorf("%d sections, %d duplicates; want 1 with 19", len(rep.Models), rep.Models[0].Duplicates)
	}
}

// TestSameNames: policies of two runs that are called the same and are not.
func TestSameNames(t *testing.T) {
	a, b := tiny(), tiny()
	b.Config.Policies = slices.Clone(b.Config.Policies)
	b.Config.Policies[1].Recent, b.Config.Policies[2].PlanHash = 252, "0123456789abcdef"
	s := made(t, a, b).Models[0]
	var names []string
	for _, p := range s.Policies {
		names = append(names, p.Name)
	}
	if got, want := strings.Join(names, "|"), "full|half (4/1020)|stream (plan not known)|half (4/252)|stream (plan 01234567)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if p := s.Policies[3]; p.Wanted != 7 || p.Answered != 7 || p.Missing != 0 || s.Duplicates != 7 {
		t.Errorf("%+v, %d duplicates", p, s.Duplicates)
	}
}

// TestShards: parts of one run in several folders are that run.
func TestShards(t *testing.T) {
	whole, a, b := tiny(), tiny(), tiny()
	a.Results, b.Results = nil, nil
	for _, r := range []*runs.Run{&whole, &a, &b} {
		r.Config.ModelHash = "abc"
	}
	b.Config.CPU, b.Config.Model = "another CPU", "elsewhere/tiny.gguf" // the same file on another machine
	for i, res := range whole.Results {
		part := []*runs.Run{&a, &b}[i%2]
		part.Results = append(part.Results, res)
	}
	one, two := made(t, whole).Models[0], made(t, a, b).Models[0]
	for i, p := range two.Policies {
		if p != one.Policies[i] {
			t.Errorf("%+v, want %+v", p, one.Policies[i])
		}
	}
	if x, y := one.Groups[0].Tables[0].Average.Cells[1], two.Groups[0].Tables[0].Average.Cells[1]; *x.Low != *y.Low || x.Value != y.Value {
		t.Errorf("%+v, want %+v", y, x)
	}
	// half a run misses the other half, and says so
	half := made(t, a).Models[0]
	missing := 0
	for _, p := range half.Policies {
		missing += p.Missing
	}
	if want := 21 - len(a.Results); missing != want {
		t.Errorf("%d missing, want %d", missing, want)
	}
	if text := strings.Join(half.standing(), "\n"); !strings.Contains(text, "answers missing that the runs were to give") {
		t.Errorf("nothing is said of it:\n%s", text)
	}
}

// TestSkipped: what runs left out is said, unless another run has it.
func TestSkipped(t *testing.T) {
	a, b := tiny(), tiny()
	a.Config.Skipped = []runs.Skipped{{Task: "ruler_qa_1", Why: "no data"}, {Task: a.Config.Tasks[0], Why: "no data"}}
	b.Config.Skipped = a.Config.Skipped[:1]
	s := made(t, a, b).Models[0]
	if !slices.Equal(s.Skipped, b.Config.Skipped) || !slices.Contains(s.standing(), "ruler_qa_1 was left out: no data") {
		t.Errorf("%+v: %q", s.Skipped, s.standing())
	}
}

// TestMachines: each is named once, also one whose name begins another's.
func TestMachines(t *testing.T) {
	a, b, c := tiny(), tiny(), tiny()
	a.Config.CPU, b.Config.CPU, c.Config.CPU = "AMD EPYC 9654", "AMD EPYC", "AMD EPYC"
	if got := made(t, a, b, c).Models[0].about(); !strings.HasSuffix(got, "; AMD EPYC 9654; AMD EPYC") {
		t.Error(got)
	}
}

// TestAnAnswerOutdoesAnError, whichever comes first.
func TestAnAnswerOutdoesAnError(t *testing.T) {
	r := tiny()
	for i := range r.Results {
		if res := &r.Results[i]; res.Error != "" {
			answer := *res
			answer.Error, answer.Score = "", new(0.5)
			r.Results = append(r.Results, answer, *res)
			break
		}
	}
	if p := made(t, r).Models[0].Policies[2]; p.Failed != 0 || p.Answered != 6 {
		t.Errorf("%+v", p)
	}
}

// TestLittle: one record, nothing measured, no full attention: a report all the same.
func TestLittle(t *testing.T) {
	nothing := tiny()
	for i := range nothing.Results {
		res := &nothing.Results[i]
		res.Score, res.KVBytes, res.KVFullBytes, res.Seconds, res.LazyLayers, res.NLL = nil, 0, 0, 0, nil, new(math.Inf(1))
	}
	one := tiny()
	one.Results = one.Results[:1]
	remote := tiny()
	remote.Config.Policies, remote.Config.Endpoints = []runs.Policy{{Name: "remote"}}, []string{"http://somewhere"}
	remote.Results = slices.DeleteFunc(remote.Results, func(r runs.Result) bool { return r.Policy != "full" })
	for i := range remote.Results {
		remote.Results[i].Policy, remote.Results[i].KVBytes, remote.Results[i].KVFullBytes = "remote", 0, 0
	}
	for name, r := range map[string]runs.Run{"nothing": nothing, "one": one, "remote": remote} {
		rep := made(t, r)
		for file, write := range rep.files() {
			if got := text(t, write); strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
				t.Errorf("%s, %s: %s", name, file, got)
			}
		}
	}
	if tab := firstTable(t, one); tab.Average.Cells[0].Low != nil {
		t.Error("an interval from one record")
	}
	tab := firstTable(t, remote)
	if c := tab.Average.Cells[0]; tab.Intervals != "value" || c.Diff != nil || *c.Low >= c.Value || *c.High <= c.Value || len(tab.Points) != 0 {
		t.Errorf("remote: %s, %+v", tab.Intervals, c)
	}
}

func TestWeights(t *testing.T) {
	r := scored("later", []float64{1, 1}, []float64{1, 1})
	for i := range r.Results {
		res := &r.Results[i]
		res.Score = nil
		if res.Policy == "a" {
			res.Kept, res.FullRight, res.KL, res.Tokens = new([]float64{1, 0.5}[i%2]), new([]int{2, 6}[i%2]), new(0.25), 8
		}
	}
	tables := made(t, r).Models[0].Groups[0].Tables
	if len(tables) != 2 || tables[0].Measure != "kept" || tables[1].Measure != "kl" {
		t.Fatalf("%d tables", len(tables))
	}
	if c := tables[0].Average.Cells; c[0].Value != 100 || c[1].Value != 62.5 || *c[1].Diff != -37.5 { // (2 · 1 + 6 · 0.5) / 8
		t.Errorf("kept %g, %g", c[0].Value, c[1].Value)
	}
	if c := tables[1].Average.Cells; c[0].Value != 0 || c[1].Value != 0.25 || c[1].Diff != nil {
		t.Errorf("KL %g, %g", c[0].Value, c[1].Value)
	}
}

func TestFrontAndChoices(t *testing.T) {
	pts := []*Point{
		{Policy: "full", KVShare: 1, Cell: Cell{Value: 50}}, {Policy: "good", KVShare: 0.4, Cell: Cell{Value: 50}}, {Policy: "same bytes", KVShare: 0.4, Cell: Cell{Value: 40}},
		{Policy: "small", KVShare: 0.1, Cell: Cell{Value: 20}}, {Policy: "beaten", KVShare: 0.2, Cell: Cell{Value: 20}},
	}
	markFront(pts, false)
	for _, p := range pts {
		if want := p.Policy == "good" || p.Policy == "small"; p.Front != want {
			t.Errorf("%s: front %v", p.Policy, p.Front)
		}
	}
	scores := make([][]float64, 3) // full, a equals it, b loses 1 point on average and has the fewest bytes
	for i := range 400 {
		scores[0], scores[1], scores[2] = append(scores[0], 1), append(scores[1], 1), append(scores[2], 1-0.05*float64(i%5/4))
	}
	for i, want := range []string{"a", "b", "b", "b"} {
		if got := firstTable(t, scored("x", scores...)).Choices[i]; got.Policy != want {
			t.Errorf("a loss of %g: %q, want %q", got.Loss, got.Policy, want)
		}
	}
	for _, c := range firstTable(t, scored("x", scores[0][:20], scores[1][:20])).Choices {
		if c.Policy != "" {
			t.Errorf("nothing lost on 20 records proves a loss below %g", c.Loss)
		}
	}
	if nothing := firstTable(t, scored("x", make([]float64, 400), make([]float64, 400))); len(nothing.Choices) != 0 {
		t.Error("a choice where full attention fails")
	}
}

func TestNeedles(t *testing.T) {
	r := scored("niah_single", make([]float64, 40), make([]float64, 40))
	for i := range r.Results {
		n := i % 40
		r.Results[i].Facts = map[string]float64{"length": []float64{1024, 4096}[n%2], "depth": float64(n) / 40} // too many depths: tenths
		*r.Results[i].Score = float64(n % 2)
	}
	g := made(t, r).Models[0].Groups[0]
	n := g.Needles[0]
	if len(n.Lengths) != 2 || len(n.Depths) != 10 || n.Depths[0] != 0.05 || n.Records != 40 || len(n.Maps) != 2 {
		t.Fatalf("%+v", n)
	}
	for d := range n.Depths {
		if m := n.Maps[1]; m.Records[d][0] != 2 || *m.Values[d][0] != 0 || *m.Values[d][1] != 100 {
			t.Errorf("depth %g: %v %v", n.Depths[d], m.Records[d], m.Values[d])
		}
	}
	if l := g.Tables[0].Lengths; len(l) != 2 || l[1].Name != "4K" || l[1].Records != 20 || l[1].Cells[0].Value != 100 {
		t.Errorf("lengths %+v", l)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 { // the second replaces the first
		paths, err := made(t, tiny()).Write(dir)
		if err != nil || len(paths) != 9 {
			t.Fatalf("%d files, %v", len(paths), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := made(t, tiny()).Write(filepath.Join(dir, "file")); err == nil {
		t.Error("a file was taken for a folder")
	}
}
