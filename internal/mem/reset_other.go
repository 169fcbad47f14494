//go:build !linux

package mem

func resetPeakRSS() {}
