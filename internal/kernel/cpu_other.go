//go:build !amd64 && !arm64

package kernel

// archTiers: without assembly there are no tiers but the generic one.
func archTiers() []tier { return nil }

// No other architecture has probes of its own.
var probeNEON, probeAVX2, probeAVX512, probeAMX *probeTable
