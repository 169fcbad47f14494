//go:build amd64 && !linux

package kernel

// permitAMX: how other systems give tiles to a process nobody has tried.
func permitAMX() bool { return false }
