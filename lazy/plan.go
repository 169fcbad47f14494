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
	Usage:   "plan:FILE|PRESET",
	Summary: "a fixed list of lazy layers or KV heads, with a window of its own each if need be, lazy from the first token on; presets: " + strings.Join(Presets(), ", "),
	Paper:   "LightTransfer-Train, arXiv 2410.13846; plans of heads are this project's own",
}

// plan runs a [Plan], what LightTransfer-Train and calibration make: the lazy heads
// stream from the first token on, while reading the prompt too.
//
// The argument is the name of a preset or else of a file (a file that is named like
// a preset is ./NAME). The plan's own windows are used; the run's window is for
// plans that give none.
type plan struct {
	fixed
	st     Settings
	plan   *Plan
	source string
}

func parsePlan(args string, st Settings) (Policy, error) {
	if args == "" {
		return nil, errors.New("no plan is named")
	}
	if p, ok := Preset(args); ok {
		return p.Policy(args, st)
	}
	p, err := OpenPlan(args)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such file and no such preset (presets: %s); calibrate or analyze a model to make one",
			strings.Join(Presets(), ", "))
	}
	if err != nil {
		return nil, err
	}
	return p.Policy(args, st)
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
