package lighttransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// The finding of docs/results.md: a number is hidden in a novel, far before the
// window of lazy heads, and asked for; half of the questions stand in the same
// message, half come in a later turn, when the lazy heads have been cut already.
// Of candidates with fixed seeds the first 20 count that full attention gets right.

// hidden are sentences that hide a number, and questions for it.
var hidden = []struct {
	fact, ask string
	of        []string
}{
	{"The telephone number of %s is %s.", "What is the telephone number of %s?", []string{"the harbour office", "Doctor Penhallow", "the clock museum", "Mrs. Abernethy"}},
	{"The account number of %s is %s.", "What is the account number of %s?", []string{"the widow Larkin", "Captain Thorne", "the flower shop", "Mr. Oyelaran"}},
	{"The combination of the safe in %s is %s.", "What is the combination of the safe in %s?", []string{"the east wing", "the old mill", "the chapel", "the wine cellar"}},
	{"The serial number of %s is %s.", "What is the serial number of %s?", []string{"the brass telescope", "the printing press", "the steam pump", "the grand piano"}},
	{"The magic number of %s is %s.", "What is the magic number of %s?", []string{"the lighthouse", "the copper kettle", "the orchard", "the north bridge"}},
}

// A needle is one prompt: its tokens, and those of the part that is read before
// the question comes (nil when they are one message).
type needle struct {
	ids, before []int32
	number      string
	depth       int // tokens from the number to the end of ids
	answer      []int32
	digits      int // where the number begins in answer
}

const (
	needleMin, needleMax = 1500, 3000 // tokens
	needleAfter          = 1150       // tokens that follow the number, at least: it is outside of 4/1020
	needles              = 20
)

// sentences is held-out text: the end of Middlemarch, of which calibration has the beginning.
func sentences(t *testing.T) []string {
	data, err := os.ReadFile("internal/tiny/haystack.txt")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`[^.!?]+[.!?]+["']?\s+`).FindAllString(string(data), -1)
}

// needleOf is the candidate of a seed.
func (m *Model) needleOf(t *testing.T, seed uint64, book []string, later bool) needle {
	rnd := rand.New(rand.NewPCG(seed, 2410))
	kind := hidden[rnd.IntN(len(hidden))]
	of := kind.of[rnd.IntN(len(kind.of))]
	n := needle{number: fmt.Sprint(1000000 + rnd.IntN(9000000))}
	length := needleMin + rnd.IntN(needleMax-needleMin-200)
	var text []string
	var sizes []int
	size := 0
	for i := rnd.IntN(len(book)); size < length; i = (i + 1) % len(book) {
		k := len(m.tok.Encode(book[i], tokenizer.EncodeOptions{}))
		text, sizes, size = append(text, book[i]), append(sizes, k), size+k
	}
	latest, after := len(text), 0
	for after < needleAfter {
		latest--
		after += sizes[latest]
	}
	first := min(2, latest) // past the sinks
	at := first + rnd.IntN(latest-first+1)
	text = slices.Insert(text, at, fmt.Sprintf(kind.fact, of, n.number)+" ")
	ask := fmt.Sprintf(kind.ask, of)
	body := strings.TrimSpace(strings.Join(text, ""))
	messages := []chat.Message{{Role: "user", Content: body + "\n\n" + ask}}
	if later {
		messages = []chat.Message{{Role: "user", Content: body}, {Role: "assistant", Content: "I have read it."}, {Role: "user", Content: ask}}
		n.before = m.encoded(t, messages[:1])
	}
	n.ids = m.encoded(t, messages)
	if len(n.ids) < needleMin || len(n.ids) > needleMax || !slices.Equal(n.before, n.ids[:len(n.before)]) {
		t.Fatalf("needle %d has %d tokens, the first %d read before", seed, len(n.ids), len(n.before))
	}
	want := m.tok.Encode(n.number, tokenizer.EncodeOptions{})
	n.depth = len(n.ids) - index(n.ids, want)
	return n
}

