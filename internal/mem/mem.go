// Package mem tells how much memory the machine, or the container the process
// runs in, can still give, and how much the process has held at most.
package mem

// Available returns the bytes that can be allocated without swapping or being
// killed; not ok where the system does not tell.
func Available() (bytes int64, ok bool) { return available() }

// PeakRSS returns the most memory the process has had resident, in bytes; 0
// where the system does not tell.
func PeakRSS() int64 { return peakRSS() }

// ResetPeakRSS makes PeakRSS count anew from what the process holds now, where
// the system can do that (Linux).
func ResetPeakRSS() { resetPeakRSS() }
