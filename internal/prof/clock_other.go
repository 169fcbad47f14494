//go:build !linux

package prof

import "time"

var began = time.Now()

// now is the time by the clock; CPU time comes in steps that are too large.
func now() time.Duration { return time.Since(began) }
