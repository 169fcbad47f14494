package lazy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/lighttransfer/lighttransfer/kv"
)

// A Plan is a fixed choice of lazy layers and KV heads for one model: the contents
// of a plan.json. Lists are in ascending order when made here; any order is read.
type Plan struct {
	Model      string     `json:"model"`
	Layers     int        `json:"layers"`               // of the model the plan is for
	LazyLayers []int      `json:"lazy_layers"`          // all KV heads of these layers are lazy
	LazyHeads  []PlanHead `json:"lazy_heads,omitempty"` // and these; inside a lazy layer an entry only replaces the window
	Window     kv.Window  `json:"window"`               // what a lazy head keeps; zero: what the run's settings say
	MadeBy     string     `json:"made_by"`
	Samples    int        `json:"samples"`   // how many samples or probes it was made from
	Frequency  []int      `json:"frequency"` // [layer] in how many of them the layer was picked

	HeadFrequency [][]int     `json:"head_frequency,omitempty"` // [layer][KV head] the same for heads
	Scores        [][]float64 `json:"scores,omitempty"`         // [layer][KV head], or [layer][1] for layers: what a unit loses when it is lazy
	Threshold     float64     `json:"threshold,omitempty"`      // units with a lower score are lazy; 0 when a share was asked for
	ModelHash     string      `json:"model_hash,omitempty"`     // of the weights the scores were measured on
	Created       string      `json:"created,omitempty"`        // RFC 3339
}

// A PlanHead is a lazy KV head: [layer, kv head] in JSON, or
// [layer, kv head, recent, stride] when it has a window of its own. Its sinks are
// the plan's.
type PlanHead struct {
	Layer, KVHead  int
	Recent, Stride int // both 0: the plan's window
}

// MarshalJSON writes two or four numbers.
func (h PlanHead) MarshalJSON() ([]byte, error) {
	if h.Recent == 0 && h.Stride == 0 {
		return json.Marshal([]int{h.Layer, h.KVHead})
	}
	return json.Marshal([]int{h.Layer, h.KVHead, h.Recent, h.Stride})
}

// UnmarshalJSON reads two or four numbers.
func (h *PlanHead) UnmarshalJSON(data []byte) error {
	var n []int
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	switch len(n) {
	case 2:
		*h = PlanHead{Layer: n[0], KVHead: n[1]}
		return nil
	case 4:
		if n[2] < 1 {
			return fmt.Errorf("lazy head %v: its own window needs at least one recent token", n)
		}
		*h = PlanHead{n[0], n[1], n[2], n[3]}
		return nil
	}
	return fmt.Errorf("lazy head %v: want [layer, kv head] or [layer, kv head, recent, stride]", n)
}

// Limits on what is read from a file, far above any model.
const (
	maxPlanBytes  = 16 << 20
	maxPlanLayers = 1 << 14
	maxPlanHeads  = 1 << 14 // KV heads per layer
)

// A PlanError says what is wrong with a plan.json.
type PlanError struct {
	Path string // empty when it was not read from a file
	Err  error
}

func (e *PlanError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("plan: %v", e.Err)
	}
	return fmt.Sprintf("plan %s: %v", e.Path, e.Err)
}

func (e *PlanError) Unwrap() error { return e.Err }

// ReadPlan reads a plan.json. Unknown keys, numbers out of range, duplicates and
// anything after the document are a [PlanError].
func ReadPlan(r io.Reader) (*Plan, error) {
	p, err := readPlan(r)
	if err != nil {
		return nil, &PlanError{Err: err}
	}
	return p, nil
}

func readPlan(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPlanBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPlanBytes {
		return nil, fmt.Errorf("longer than %d bytes, not a plan.json", maxPlanBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	p := new(Plan)
	if err := d.Decode(p); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("empty")
		}
		return nil, fmt.Errorf("not a valid plan.json: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the document")
	}
	return p, p.check()
}

// OpenPlan reads the plan.json at path.
func OpenPlan(path string) (*Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := readPlan(f)
	if err != nil {
		return nil, &PlanError{path, err}
	}
	return p, nil
}

// Write writes the plan as plan.json, one key a line. It refuses a plan that
// ReadPlan would refuse.
func (p *Plan) Write(w io.Writer) error {
	if err := p.check(); err != nil {
		return &PlanError{Err: err}
	}
	q := *p // null is not a list
	if q.LazyLayers == nil {
		q.LazyLayers = []int{}
	}
	if q.Frequency == nil {
		q.Frequency = []int{}
	}
	data, err := json.Marshal(&q)
	if err != nil {
		return &PlanError{Err: err}
	}
	_, err = w.Write(oneKeyALine(data))
	return err
}

