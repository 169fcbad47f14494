package kernel

// attnTier is the attention kernels of the tier in use; nil means plain Go.
func attnTier() *attnKernels { return nil }

type attnKernels struct{}
type attnBlock struct{}

func (*attnBlock) attend(k *attnKernels, out, lse, q []float32, rows, d int, spans []Span) {}
