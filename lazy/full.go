package lazy

import "github.com/lighttransfer/lighttransfer/kv"

var fullInfo = Info{
	Name:    "full",
	Usage:   "full",
	Summary: "every layer keeps every token: ordinary attention, the yardstick for the others",
}

// full: no head is lazy. No parameters.
type full struct{ fixed }

func parseFull(args string, _ Settings) (Policy, error) {
	return full{}, parseArgs(args)
}

func (full) Name() string { return "full" }
func (full) Args() string { return "" }

func (full) Begin(s Shape) ([]kv.Window, error) { return nil, s.Validate() }

func (full) Clone() Policy { return full{} }
