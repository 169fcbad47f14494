package kernel

import xcpu "golang.org/x/sys/cpu"

// cpu says what the loops may use beyond NEON, which every arm64 machine has:
// dot is its dot products of bytes (FEAT_DotProd), in all cores made since 2018
// or so, and in all of Apple's.
var cpu = struct{ dot bool }{xcpu.ARM64.HasASIMDDP}

// archTiers returns the tiers with assembly this machine can run.
func archTiers() []tier { return []tier{tierNEON} }

var (
	probeAVX2, probeAVX512, probeAMX *probeTable // of another architecture

	probeNEON = func() *probeTable {
		t := &probeTable{lanes: 4, fma: probeFMANEON, read: probeReadNEON}
		if cpu.dot {
			t.int8 = probeI8NEON
		}
		return t
	}()
)

func probeFMANEON(n int)
func probeI8NEON(n int)

//go:noescape
func probeReadNEON(b []byte)
