package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// scored is a run of one task with given scores, [policy][record]; full is first.
func scored(task string, scores ...[]float64) runs.Run {
	r := runs.Run{Dirs: []string{task}, Config: runs.Config{Model: "m", Tasks: []string{task}, Records: len(scores[0])}}
	for p, list := range scores {
		name := []string{"full", "a", "b", "c"}[p]
		r.Config.Policies = append(r.Config.Policies, runs.Policy{Name: name, Spec: name})
		for i := range list {
			id := string(rune('A' + i))
			r.Results = append(r.Results, runs.Result{Task: task, ID: id, PromptHash: task + id, Policy: name, Score: &list[i], KVBytes: int64(100 - p), KVFullBytes: 100})
		}
	}
	return r
}

func firstTable(t *testing.T, list ...runs.Run) *Table {
	t.Helper()
	return made(t, list...).Models[0].Groups[0].Tables[0]
}

// TestBootstrapBinomial: of n records k are lost, so that a resample's loss is
// binomial, whose quantiles are known.
func TestBootstrapBinomial(t *testing.T) {
	const n, k = 60, 15
	full, a := make([]float64, n), make([]float64, n)
	for i := range n {
		full[i] = 1
		if i >= k {
			a[i] = 1
		}
	}
	quantile := func(q float64) float64 {
		sum := 0.0
		for x := 0; ; x++ {
			logC, _ := math.Lgamma(n + 1)
			l1, _ := math.Lgamma(float64(x + 1))
			l2, _ := math.Lgamma(float64(n - x + 1))
			if sum += math.Exp(logC - l1 - l2 + float64(x)*math.Log(float64(k)/n) + float64(n-x)*math.Log(1-float64(k)/n)); sum >= q {
				return float64(x)
			}
		}
	}
	c := firstTable(t, scored("x", full, a)).Average.Cells[1]
	for _, e := range []struct{ got, want float64 }{{*c.Low, -100 * quantile(0.975) / n}, {*c.High, -100 * quantile(0.025) / n}} {
		if !near(e.got, e.want, 100./n+1e-9) { // one record: the quantile of the draws may fall on its neighbour
			t.Errorf("bound %.2f, exactly %.2f", e.got, e.want)
		}
	}
	if !near(*c.Diff, -25, 1e-9) {
		t.Errorf("difference %g, want -25", *c.Diff)
	}
}

// TestBootstrapNormal: the average of two tasks with many records, against the
// normal distribution of a mean of means.
func TestBootstrapNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	variance := 0.0
	var list []runs.Run
	for _, task := range []struct {
		name  string
		n     int
		noise float64
	}{{"x", 400, 0.2}, {"y", 150, 0.4}} {
		full, a := make([]float64, task.n), make([]float64, task.n)
		sum, squares := 0.0, 0.0
		for i := range full {
			full[i] = 0.5 + 0.1*rng.Float64()
			a[i] = full[i] + task.noise*(rng.Float64()-0.6)
			d := 100 * (a[i] - full[i])
			sum, squares = sum+d, squares+d*d
		}
		n := float64(task.n)
		variance += (squares/n - sum*sum/n/n) / n / 4
		list = append(list, scored(task.name, full, a))
	}
	c := firstTable(t, list...).Average.Cells[1]
	half := 1.96 * math.Sqrt(variance)
	if !near(*c.Low, *c.Diff-half, 0.06*half) || !near(*c.High, *c.Diff+half, 0.06*half) {
		t.Errorf("%.3f (%.3f … %.3f), want ± %.3f", *c.Diff, *c.Low, *c.High, half)
	}
}

func TestPairing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	full, less, noisy := make([]float64, 50), make([]float64, 50), make([]float64, 50)
	for i := range full {
		full[i] = 0.25 + 0.5*rng.Float64()
		less[i], noisy[i] = full[i]-0.125, rng.Float64()
	}
	tab := firstTable(t, scored("x", full, full, less, noisy))
	if c := tab.Average.Cells[1]; *c.Diff != 0 || *c.Low != 0 || *c.High != 0 {
		t.Errorf("what equals full attention differs by %g (%g … %g)", *c.Diff, *c.Low, *c.High)
	}
	if c := tab.Average.Cells[2]; !near(*c.Low, -12.5, 1e-9) || !near(*c.High, -12.5, 1e-9) {
		t.Errorf("a loss of 12.5 on every record is %g … %g", *c.Low, *c.High)
	}
	alone := firstTable(t, scored("x", full, less)).Average.Cells[1]
	if c := firstTable(t, scored("x", full, less, noisy)).Average.Cells[1]; *c.Low != *alone.Low || *c.High != *alone.High {
		t.Error("an interval depends on which other policies there are")
	}
}

// TestOnlySharedRecords: a policy that answered only the easy half must not gain by it.
func TestOnlySharedRecords(t *testing.T) {
	full := []float64{1, 1, 1, 0, 0, 0}
	r := scored("x", full, full)
	kept := r.Results[:0]
	for _, res := range r.Results {
		if res.Policy == "full" || *res.Score == 1 {
			kept = append(kept, res)
		}
	}
	r.Results = kept
	tab := firstTable(t, r)
	if tab.Average.Records != 3 || tab.Average.Cells[0].Value != 100 || tab.Average.Cells[1].Value != 100 {
		t.Errorf("n %d: full %g, a %g; want 3 records, 100 each", tab.Average.Records, tab.Average.Cells[0].Value, tab.Average.Cells[1].Value)
	}
}

// TestTasksOfSomePoliciesOnly: a task that a policy lacks is shown, not averaged.
func TestTasksOfSomePoliciesOnly(t *testing.T) {
	x, y := scored("x", []float64{1, 1}, []float64{1, 0}), scored("y", []float64{0, 0})
	tab := firstTable(t, x, y)
	if len(tab.Tasks) != 2 || len(tab.Averaged) != 1 || tab.Averaged[0] != "x" || tab.Average.Cells[0].Value != 100 || tab.Tasks[1].Cells[1] != nil {
		t.Errorf("%+v", tab)
	}
	a := scored("x", []float64{1, 1})
	b := scored("x", []float64{1, 1}, []float64{1, 1})
	b.Results = b.Results[2:]
	for i := range b.Results {
		b.Results[i].PromptHash += "other" // not the same records
	}
	if rep := made(t, a, b); len(rep.Models[0].Groups) != 0 || rep.Models[0].Common != 0 || rep.Models[0].Records != 4 {
		t.Errorf("policies without a common record are compared: %+v", rep.Models[0])
	}
}
