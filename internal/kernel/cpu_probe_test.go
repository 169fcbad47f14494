package kernel

import "testing"

func TestProbe(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		p := Probe()
		t.Logf("%+v", p)
		ints := matOps[active].gemmI8 != nil
		// Emulated machines reach that much.
		if p.Read <= 0 || Tier() != "generic" && p.FMA < 0.01 || ints && p.Int8 < 0.01 {
			t.Errorf("%+v", p)
		}
	})
}
