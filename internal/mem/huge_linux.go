package mem

import "golang.org/x/sys/unix"

// huge asks for large pages for what is touched from now on, and collapses what
// has been touched (Linux 6.1 and later). Either may fail: then nothing changes.
// Contents never change, so that the range may hold anything.
func huge(at, n uintptr, touched bool) {
	end := (at + n) &^ (HugePage - 1)
	at = (at + HugePage - 1) &^ (HugePage - 1)
	if at >= end {
		return
	}
	unix.Syscall(unix.SYS_MADVISE, at, end-at, unix.MADV_HUGEPAGE)
	if touched {
		unix.Syscall(unix.SYS_MADVISE, at, end-at, unix.MADV_COLLAPSE)
	}
}
