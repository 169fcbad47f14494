package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/par"
)

// A GLU is its three steps, bit for bit, in every tier, with and without biases,
// whatever the formats.
func TestGLU(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 0))
	pool := par.New(3)
	defer pool.Close()
	const hidden, ffn = 256, 768
	var x []float32
	for range 300 {
		x = append(x, normals(r, hidden)...)
	}
	x[5] = float32(math.NaN())
	bias := normals(r, ffn)
	for _, types := range [][3]DType{{Q8_0, Q8_0, Q8_0}, {Q4_1, Q4_0, Q6_K}, {Q8_0, Q4_K, F32}, {F16, Q8_0, Q8_0}, {BF16, BF16, BF16}} {
		net := GatedNet{Gate: mustMatrix(t, types[0], ffn, hidden, randomWeights(t, r, types[0], ffn*hidden)), Up: mustMatrix(t, types[1], ffn, hidden, randomWeights(t, r, types[1], ffn*hidden)), Down: mustMatrix(t, types[2], hidden, ffn, randomWeights(t, r, types[2], hidden*ffn))}
		for i, n := range []int{1, 2, 5, 6, 7, 18, 264, 270, 300} {
			net.GateBias, net.UpBias = nil, nil
			if i%2 == 1 {
				net.GateBias = bias
			}
			if i%3 == 1 {
				net.UpBias = bias
			}
			t.Run(fmt.Sprintf("%v/n=%d", types, n), func(t *testing.T) {
				eachTier(t, func(t *testing.T) {
					var a, mid Acts
					a.Set(x[:n*hidden], n, hidden)
					gate, up, want := make([]float32, n*ffn), make([]float32, n*ffn), make([]float32, n*hidden)
					MatMul(nil, gate, &a, net.Gate)
					MatMul(nil, up, &a, net.Up)
					for i := range n {
						net.activate(gate[i*ffn:][:ffn], up[i*ffn:][:ffn], 0)
					}
					mid.Set(gate, n, ffn)
					MatMul(nil, want, &mid, net.Down)

					var g GLU
					got := guarded[float32](t, n*hidden)
					for range 2 { // with working memory that is fresh, and that is not
						g.Mul(pool, got, &a, &net)
						for i, v := range got {
							if math.Float32bits(v) != math.Float32bits(want[i]) && (v == v || want[i] == want[i]) {
								t.Fatalf("token %d, row %d: %g, want %g", i/hidden, i%hidden, v, want[i])
							}
						}
					}
				})
			})
		}
	}
}
