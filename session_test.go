package lighttransfer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/tiny"
	"github.com/lighttransfer/lighttransfer/kv"
)

// prompt is a haystack for the embedded model.
func prompt(m *Model, n int) []int32 {
	bos, _ := m.tok.BOS()
	ids, _, _ := tiny.Haystack(coder{m}.Encode, bos, rand.New(rand.NewPCG(9, uint64(n))), n, 0.4)
	return ids
}

func session(t testing.TB, m *Model, o SessionOptions) *Session {
	t.Helper()
	if o.Window == (kv.Window{}) {
		o.Window = tinyWindow
	}
	s, err := m.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// logitsOf are the logits after each of some tokens that follow a prompt.
func logitsOf(t testing.TB, s *Session, ids []int32, then int) [][]float32 {
	t.Helper()
	if err := s.Prefill(context.Background(), ids[:len(ids)-then]); err != nil {
		t.Fatal(err)
	}
	out := [][]float32{slices.Clone(s.Logits())}
	for _, id := range ids[len(ids)-then:] {
		if err := s.decode(id); err != nil {
			t.Fatal(err)
		}
		out = append(out, slices.Clone(s.Logits()))
	}
	return out
}

func near(t *testing.T, what string, got, want [][]float32, tolerance float64) {
	t.Helper()
	for i := range want {
		for j := range want[i] {
			if e := math.Abs(float64(got[i][j] - want[i][j])); !(e <= tolerance) {
				t.Fatalf("%s: step %d, id %d: logit %g, want %g", what, i, j, got[i][j], want[i][j])
			}
		}
	}
}

var policies = []string{"full", "lighttransfer:lazy=0.5", "lighttransfer:lazy=0.75,by=error,unit=head", "streaming", "threshold:0.9", "random:lazy=0.5,seed=3", "longgen", "pyramid",
	"squeeze:keep=0.4", "snapkv:keep=0.4", "minicache:keep=0.75"}

// Threads change nothing, to the bit; block sizes no more than rounding.
func TestThreadsAndBlocks(t *testing.T) {
	for _, policy := range policies {
		var first [][]float32
		for _, threads := range []int{1, 2, 5} {
			m, err := Options{Threads: threads}.Open("tiny")
			if err != nil {
				t.Fatal(err)
			}
			ids := prompt(m, 700)
			got := logitsOf(t, session(t, m, SessionOptions{Policy: policy}), ids, 6)
			if first == nil {
				first = got
				for _, block := range []int{1 << 20, 64, 129} {
					near(t, fmt.Sprintf("%s: blocks of %d", policy, block), logitsOf(t, session(t, m, SessionOptions{Policy: policy, block: block}), ids, 6), first, 0.08)
				}
			} else {
				near(t, fmt.Sprintf("%s: %d threads", policy, threads), got, first, 0)
			}
			m.Close()
		}
	}
}

// A window that hides nothing is full attention, whatever the policy.
func TestWideWindowIsFull(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 500)
	want := logitsOf(t, session(t, m, SessionOptions{Policy: "full"}), ids, 6)
	for _, w := range []kv.Window{{Sink: 4, Recent: 500}, {Sink: 0, Recent: 500}, {Sink: 300, Recent: 201}, {Sink: 4, Recent: 600, Stride: 8}} {
		for _, policy := range []string{"streaming", "lighttransfer:lazy=1", "longgen"} {
			near(t, fmt.Sprintf("%s, window %s", policy, w), logitsOf(t, session(t, m, SessionOptions{Policy: policy, Window: w}), ids, 6), want, 0.08)
		}
	}
}

// Around the edges of pages, prefill with a window and decode agree.
func TestPageEdges(t *testing.T) {
	m := openTiny(t)
	all := prompt(m, 400)
	for _, recent := range []int{127, 128, 129} {
		for _, n := range []int{127, 128, 129, 255, 256, 257, 260} {
			for _, stride := range []int{0, 8} {
				o := SessionOptions{Policy: "streaming", Window: kv.Window{Sink: 4, Recent: recent, Stride: stride}}
				ids := all[:n]
				whole := logitsOf(t, session(t, m, o), ids, 0)
				steps := logitsOf(t, session(t, m, o), ids, 9)
				near(t, fmt.Sprintf("recent %d, stride %d, %d tokens", recent, stride, n), steps[9:], whole, 0.08)
			}
		}
	}
}

