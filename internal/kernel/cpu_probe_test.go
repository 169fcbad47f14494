package kernel

import "testing"

func TestProbe(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		p := Probe()
		t.Logf("%+v", p)
		if p.Read <= 0 || Tier() != "generic" && (p.FMA < 1 || p.Int8 < 1) {
			t.Errorf("%+v", p)
		}
	})
}
