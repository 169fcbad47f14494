package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// Settings are what all policies of a run have that do not say otherwise.
type Settings struct {
	Window kv.Window
	Last   int
	KV     string
}

// ParsePolicy reads a policy as a run compares them: SPEC as everywhere, and
// perhaps behind an @ what this one has of its own,
//
//	lighttransfer:lazy=0.5@4/252       window: sinks/recent
//	streaming@4/252+8,kv=int8          and every 8th older token; precision of the cache
//
// The last @ counts, and only if what follows it can be read so: names of files may
// hold one.
func ParsePolicy(text string, d Settings) (runs.Policy, error) {
	spec, own := text, ""
	w, precision := d.Window, d.KV
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		if ownWindow, ownKV, ok := parseOwn(text[i+1:]); ok {
			spec, own = text[:i], "@"+text[i+1:]
			if !ownWindow.Full() {
				w = ownWindow
			}
			if ownKV != "" {
				precision = ownKV
			}
		}
	}
	p := runs.Policy{Name: spec + own, Spec: spec, KV: precision}
	if spec != "auto" {
		parsed, err := lazy.Parse(spec, lazy.Settings{Window: w, Last: d.Last})
		if _, behind, at := strings.Cut(spec, "@"); err != nil && at && !strings.HasPrefix(spec, "plan:") {
			return p, fmt.Errorf("behind the @, %q is no window like 4/252 or 4/252+8, nor kv=int8 or kv=bf16: %w", behind, err)
		}
		if err != nil {
			return p, err
		}
		if parsed.Name() == "full" {
			w = kv.Window{}
		}
		p.Sink, p.Recent, p.Stride = w.Sink, w.Recent, w.Stride
		if of, ok := parsed.(interface{ Plan() *lazy.Plan }); ok {
			return p, setPlan(&p, of.Plan())
		}
		return p, nil
	}
	p.Sink, p.Recent, p.Stride = w.Sink, w.Recent, w.Stride
	return p, nil
}

// parseOwn reads a window, a precision, or both with a comma between.
func parseOwn(text string) (w kv.Window, precision string, ok bool) {
	for item := range strings.SplitSeq(text, ",") {
		if value, is := strings.CutPrefix(item, "kv="); is {
			if _, err := kv.ParsePrecision(value); err != nil || value == "" || precision != "" {
				return w, "", false
			}
			precision = value
			continue
		}
		sink, rest, slash := strings.Cut(item, "/")
		recent, stride, sampled := strings.Cut(rest, "+")
		numbers := []struct {
			text string
			to   *int
		}{{sink, &w.Sink}, {recent, &w.Recent}}
		if sampled {
			numbers = append(numbers, struct {
				text string
				to   *int
			}{stride, &w.Stride})
		}
		if !slash || !w.Full() {
			return w, "", false
		}
		for _, n := range numbers {
			var err error
			if *n.to, err = strconv.Atoi(n.text); err != nil {
				return w, "", false
			}
		}
		if w.Validate() != nil || w.Full() {
			return w, "", false
		}
	}
	return w, precision, true
}

// ParsePolicies reads the policies of a run; no two may be the same.
func ParsePolicies(texts []string, d Settings) ([]runs.Policy, error) {
	var list []runs.Policy
	names := map[string]bool{}
	for _, text := range texts {
		p, err := ParsePolicy(text, d)
		if err != nil {
			return nil, err
		}
		if names[p.Name] {
			return nil, fmt.Errorf("policy %q is asked for twice", p.Name)
		}
		names[p.Name] = true
		list = append(list, p)
	}
	return list, nil
}

// window is what its lazy heads keep; zero where that has no meaning.
func window(p *runs.Policy) kv.Window {
	return kv.Window{Sink: p.Sink, Recent: p.Recent, Stride: p.Stride}
}

// resolve notes which plan "auto" stands for in a run.
func resolve(m *lighttransfer.Model, list []runs.Policy) error {
	for i := range list {
		if list[i].Spec != "auto" {
			continue
		}
		plan, ok, err := m.StoredPlan()
		if err != nil {
			return err
		}
		if ok {
			if err := setPlan(&list[i], plan); err != nil {
				return err
			}
		}
	}
	return nil
}

// setPlan notes the plan that a policy runs, and the window if the plan says it.
func setPlan(p *runs.Policy, plan *lazy.Plan) error {
	data, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	p.PlanHash = hash(string(data))
	if w := plan.Window; !w.Full() {
		p.Sink, p.Recent, p.Stride = w.Sink, w.Recent, w.Stride
	}
	return nil
}

// hash is the first 16 hexadecimal digits of a SHA-256.
func hash(texts ...string) string {
	h := sha256.New()
	for i, t := range texts {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(t))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