// While LightTransfer reads, P + 1 layers are full; afterwards P are.
func TestPeakOfLightTransfer(t *testing.T) {
	m := openTiny(t)
	c := m.Config()
	for _, n := range []int{512, 2048} {
		s := session(t, m, SessionOptions{Policy: "lighttransfer:lazy=0.5"})
		announced := s.kvPeak(n, n)
		if err := s.Prefill(context.Background(), prompt(m, n)); err != nil {
			t.Fatal(err)
		}
		full := kv.BF16.NeedBytes([]kv.Window{{}}, n, 1, c.HeadDim)
		ring := kv.BF16.NeedBytes([]kv.Window{tinyWindow}, n, 1, c.HeadDim)
		r := s.Report().KV
		p := int64(c.Layers / 2)
		if want := p*full + int64(c.Layers-int(p))*ring; r.Bytes != want {
			t.Errorf("%d tokens: %d bytes at the end, want %d", n, r.Bytes, want)
		}
		// The last layer to be looked at exists beside P full ones and the rings of the others; a
		// demotion holds one page more for a moment.
		if want := (p+1)*full + int64(c.Layers-int(p)-1)*ring + kv.BF16.PageBytes(c.HeadDim); r.PeakBytes > want {
			t.Errorf("%d tokens: %d bytes at peak, at most %d expected", n, r.PeakBytes, want)
		}
		if r.PeakBytes > announced {
			t.Errorf("%d tokens: %d bytes at peak, %d announced", n, r.PeakBytes, announced)
		}
		if r.FullBytes != int64(c.Layers)*full {
			t.Errorf("%d tokens: full attention would hold %d bytes, want %d", n, r.FullBytes, int64(c.Layers)*full)
		}
	}
}

// A second prompt costs only what is new, and says the same as a fresh start.
func TestReuse(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 600)
	for _, policy := range []string{"full", "streaming"} {
		s := session(t, m, SessionOptions{Policy: policy})
		logitsOf(t, s, ids[:400], 0)
		got := logitsOf(t, s, ids, 0)
		if r := s.Report(); r.ReusedTokens != 400 || r.Prefill.Tokens != 200 {
			t.Errorf("%s: %d tokens reused, %d computed; want 400 and 200", policy, r.ReusedTokens, r.Prefill.Tokens)
		}
		near(t, policy, got, logitsOf(t, session(t, m, SessionOptions{Policy: policy}), ids, 0), 0.08)
	}
	// Another continuation: full attention goes back, a lazy head cannot and starts again.
	other := slices.Concat(ids[:350], ids[400:600])
	for policy, reused := range map[string]int{"full": 350, "streaming": 0, "lighttransfer": 0} {
		s := session(t, m, SessionOptions{Policy: policy})
		logitsOf(t, s, ids, 0)
		got := logitsOf(t, s, other, 0)
		if r := s.Report(); r.ReusedTokens != reused {
			t.Errorf("%s: %d tokens reused, want %d", policy, r.ReusedTokens, reused)
		}
		near(t, policy, got, logitsOf(t, session(t, m, SessionOptions{Policy: policy}), other, 0), 0.08)
	}
}

// With Rewind another question about the same text costs what differs and a few
// tokens more, and says the same as a fresh start, after an answer, and from a file.
func TestAnotherQuestion(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 900)
	other := slices.Concat(ids[:850], ids[500:530])
	o := SessionOptions{Policy: "streaming", Window: kv.Window{Sink: 4, Recent: 100, Stride: 8}, Rewind: true}
	fresh := logitsOf(t, session(t, m, o), other, 0)
	for _, answer := range []int{1, 40, 300} {
		s := session(t, m, o)
		logitsOf(t, s, append(ids[:900:900], ids[:answer]...), answer)
		path := filepath.Join(t.TempDir(), "s")
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
		saved, err := m.OpenSession(path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer saved.Close()
		for _, s := range []*Session{s, saved} {
			got := logitsOf(t, s, other, 0)
			if r := s.Report(); r.ReusedTokens < 900-rewind-kv.PageTokens || r.ReusedTokens+r.Prefill.Tokens != len(other) {
				t.Errorf("answer of %d: %d tokens reused, %d computed", answer, r.ReusedTokens, r.Prefill.Tokens)
			}
			near(t, "another question", got, fresh, 0)
		}
	}
}

