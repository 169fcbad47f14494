package lazy

import "github.com/lighttransfer/lighttransfer/kv"

var longGenInfo = Info{
	Name:    "longgen",
	Usage:   "longgen",
	Summary: "a fixed shape: the middle third of the layers is full, both ends are lazy from the first token on",
	Paper:   "LongGen, arXiv 2410.01485",
}

// longGen keeps the middle third of the layers full (a third of L layers, rounded,
// at least one) and streams at both ends, while reading the prompt too. When the
// ends cannot be equal the last one is longer by a layer. No parameters but the
// window. LongGen trains models for this shape; here it is a baseline for models
// that were not.
type longGen struct {
	fixed
	st Settings
}

func parseLongGen(args string, st Settings) (Policy, error) {
	if err := parseArgs(args); err != nil {
		return nil, err
	}
	return longGen{st: st}, st.validate()
}

func (longGen) Name() string { return "longgen" }
func (longGen) Args() string { return "" }

func (p longGen) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	full := max(1, (2*s.Layers+3)/6) // L/3 rounded
	first := (s.Layers - full) / 2
	ws := s.windows()
	for layer := range s.Layers {
		if layer < first || layer >= first+full {
			s.setLayer(ws, layer, p.st.Window)
		}
	}
	return ws, nil
}

func (p longGen) Clone() Policy { return p }
