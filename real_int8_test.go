package lighttransfer

import (
	"context"
	"math"
	"testing"

	"github.com/lighttransfer/lighttransfer/kv"
)

// What an int8 cache costs on a real model, full and with half of the layers lazy:
// the largest error of the 20 best logits, the NLL of text, and nothing of the
// answer.
func TestRealInt8Cache(t *testing.T) {
	m := openReal(t)
	for _, g := range realGoldens(t) {
		if g.Name != "long_2k" && g.Name != "chat_2" {
			continue
		}
		for _, policy := range []string{"full", "lighttransfer:lazy=0.5"} {
			var best [2][]float32
			for i, precision := range []string{"bf16", "int8"} {
				s, err := m.NewSession(SessionOptions{Policy: policy, KV: precision})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Prefill(context.Background(), g.IDs); err != nil {
					t.Fatal(err)
				}
				best[i] = append(best[i], s.Logits()...)
				s.Close()
			}
			worst := 0.0
			for _, id := range g.Top.IDs {
				worst = max(worst, math.Abs(float64(best[0][id]-best[1][id])))
			}
			t.Logf("%s, %s: the 20 best logits differ by at most %.3f", g.Name, policy, worst)
			if worst > 1 {
				t.Errorf("%s, %s: a logit moved by %.3f", g.Name, policy, worst)
			}
		}
		if g.Name != "long_2k" {
			continue
		}
		var nll [2]float64
		for i, p := range []kv.Precision{kv.BF16, kv.Int8} {
			var err error
			if nll[i], err = m.nll(context.Background(), g.IDs, 256, m.model.Windows(), p, func(int) {}); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("NLL of 256 tokens of a novel: bf16 %.4f, int8 %.4f (difference %+.4f nats)", nll[0], nll[1], nll[1]-nll[0])
		if d := nll[1] - nll[0]; d > 0.02 {
			t.Errorf("an int8 cache costs %.4f nats per token", d)
		}
	}
}
