//go:build linux || darwin

package hub

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace returns the bytes this user may still write to the folder's disk.
func freeSpace(dir string) (bytes uint64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// tryLock takes the lock that goes with an open file, if nobody has it.
func tryLock(f *os.File) (ok bool, err error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.ENOLCK, unix.ENOSYS, unix.ENOTSUP: // a network disk without locks: go on without
			return true, nil
		case unix.EINTR:
		default:
			return false, err
		}
	}
}