func (m *Model) encoded(t *testing.T, messages []chat.Message) []int32 {
	ids, err := m.Encode(messages)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// index is where part begins in ids, len(ids) if nowhere.
func index(ids, part []int32) int {
	for i := range ids {
		if i+len(part) <= len(ids) && slices.Equal(ids[i:i+len(part)], part) {
			return i
		}
	}
	return len(ids)
}

// read makes a session and lets it read the needle's prompt, in two steps if the
// question comes later.
func (n *needle) read(t *testing.T, m *Model, o SessionOptions) *Session {
	s, err := m.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]int32{n.before, n.ids} {
		if ids == nil {
			continue
		}
		if err := s.Prefill(context.Background(), ids); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

const answerTokens = 40

// findable asks with full attention and keeps the answer.
func (n *needle) findable(t *testing.T, m *Model) (bool, KVReport) {
	s := n.read(t, m, SessionOptions{Policy: "full"})
	defer s.Close()
	r := s.Report().KV
	n.answer, _ = generate(t, s, Request{IDs: n.ids, MaxTokens: answerTokens})
	n.digits = index(n.answer, m.tok.Encode(n.number, tokenizer.EncodeOptions{}))
	return n.digits < len(n.answer), r
}

// ask asks under a policy. found: the number is in the greedy answer. digits: how
// many digits of the number come first when the answer of full attention up to
// them is given (teacher forcing).
func (n *needle) ask(t *testing.T, m *Model, o SessionOptions) (found bool, digits int, r KVReport) {
	s := n.read(t, m, o)
	defer s.Close()
	r = s.Report().KV
	own := "" // the greedy answer, where it leaves that of full attention
	for i, id := range n.answer[:n.digits+len(n.number)] {
		best, err := s.sampler.Next(s.logits, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i >= n.digits && best == id {
			digits++
		}
		if best != id && own == "" {
			own = m.tok.Decode(append(slices.Clone(n.answer[:i]), s.fork(t, best)...), true)
		}
		if err := s.decode(id); err != nil {
			t.Fatal(err)
		}
	}
	return own == "" || strings.Contains(own, n.number), digits, r
}

// fork goes on greedily from here with the token id, in a copy of the session.
func (s *Session) fork(t *testing.T, id int32) []int32 {
	path := filepath.Join(t.TempDir(), "session")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	c, err := s.m.OpenSession(path, s.o)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	defer c.Close()
	ids, _ := generate(t, c, Request{IDs: append(slices.Clone(s.ids), id), MaxTokens: answerTokens})
	return append([]int32{id}, ids...)
}

// A contender is a policy and how it did.
type contender struct {
	name        string
	o           SessionOptions
	found       [2]int // question in the same message, in a later turn
	digits      int
	bytes, peak int64 // of the KV cache, sums over the needles
}

func (c *contender) note(later, found bool, digits int, r KVReport) {
	turn := 0
	if later {
		turn = 1
	}
	if found {
		c.found[turn]++
	}
	c.digits += digits
	c.bytes += r.Bytes
	c.peak += r.PeakBytes
}

func (c *contender) all() int { return c.found[0] + c.found[1] }

// The seeds are fixed; which candidates full attention finds may differ by one or
// two between tiers of the kernels.
func TestRealFinding(t *testing.T) {
	m := openReal(t)
	standard := calibrated(t, m, CalibrateOptions{})
	plan := &contender{name: "calibrated plan (the default)", o: planOptions(t, standard)}
	full := &contender{name: "full"}
	ratio := &contender{name: "lighttransfer by ratio, 50 % of the layers", o: SessionOptions{Policy: "lighttransfer:lazy=0.5", Window: narrow}}
	streaming := &contender{name: "streaming", o: SessionOptions{Policy: "streaming", Window: narrow}}
	table := []*contender{full, ratio, plan, streaming}
	if !testing.Short() { // the rest is for the table
		bare := *standard
		bare.Window.Stride = 0
		bare.LazyHeads = slices.Clone(standard.LazyHeads)
		for i := range bare.LazyHeads {
			bare.LazyHeads[i].Stride = 0
		}
		table = []*contender{full, ratio,
			{name: "the same, window 4/1020", o: SessionOptions{Policy: "lighttransfer:lazy=0.5", Window: wide}},
			{name: "lighttransfer by error, 75 % of the KV heads", o: SessionOptions{Policy: "lighttransfer:by=error,unit=head,lazy=0.75", Window: narrow}},
			plan,
			{name: "compact plan", o: planOptions(t, calibrated(t, m, CalibrateOptions{Compact: true}))},
			{name: "the default plan's heads without samples", o: planOptions(t, &bare)},
			streaming}
	}
	book := sentences(t)
	tried, kept := 0, [2]int{}
	for seed := uint64(1); kept[0]+kept[1] < needles && tried < 2*needles; seed++ {
		turn := int(seed % 2)
		if kept[turn] == needles/2 {
			continue
		}
		later := turn == 1
		n := m.needleOf(t, seed, book, later)
		if n.depth < wide.Recent+answerTokens {
			t.Fatalf("needle %d: the number is %d tokens before the end, inside of the window", seed, n.depth)
		}
		tried++
		ok, r := n.findable(t, m)
		if !ok {
			t.Logf("needle %d: full attention does not find it: %q", seed, m.tok.Decode(n.answer, true))
			continue
		}
		kept[turn]++
		full.note(later, true, len(n.number), r)
		line := ""
		for _, c := range table[1:] {
			found, digits, r := n.ask(t, m, c.o)
			c.note(later, found, digits, r)
			line += fmt.Sprintf(" %v/%d", found, digits)
		}
		t.Logf("needle %d: %d tokens, the number %d before the end, asked later %v:%s", seed, len(n.ids), n.depth, later, line)
	}
	t.Logf("kernels %s; %d candidates tried", Kernels(), tried)
	for _, c := range table {
		t.Logf("| %s | %d of %d | %d of %d | %.0f %% | %.1f MiB (%.0f %%) | %.1f MiB |", c.name, c.found[0], kept[0], c.found[1], kept[1],
			100*float64(c.digits)/float64(7*needles), float64(c.bytes)/needles/(1<<20), 100*float64(c.bytes)/float64(full.bytes), float64(c.peak)/needles/(1<<20))
	}
	switch {
	case full.all() != needles:
		t.Errorf("full attention finds %d of %d candidates: too few to compare", full.all(), tried)
	case plan.all() < needles-1:
		t.Errorf("the calibrated plan finds %d of %d that full attention finds", plan.all(), needles)
	case ratio.all() > needles/4 || streaming.all() > needles/4:
		t.Errorf("by ratio %d, streaming %d of %d found: they should not see that far", ratio.all(), streaming.all(), needles)
	case plan.bytes > full.bytes*6/10:
		t.Errorf("the calibrated plan holds %d bytes of full attention's %d", plan.bytes, full.bytes)
	}
}

var (
	narrow = kv.Window{Sink: 4, Recent: 252}
	wide   = kv.Window{Sink: 4, Recent: 1020}
)

// retrieving are the heads that every calibration on this model must leave full.
var retrieving = []lazy.Head{{Layer: 18, KVHead: 2}, {Layer: 23, KVHead: 0}, {Layer: 23, KVHead: 2}, {Layer: 17, KVHead: 1}, {Layer: 7, KVHead: 2}}

func calibrated(t *testing.T, m *Model, o CalibrateOptions) *lazy.Plan {
	c, err := m.Calibrate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var heads []lazy.Head // full ones
	for l, row := range c.Error {
		for h := range row {
			if !slices.ContainsFunc(c.Plan.LazyHeads, func(p lazy.PlanHead) bool { return p.Layer == l && p.KVHead == h }) {
				heads = append(heads, lazy.Head{Layer: l, KVHead: h})
			}
		}
	}
	score := func(h lazy.Head) float64 { return c.Error[h.Layer][h.KVHead] }
	slices.SortStableFunc(heads, func(a, b lazy.Head) int { return cmp.Compare(score(b), score(a)) })
	line := ""
	for _, h := range heads {
		line += fmt.Sprintf(" %d.%d %.1f", h.Layer, h.KVHead, 100*score(h))
	}
	t.Logf("calibrated in %.0f s: the commonest window is %s, %d of %d heads full (error in %%):%s; check %+.3f", c.Seconds, c.Plan.Window, len(heads), m.model.Layers*m.model.KVHeads, line, c.CheckNLLDifference)
	for _, h := range retrieving {
		if !slices.Contains(heads, h) {
			t.Errorf("head %d.%d is lazy in a plan of at most %g (error %.4f)", h.Layer, h.KVHead, c.Plan.Threshold, score(h))
		}
	}
	return c.Plan
}

// planOptions run a plan, by way of a plan.json.
func planOptions(t *testing.T, p *lazy.Plan) SessionOptions {
	path := filepath.Join(t.TempDir(), "plan.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Write(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return SessionOptions{Policy: "plan:" + path}
}
