package lazy

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lighttransfer/lighttransfer/kv"
)

var planInfo = Info{
	Name:    "plan",
	Usage:   "plan:FILE|PRESET[,cut=after]",
	Summary: "a fixed list of lazy layers or KV heads, with a window of its own each if need be, lazy from the first token on, or with cut=after once they have read the prompt; presets: " + strings.Join(Presets(), ", "),
	Paper:   "LightTransfer-Train, arXiv 2410.13846; plans of heads are this project's own",
}

// plan runs a [Plan], what LightTransfer-Train and calibration make: the lazy heads
// stream from the first token on, while reading the prompt too.
//
// The argument is the name of a preset or else of a file (a file that is named like
// a preset is ./NAME), and perhaps ",cut=after". The plan's own windows are used; the run's window is for
// plans that give none.
type plan struct {
	fixed
	st     Settings
	plan   *Plan
	source string
}

// cutAfter ends the argument of a plan that lets its heads read the whole prompt.
const cutAfter = ",cut=after"

func parsePlan(args string, st Settings) (Policy, error) {
	if args == "" {
		return nil, errors.New("no plan is named")
	}
	p, source, err := findPlan(args)
	if err != nil {
		return nil, err
	}
	policy, err := p.Policy(source, st)
	if err != nil || source == args {
		return policy, err
	}
	return &planAfter{plan: policy.(plan)}, st.validateLast()
}

// findPlan finds a plan, and its source: args, or if there is no such preset or
// file, args without cutAfter. A file may be called anything.
func findPlan(args string) (p *Plan, source string, err error) {
	source, after := args, false
	for {
		if p, ok := Preset(source); ok {
			return p, source, nil
		}
		p, err := OpenPlan(source)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return p, source, err
		}
		if source, after = strings.CutSuffix(source, cutAfter); !after {
			return nil, "", fmt.Errorf("there is no such file and no such preset (presets: %s); calibrate or analyze a model to make one",
				strings.Join(Presets(), ", "))
		}
	}
}

// Policy is the policy that runs the plan; source is the file or preset it came from.
func (p *Plan) Policy(source string, st Settings) (Policy, error) {
	if err := p.check(); err != nil {
		return nil, &PlanError{source, err}
	}
	if p.Window.Full() {
		if err := st.validate(); err != nil {
			return nil, err
		}
	}
	return plan{st: st, plan: p, source: source}, nil
}

func (plan) Name() string   { return "plan" }
func (p plan) Args() string { return p.source }

func (p plan) Begin(s Shape) ([]kv.Window, error) { return p.plan.Windows(s, p.st.Window) }

func (p plan) Clone() Policy { return p }

// Plan is what the policy runs.
func (p plan) Plan() *Plan { return p.plan }

// planAfter is a plan whose lazy heads read the whole prompt and are cut after it,
// layer by layer, as lighttransfer cuts them: what reading computes is that of full
// attention. It asks for the lazy ratio, which it does not use.
type planAfter struct {
	plan
	shape   Shape
	windows []kv.Window // [layer*KVHeads + kvHead]
	next    int         // first layer not yet observed
}

func (p *planAfter) Args() string { return p.source + cutAfter }
func (p *planAfter) Needs() Needs { return Needs{Ratio: true} }

func (p *planAfter) Begin(s Shape) (_ []kv.Window, err error) {
	p.shape, p.next = s, 0
	p.windows, err = p.plan.Begin(s)
	return nil, err
}

func (p *planAfter) Observe(o Observation) []Decision {
	if o.Layer < p.next || o.Layer >= p.shape.Layers {
		return nil
	}
	p.next = o.Layer + 1
	var cut []Decision
	for h := range p.shape.KVHeads {
		if w := p.windows[o.Layer*p.shape.KVHeads+h]; !w.Full() {
			cut = append(cut, Decision{Head: Head{o.Layer, h}, Window: w})
		}
	}
	return cut
}

func (p *planAfter) Clone() Policy { return &planAfter{plan: p.plan} }