// A session saved and resumed goes on as if it had never been away.
func TestSaveAndResume(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 600)
	for i, policy := range policies {
		path := filepath.Join(t.TempDir(), "s.lts")
		precision := []string{"bf16", "int8"}[i%2]
		s := session(t, m, SessionOptions{Policy: policy, KV: precision})
		logitsOf(t, s, ids[:500], 0)
		err := s.Save(path)
		if strings.HasPrefix(policy, "minicache") {
			if _, missing := os.Stat(path); err == nil || missing == nil || !strings.Contains(err.Error(), "policy minicache merges layers") {
				t.Errorf("%s: %v, want a refusal and no file", policy, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		bytes := s.Report().KV.Bytes
		want := logitsOf(t, s, ids, 0)
		if st, err := os.Stat(path); err != nil || st.Size() > bytes+64<<10 {
			t.Errorf("%s: file of %d bytes for a cache of %d (%v)", policy, st.Size(), bytes, err)
		}
		for _, spec := range []string{policy, "auto"} {
			r, err := m.OpenSession(path, SessionOptions{Policy: spec, Window: tinyWindow, KV: precision})
			if err != nil {
				t.Fatalf("%s: %v", policy, err)
			}
			near(t, policy+" resumed", logitsOf(t, r, ids, 0), want, 0)
			if got := r.Report(); got.ReusedTokens != 500 || got.KV.Bytes != s.Report().KV.Bytes {
				t.Errorf("%s: %d tokens reused, %d bytes; want 500, %d", policy, got.ReusedTokens, got.KV.Bytes, s.Report().KV.Bytes)
			}
			if err := r.Save(path + "2"); err != nil { // a resumed session can be saved again
				t.Errorf("%s: %v", policy, err)
			}
			r.Close()
		}
	}
}

// A file that does not fit is refused with a reason, never continued.
func TestResumeRefusals(t *testing.T) {
	m := openTiny(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s.lts")
	s := session(t, m, SessionOptions{Policy: "streaming"})
	logitsOf(t, s, prompt(m, 300), 0)
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(data []byte, o SessionOptions, want string) {
		t.Helper()
		file := filepath.Join(dir, "bad.lts")
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := m.OpenSession(file, o)
		if err == nil {
			r.Close()
			t.Errorf("no error, want %q", want)
		} else if !errors.Is(err, ErrSession) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
	}
	o := SessionOptions{Window: tinyWindow}
	for n := 0; n < len(good); n += 1 + len(good)/97 {
		try(good[:n], o, "")
	}
	for at := 0; at < len(good); at += 1 + len(good)/211 {
		bad := slices.Clone(good)
		bad[at] ^= 0x40
		if header := pagesStart(int(good[12]) | int(good[13])<<8 | int(good[14])<<16); at >= 24 && at < header && good[at] == 0 {
			continue // the padding after the header carries nothing
		}
		try(bad, o, "")
	}
	try(append(slices.Clone(good), 0), o, "torn")
	try(good, SessionOptions{Policy: "full", Window: tinyWindow}, "policy")
	try(good, SessionOptions{Policy: "streaming", Window: kv.Window{Sink: 4, Recent: 60}}, "window")
	try(good, SessionOptions{Window: tinyWindow, Budget: 1 << 10}, "budget")
	other := *m
	other.hash = "another"
	if _, err := other.OpenSession(path, o); err == nil || !strings.Contains(err.Error(), "another model") {
		t.Errorf("another model: %v", err)
	}
}

// Cancelling in the middle of a prompt loses the prompt, not the session.
func TestCancelPrefill(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 600)
	for _, policy := range []string{"full", "lighttransfer", "streaming"} {
		for _, at := range []int{1, 5, 8} {
			ctx, cancel := context.WithCancel(context.Background())
			steps := 0
			s := session(t, m, SessionOptions{Policy: policy, block: 128, Progress: func(Progress) {
				if steps++; steps == at {
					cancel()
				}
			}})
			if err := s.Prefill(ctx, ids); !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: error %v", policy, err)
			}
			cancel()
			got := logitsOf(t, s, ids, 0)
			near(t, policy, got, logitsOf(t, session(t, m, SessionOptions{Policy: policy, block: 128}), ids, 0), 0)
		}
	}
}

// What does not fit is refused before the work starts, with figures.
func TestRefusals(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 2000)
	s := session(t, m, SessionOptions{Policy: "full", Budget: 2 << 20})
	err := s.Prefill(context.Background(), ids)
	if !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "tokens would fit") || !strings.Contains(err.Error(), "2.00 MiB") {
		t.Errorf("budget: %v", err)
	}
	if s.Report().KV.PeakBytes != 0 {
		t.Error("budget: pages were taken before the refusal")
	}
	fits := s.longest(2 << 20)
	if err := s.Prefill(context.Background(), ids[:fits]); err != nil {
		t.Errorf("%d tokens were said to fit: %v", fits, err)
	}
	if err := session(t, m, SessionOptions{Policy: "streaming", Budget: 2 << 20}).Prefill(context.Background(), ids); err != nil {
		t.Errorf("streaming fits: %v", err)
	}
	s = session(t, m, SessionOptions{Policy: "full", Context: 100})
	if err := s.Prefill(context.Background(), ids); !errors.Is(err, ErrContext) {
		t.Errorf("context: %v", err)
	}
	out, _ := generate(t, s, Request{IDs: ids[:95], IgnoreEOS: true})
	if len(out) != 6 || s.FinishReason() != FinishLength {
		t.Errorf("context of 100 with 95 used: %d tokens, finish %q", len(out), s.FinishReason())
	}
	for _, o := range []SessionOptions{{Policy: "nonsense"}, {Policy: "minicache:keep=0.1"}, {KV: "fp4"}, {Context: 1 << 20}, {Last: -1}, {Window: kv.Window{Sink: 1}}, {Policy: "plan:nowhere.json"}} {
		if _, err := m.NewSession(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := session(t, m, SessionOptions{}).Prefill(context.Background(), nil); err == nil {
		t.Error("an empty prompt: no error")
	}
	if err := session(t, m, SessionOptions{}).Prefill(context.Background(), []int32{0, 5000}); err == nil {
		t.Error("an id outside of the vocabulary: no error")
	}
}

// An int8 cache holds about half the bytes and moves the logits little.
func TestInt8Cache(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 700)
	for _, policy := range policies {
		exact, short := session(t, m, SessionOptions{Policy: policy}), session(t, m, SessionOptions{Policy: policy, KV: "int8"})
		near(t, policy, logitsOf(t, short, ids, 6), logitsOf(t, exact, ids, 6), 0.5)
		a, b := short.Report().KV, exact.Report().KV
		if ratio := float64(a.Bytes) / float64(b.Bytes); a.Dtype != "int8" || ratio < 0.5 || ratio > 0.545 {
			t.Errorf("%s: %s holds %.2f of the bytes of %s", policy, a.Dtype, ratio, b.Dtype)
		}
	}
}

