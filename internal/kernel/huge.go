package kernel

import "github.com/lighttransfer/lighttransfer/internal/mem"

// Settle moves the memory of matrices into large pages where the system has
// them. Call it once, when a model is loaded.
func Settle(ms ...*Matrix) {
	var all [][]byte
	for _, m := range ms {
		all = append(all, m.data)
	}
	mem.Huge(all...)
}
