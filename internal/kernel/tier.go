package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// tier numbers the families of CPUs that have their own loops. A table of
// function values is an array indexed by it, with nil where a build has none:
//
//	var matOps = [numTiers]*matTable{tierGeneric: &matGeneric, tierAVX2: matAVX2, ...}
type tier uint8

const (
	tierGeneric tier = iota
	tierNEON
	tierAVX2
	tierAVX512
	tierAMX
	numTiers
)

var tierNames = [numTiers]string{"generic", "neon", "avx2", "avx512", "amx"}

// envTier is the environment variable that forces a tier.
const envTier = "LIGHTTRANSFER_CPU"

// active is the tier in use. It changes only in SetTier.
var active, tierErr = chooseTier(os.Getenv(envTier))

// chooseTier returns the tier an environment value asks for: the best one for
// "" and "auto".
func chooseTier(want string) (tier, error) {
	can := usable()
	best := can[len(can)-1]
	if want == "" || want == "auto" {
		return best, nil
	}
	i := slices.Index(tierNames[:], want)
	if i < 0 || !slices.Contains(can, tier(i)) {
		return best, fmt.Errorf("CPU tier %q is unknown or not available on this machine; it has %s", want, strings.Join(Tiers(), ", "))
	}
	return tier(i), nil
}

// usable returns the tiers this machine can run, best last.
func usable() []tier {
	return append([]tier{tierGeneric}, archTiers()...)
}

// Tier returns the name of the loops in use: "generic", "neon", "avx2", "avx512"
// or "amx". It is the best the machine has unless LIGHTTRANSFER_CPU names another.
func Tier() string { return tierNames[active] }

// TierError says what is wrong with the value of LIGHTTRANSFER_CPU; nil when it
// is unset or was followed. The best tier is in use after an error.
func TierError() error {
	if tierErr != nil {
		return fmt.Errorf("%s: %w", envTier, tierErr)
	}
	return nil
}

// Tiers returns the names of the tiers this machine can run, best last.
func Tiers() []string {
	var names []string
	for _, t := range usable() {
		names = append(names, tierNames[t])
	}
	return names
}

// SetTier switches to the named tier until restore is called, for tests and
// benchmarks: no other goroutine may be inside the package meanwhile. Matrices
// and pages made in one tier are good in every other.
func SetTier(name string) (restore func(), err error) {
	t, err := chooseTier(name)
	if err != nil {
		return func() {}, err
	}
	before := active
	active = t
	return func() { active = before }, nil
}
