package weights

import "github.com/lighttransfer/lighttransfer/internal/kernel"

// DType is the number format of a tensor's data.
type DType = kernel.DType

// The formats that model files are read in. The quantised ones are ggml's
// blocks: several numbers share a scale.
const (
	F32  = kernel.F32
	F16  = kernel.F16
	BF16 = kernel.BF16
	Q8_0 = kernel.Q8_0
	Q4_0 = kernel.Q4_0
	Q4_1 = kernel.Q4_1
	Q5_0 = kernel.Q5_0
	Q5_1 = kernel.Q5_1
	Q4_K = kernel.Q4_K
	Q5_K = kernel.Q5_K
	Q6_K = kernel.Q6_K
)
