//go:build !amd64

package kernel

import "runtime"

// CPUName is what the processor calls itself, or its architecture.
func CPUName() string { return runtime.GOARCH }
