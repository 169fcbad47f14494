package kernel

import "github.com/lighttransfer/lighttransfer/internal/prof"

// stopMatMul ends a measured product of n tokens with some matrices. Many tokens
// are held against the dot products the loops are made of, few tokens against
// the reading of the weights.
func stopMatMul(m prof.Mark, a *Acts, ms []*Matrix) {
	if !prof.On() {
		return
	}
	var work float64
	for _, w := range ms {
		if a.few() {
			work += float64(w.Bytes())
		} else {
			work += 2 * float64(a.n) * float64(w.Rows) * float64(w.Cols)
		}
	}
	ops, unit := matOps[active], prof.FMA
	if a.few() {
		m.Stop("weights, few tokens: GEMV "+ms[0].dtype.String(), prof.Read, work)
		return
	}
	if useInts(ops, a, ms[0]) {
		unit = prof.Int8
	}
	m.Stop("weights, many tokens: GEMM "+ms[0].dtype.String(), unit, work)
}

// Elementwise is what profiles call the work between the products.
const Elementwise = "norms, RoPE, SwiGLU, residuals"

// AttentionUnit is what the products of attention over bf16 pages are made of.
func AttentionUnit() prof.Unit {
	if p := probeOps[active]; p != nil && p.bf16 != nil && attnTier() != nil {
		return prof.BF16
	}
	return prof.FMA
}
