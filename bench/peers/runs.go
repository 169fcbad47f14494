package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// An ourRun is one way in which our program is measured.
type ourRun struct {
	name, setting string
	args          []string
}

// ours lists the runs asked for. The two plans have the shape of what calibrate
// makes for SmolLM2-135M, 23 or 9 of 90 KV heads full, but which heads these are
// is left to chance, as the model's weights are.
func ours(program string, s *settings, dir string) ([]ourRun, error) {
	standard, err := randomPlan(program, s.model, filepath.Join(dir, "default.json"), 23, kv.Window{Sink: 4, Recent: 252, Stride: 8})
	if err != nil {
		return nil, err
	}
	compact, err := randomPlan(program, s.model, filepath.Join(dir, "compact.json"), 9, kv.Window{Sink: 4, Recent: 252, Stride: 16})
	if err != nil {
		return nil, err
	}
	all := []ourRun{
		{"full", "full attention", []string{"--policy", "full"}},
		{"lazy", "lighttransfer, 50 % lazy", []string{"--policy", "lighttransfer:lazy=0.5"}},
		{"default", "default plan", []string{"--policy", "plan:" + standard}},
		{"compact", "compact plan", []string{"--policy", "plan:" + compact}},
		{"compact8", "compact plan, int8 cache", []string{"--policy", "plan:" + compact, "--kv", "int8"}},
	}
	var runs []ourRun
	for name := range strings.SplitSeq(s.policies, ",") {
		i := slices.IndexFunc(all, func(o ourRun) bool { return o.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-policies: %q is none of ours", name)
		}
		runs = append(runs, all[i])
	}
	return runs, nil
}

// randomPlan writes a plan that leaves full of each 90 KV heads as they are.
func randomPlan(program, model, path string, full int, w kv.Window) (string, error) {
	c := command(program, "show", model, "--json")
	c.Stdout = nil
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("show %s: %w", model, err)
	}
	var shape struct {
		Layers  int `json:"layers"`
		KVHeads int `json:"kv_heads"`
	}
	if err := json.Unmarshal(out, &shape); err != nil {
		return "", fmt.Errorf("show %s: %w", model, err)
	}
	heads := shape.Layers * shape.KVHeads
	order := rand.New(rand.NewPCG(90, uint64(full))).Perm(heads)[(full*heads+45)/90:]
	slices.Sort(order)
	p := lazy.Plan{Model: "random", Layers: shape.Layers, Window: w, MadeBy: "chance"}
	for _, h := range order {
		p.LazyHeads = append(p.LazyHeads, lazy.PlanHead{Layer: h / shape.KVHeads, KVHead: h % shape.KVHeads})
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := p.Write(f); err != nil {
		return "", err
	}
	return path, f.Close()
}
