package lazy

import "github.com/lighttransfer/lighttransfer/kv"

var streamingInfo = Info{
	Name:    "streaming",
	Usage:   "streaming",
	Summary: "every layer is lazy from the first token on; the cache stops growing, what leaves the window is lost",
	Paper:   "StreamingLLM, arXiv 2309.17453",
}

// streaming is StreamingLLM: every head sees sinks and recent tokens only, while
// reading the prompt too. No parameters but the window. Positions are the
// original ones: the cut cache is not renumbered.
type streaming struct {
	fixed
	st Settings
}

func parseStreaming(args string, st Settings) (Policy, error) {
	if err := parseArgs(args); err != nil {
		return nil, err
	}
	return streaming{st: st}, st.validate()
}

func (streaming) Name() string { return "streaming" }
func (streaming) Args() string { return "" }

func (p streaming) Begin(s Shape) ([]kv.Window, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	ws := s.windows()
	for i := range ws {
		ws[i] = p.st.Window
	}
	return ws, nil
}

func (p streaming) Clone() Policy { return p }
