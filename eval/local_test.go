package eval

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
	"github.com/lighttransfer/lighttransfer/internal/tiny"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/tokenizer"
)

// chatModel is the embedded model with a chat template.
func chatModel(t *testing.T) *lighttransfer.Model {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, tiny.Files()); err != nil {
		t.Fatal(err)
	}
	template := `{% for m in messages %}[{{ m.role }}] {{ m.content }} [end]
{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	return openModel(t, dir)
}

func openModel(t *testing.T, path string) *lighttransfer.Model {
	t.Helper()
	m, err := lighttransfer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// haystack is a record about a number in so many tokens, with or without a second turn.
func haystack(m *lighttransfer.Model, id string, n int, later bool) task.Record {
	tok := m.Tokenizer()
	encode := func(text string) []int32 { return tok.Encode(text, tokenizer.EncodeOptions{}) }
	bos, _ := tok.BOS()
	ids, _, answer := tiny.Haystack(encode, bos, rand.New(rand.NewPCG(1, uint64(n))), n, 0.3)
	text := tok.Decode(ids, true)
	r := task.Record{Task: "t", ID: id, Prompt: text, Raw: true, Target: " " + answer + " and so on", MaxTokens: 9, Stop: []string{"5"}, Reference: score.Reference{Answers: []string{answer}}}
	if later {
		r.Raw, r.Reply, r.Later, r.Prefix = false, "Yes.", text[len(text)-60:], "It is"
	}
	return r
}

func policiesOf(t *testing.T, specs ...string) []runs.Policy {
	t.Helper()
	list, err := ParsePolicies(specs, Settings{Window: kv.Window{Sink: 4, Recent: 124}, Last: 32, KV: "bf16"})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What policies answer that share a reading, and are decoded together, is what each
// answers in a session of its own: text, bytes and lazy heads exactly, likelihoods
// as token by token.
func TestSharedReadingIsEachAlone(t *testing.T) {
	m := chatModel(t)
	l := &Local{Model: m, Last: 32}
	policies := policiesOf(t, "random", "full", "lighttransfer", "lighttransfer:by=error,unit=head,lazy=0.75@2/60", "streaming@4/100+8", "pyramid",
		"threshold:0.9", "longgen", "lighttransfer@kv=int8", "full@kv=int8", "streaming@kv=int8,4/60")
	for _, r := range []task.Record{haystack(m, "now", 600, false), haystack(m, "later", 500, true), haystack(m, "short", 90, false)} {
		var full [][]float32
		want := make([]runs.Result, len(policies))
		for _, i := range []int{1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10} { // full attention first
			var logits [][]float32
			if want[i], logits = alone(t, m, &r, &policies[i], full); full == nil {
				full = logits
			}
		}
		for _, budget := range []int64{0, 3 << 20} {
			l.Together = budget
			got, err := l.Answer(context.Background(), &r, policies)
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range got {
				w := want[i]
				for _, x := range []struct {
					what      string
					got, want *float64
				}{{"NLL", g.NLL, w.NLL}, {"KL", g.KL, w.KL}} {
					if x.got == nil || math.Abs(*x.got-*x.want) > 0.02 {
						t.Errorf("%s, %s: %s %v, want %v", r.ID, g.Policy, x.what, *x.got, *x.want)
					}
				}
				g.NLL, g.KL, g.Seconds, w.NLL, w.KL = nil, nil, 0, nil, nil
				if !reflect.DeepEqual(g, w) {
					t.Errorf("%s, %s:\n%+v\nwant\n%+v", r.ID, g.Policy, g, w)
				}
			}
		}
	}
}

// alone answers in a session of its own, token by token.
func alone(t *testing.T, m *lighttransfer.Model, r *task.Record, p *runs.Policy, full [][]float32) (runs.Result, [][]float32) {
	t.Helper()
	ctx := context.Background()
	read := func() (*lighttransfer.Session, *prompt) {
		s, err := m.NewSession(lighttransfer.SessionOptions{Policy: p.Spec, Window: window(p), KV: p.KV})
		if err != nil {
			t.Fatal(err)
		}
		q, err := newPrompt(m, r, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ids := range [][]int32{q.read, q.whole} {
			if err := s.Prefill(ctx, ids); err != nil {
				t.Fatal(err)
			}
		}
		return s, q
	}
	res := begin(r, p.Name)
	s, q := read()
	defer s.Close()
	res.PromptTokens, res.Tokens = len(q.whole), len(q.target)
	describe(&res, s.Report())
	for tok := range s.Run(ctx, lighttransfer.Request{IDs: q.whole, MaxTokens: r.MaxTokens, Stop: r.Stop}) {
		res.Prediction += tok.Text
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	forced, _ := read()
	defer forced.Close()
	one, err := lighttransfer.NewBatch(forced)
	if err != nil {
		t.Fatal(err)
	}
	var logits [][]float32
	for _, id := range q.target {
		logits = append(logits, slices.Clone(forced.Logits()))
		if err := one.Step([]int32{id}); err != nil {
			t.Fatal(err)
		}
	}
	if full == nil {
		full = logits
	}
	var nll, kl float64
	right, kept := 0, 0
	for i, id := range q.target {
		lp, lq := logSoftmax(full[i]), logSoftmax(logits[i])
		nll -= lq[id] / float64(len(q.target))
		for j := range lp {
			kl += math.Exp(lp[j]) * (lp[j] - lq[j]) / float64(len(q.target))
		}
		if int32(slices.Index(full[i], slices.Max(full[i]))) == id {
			right++
			if int32(slices.Index(logits[i], slices.Max(logits[i]))) == id {
				kept++
			}
		}
	}
	res.NLL, res.KL, res.FullRight = &nll, &kl, &right
	if right > 0 {
		share := float64(kept) / float64(right)
		res.Kept = &share
	}
	return res, logits
}

func logSoftmax(x []float32) []float64 {
	out := make([]float64, len(x))
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v))
	}
	for i, v := range x {
		out[i] = float64(v) - math.Log(sum)
	}
	return out
}

// Without full attention among the policies it is computed all the same.
func TestReferenceUnasked(t *testing.T) {
	m := openModel(t, "tiny")
	r := haystack(m, "r", 500, false)
	r.MaxTokens = 0
	l := &Local{Model: m, Last: 32}
	both, err := l.Answer(context.Background(), &r, policiesOf(t, "full", "streaming"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := l.Answer(context.Background(), &r, policiesOf(t, "streaming"))
	if err != nil {
		t.Fatal(err)
	}
	if *one[0].KL != *both[1].KL || *one[0].NLL != *both[1].NLL || *one[0].KL <= 0.01 || *both[0].KL > 1e-6 || *both[0].Kept != 1 {
		t.Errorf("KL %g alone, %g beside full attention, whose own is %g", *one[0].KL, *both[1].KL, *both[0].KL)
	}
	if one[0].Prediction != "" || one[0].Score != nil {
		t.Error("an answer was generated that nobody asked for")
	}
}

// Prompts lose their middle as LongBench's script does it: the first and the last
// half of the tokens, decoded and joined.
func TestMiddle(t *testing.T) {
	m := chatModel(t)
	tok := m.Tokenizer()
	r := haystack(m, "r", 900, false)
	ids := tok.Encode(r.Prompt, tokenizer.EncodeOptions{AddBOS: tok.AddsBOS()})
	p, err := newPrompt(m, &r, 301)
	if err != nil {
		t.Fatal(err)
	}
	want := tok.Decode(ids[:150], true) + tok.Decode(ids[len(ids)-150:], true)
	if got := tok.Decode(p.whole, true); got != want || p.cut != len(ids)-300 {
		t.Errorf("cut by %d to %q, want %q", p.cut, got, want)
	}
	if p, err = newPrompt(m, &r, len(ids)); err != nil || p.cut != 0 || !slices.Equal(p.whole, p.read) {
		t.Errorf("a prompt that fits: cut by %d, %v", p.cut, err)
	}

	// What the context forces: everything fits, and hardly less than could.
	context := m.Config().Context
	long := haystack(m, "long", 900, true)
	long.Prompt = strings.Repeat(long.Prompt+" ", context/800+1)
	p, err = newPrompt(m, &long, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.whole) + max(len(p.target), long.MaxTokens); n > context || n < context-40 {
		t.Errorf("%d tokens for a context of %d", n, context)
	}
	r.MaxTokens = 4 * context // more than any answer can take: maths tasks allow 32,768
	if p, err := newPrompt(m, &r, 0); err != nil || p.cut != 0 || p.answer != context/2 {
		t.Errorf("a long answer: %+v, %v", p, err)
	}
	text := tok.Decode(p.whole, true)
	if !strings.HasSuffix(text, "[assistant]It is") || !strings.Contains(text, long.Later) || strings.Contains(tok.Decode(p.read, true), "[assistant]It is") {
		t.Errorf("the prompt ends %q", text[len(text)-200:])
	}
	if len(p.read) >= len(p.whole) || !slices.Equal(p.read, p.whole[:len(p.read)]) || !strings.Contains(tok.Decode(p.read, true), "Yes. [end]") {
		t.Errorf("read before the later turn: %q", tok.Decode(p.read[len(p.read)-20:], true))
	}
	for what, change := range map[string]func(*task.Record){
		"no prompt":        func(r *task.Record) { r.Prompt = "" },
		"nothing to do":    func(r *task.Record) { r.MaxTokens, r.Target = 0, "" },
		"no room":          func(r *task.Record) { r.Target = strings.Repeat("far ", context) },
		"a reply to spare": func(r *task.Record) { r.Reply = "x" },
		"negative":         func(r *task.Record) { r.MaxTokens = -1 },
	} {
		bad := r
		change(&bad)
		if _, err := newPrompt(m, &bad, 0); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
