package kernel

import (
	"slices"
	"strings"
	"testing"
)

func TestTiers(t *testing.T) {
	all := Tiers()
	t.Logf("this machine runs: %s", strings.Join(all, " ")) // .ci/run reads it
	if all[0] != "generic" {
		t.Errorf("Tiers() = %v, want generic first", all)
	}
	best := all[len(all)-1]
	for _, want := range []string{"", "auto"} {
		if got, err := chooseTier(want); err != nil || tierNames[got] != best {
			t.Errorf("chooseTier(%q) = %v, %v, want %s", want, tierNames[got], err, best)
		}
	}
	for _, name := range []string{"amx2", "sse", "Generic", "generic "} {
		if got, err := chooseTier(name); err == nil || tierNames[got] != best {
			t.Errorf("chooseTier(%q) = %v, %v, want the best tier and an error", name, tierNames[got], err)
		}
	}
	before := Tier()
	for _, name := range tierNames {
		restore, err := SetTier(name)
		if (err == nil) != slices.Contains(all, name) {
			t.Errorf("SetTier(%q): %v", name, err)
		}
		if err == nil && Tier() != name {
			t.Errorf("Tier() = %q after SetTier(%q)", Tier(), name)
		}
		restore()
	}
	if Tier() != before {
		t.Errorf("Tier() = %q after the last restore, want %q", Tier(), before)
	}
}

// What the CPU offers must not be left unused: the tables of every tier are full.
func TestTablesAreFull(t *testing.T) {
	for _, i := range usable() {
		if matOps[i] == nil || vecOps[i] == nil || probeOps[i] == nil {
			t.Errorf("tier %s has no loops", tierNames[i])
		}
	}
}