// oneKeyALine breaks a compact JSON object after each top-level value: short enough
// to read, and a list of a thousand heads stays one line.
func oneKeyALine(data []byte) []byte {
	var out bytes.Buffer
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString:
			if c == '\\' {
				out.WriteByte(c)
				i++
				c = data[i]
			} else if c == '"' {
				inString = false
			}
			out.WriteByte(c)
			continue
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 && c == '}' {
			out.WriteByte('\n')
		}
		out.WriteByte(c)
		switch {
		case depth == 1 && (c == ',' || c == '{'):
			out.WriteString("\n  ")
		case c == ',' || c == ':':
			out.WriteByte(' ')
		}
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// check reports what is wrong with a plan whatever the model.
func (p *Plan) check() error {
	if p.Layers < 1 || p.Layers > maxPlanLayers {
		return fmt.Errorf("layers is %d, want the model's number of layers", p.Layers)
	}
	if p.Samples < 0 {
		return fmt.Errorf("samples is %d", p.Samples)
	}
	if !finite(p.Threshold) || p.Threshold < 0 {
		return fmt.Errorf("threshold is %v", p.Threshold)
	}
	if err := checkWindow(p.Window); err != nil {
		return err
	}
	if err := p.checkLazy(); err != nil {
		return err
	}
	if n := len(p.Frequency); n != 0 && n != p.Layers {
		return fmt.Errorf("frequency has %d entries for %d layers", n, p.Layers)
	}
	for _, n := range p.Frequency {
		if n < 0 {
			return fmt.Errorf("a frequency is %d", n)
		}
	}
	if n := len(p.HeadFrequency); n != 0 && n != p.Layers {
		return fmt.Errorf("head_frequency has %d entries for %d layers", n, p.Layers)
	}
	if n := len(p.Scores); n != 0 && n != p.Layers {
		return fmt.Errorf("scores has %d entries for %d layers", n, p.Layers)
	}
	for _, heads := range p.HeadFrequency {
		for _, n := range heads {
			if n < 0 {
				return fmt.Errorf("a head frequency is %d", n)
			}
		}
	}
	for layer, scores := range p.Scores {
		for _, x := range scores {
			if !finite(x) {
				return fmt.Errorf("a score of layer %d is %v", layer, x)
			}
		}
	}
	return nil
}

func (p *Plan) checkLazy() error {
	layers := make(map[int]bool, len(p.LazyLayers))
	for _, layer := range p.LazyLayers {
		if layer < 0 || layer >= p.Layers {
			return fmt.Errorf("lazy layer %d of a model of %d layers (the first is 0)", layer, p.Layers)
		}
		if layers[layer] {
			return fmt.Errorf("lazy layer %d is listed twice", layer)
		}
		layers[layer] = true
	}
	heads := make(map[Head]bool, len(p.LazyHeads))
	for _, h := range p.LazyHeads {
		if h.Layer < 0 || h.Layer >= p.Layers || h.KVHead < 0 || h.KVHead >= maxPlanHeads {
			return fmt.Errorf("lazy head [%d, %d] of a model of %d layers (the first is 0)", h.Layer, h.KVHead, p.Layers)
		}
		if heads[Head{h.Layer, h.KVHead}] {
			return fmt.Errorf("lazy head [%d, %d] is listed twice", h.Layer, h.KVHead)
		}
		heads[Head{h.Layer, h.KVHead}] = true
		if h.Recent == 0 && h.Stride == 0 {
			continue
		}
		if h.Recent < 1 {
			return fmt.Errorf("lazy head [%d, %d, %d, %d]: its own window needs at least one recent token", h.Layer, h.KVHead, h.Recent, h.Stride)
		}
		if err := checkWindow(p.headWindow(h, kv.Window{})); err != nil {
			return fmt.Errorf("lazy head [%d, %d]: %w", h.Layer, h.KVHead, err)
		}
	}
	return nil
}

// headWindow is the window of a lazy head, base that of the plan.
func (p *Plan) headWindow(h PlanHead, base kv.Window) kv.Window {
	if h.Recent == 0 {
		return base
	}
	return kv.Window{Sink: p.Window.Sink, Recent: h.Recent, Stride: h.Stride}
}

// Validate reports a plan that does not fit a model of shape s, or fits none.
func (p *Plan) Validate(s Shape) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return &PlanError{Err: err}
	}
	misfit := func(format string, args ...any) error {
		return fmt.Errorf("the plan for %q does not fit this model: %s; use a plan made for the model", p.Model, fmt.Sprintf(format, args...))
	}
	if p.Layers != s.Layers {
		return misfit("it is for %d layers, the model has %d", p.Layers, s.Layers)
	}
	for _, h := range p.LazyHeads {
		if h.KVHead >= s.KVHeads {
			return misfit("it has lazy head %d of layer %d, the model has %d KV heads (the first is 0)", h.KVHead, h.Layer, s.KVHeads)
		}
	}
	for layer, heads := range p.HeadFrequency {
		if len(heads) != s.KVHeads {
			return misfit("layer %d has frequencies of %d KV heads, the model has %d", layer, len(heads), s.KVHeads)
		}
	}
	for layer, scores := range p.Scores {
		if len(scores) != s.KVHeads && len(scores) != 1 {
			return misfit("layer %d has scores of %d KV heads, the model has %d", layer, len(scores), s.KVHeads)
		}
	}
	return nil
}

// Windows are the windows of all KV heads under the plan, [layer*KVHeads + kvHead].
// Lazy heads of a plan without a window get the given one.
func (p *Plan) Windows(s Shape, settings kv.Window) ([]kv.Window, error) {
	if err := p.Validate(s); err != nil {
		return nil, err
	}
	base := p.Window
	if base.Full() {
		base = settings
	}
	ws := s.windows()
	for _, layer := range p.LazyLayers {
		s.setLayer(ws, layer, base)
	}
	for _, h := range p.LazyHeads {
		ws[h.Layer*s.KVHeads+h.KVHead] = p.headWindow(h, base)
	}
	return ws, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
