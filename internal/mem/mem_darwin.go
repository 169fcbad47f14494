package mem

import "golang.org/x/sys/unix"

// available is half of the machine's memory: macOS compresses and caches too
// freely for its free pages to mean much.
func available() (int64, bool) {
	total, err := unix.SysctlUint64("hw.memsize")
	return int64(total / 2), err == nil
}

func peakRSS() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss // bytes here
}