// A prompt no longer than the window decides nothing; the first longer one does.
func TestDecidesOnceWorthIt(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 600)
	s := session(t, m, SessionOptions{Policy: "lighttransfer"})
	logitsOf(t, s, ids[:128], 0)
	if r := s.Report(); len(r.Decided) != 0 || *r.LazyRatio[2] != 1 {
		t.Errorf("128 tokens with window 4/124: decided %v, ratio %v", r.Decided, *r.LazyRatio[2])
	}
	logitsOf(t, s, ids, 0)
	if r := s.Report(); len(r.Decided) != 4 || r.ReusedTokens != 128 {
		t.Errorf("600 tokens: decided %v, reused %d", r.Decided, r.ReusedTokens)
	}
}

// Stop texts end the answer wherever the token borders lie.
func TestStop(t *testing.T) {
	m := openTiny(t)
	ids := prompt(m, 300)
	_, text := generate(t, session(t, m, SessionOptions{}), Request{IDs: ids, MaxTokens: 12, IgnoreEOS: true})
	for from := 1; from < len(text)-2; from++ {
		s := session(t, m, SessionOptions{})
		stop := text[from : from+2]
		_, got := generate(t, s, Request{IDs: ids, MaxTokens: 12, IgnoreEOS: true, Stop: []string{stop}})
		if want := text[:strings.Index(text, stop)]; got != want || s.FinishReason() != FinishStop {
			t.Errorf("stop %q: %q (%s), want %q", stop, got, s.FinishReason(), want)
		}
	}
}
