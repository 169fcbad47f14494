package lazy_test

import (
	"fmt"
	"log"
	"os"

	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
)

// Half of six layers becomes lazy while a prompt is read.
func ExampleParse() {
	policy, err := lazy.Parse("lighttransfer:lazy=0.5", lazy.Settings{Window: kv.Window{Sink: 4, Recent: 1020}, Last: 32})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lazy.Spec(policy))
	if _, err := policy.Begin(lazy.Shape{Layers: 6, Heads: 8, KVHeads: 2}); err != nil {
		log.Fatal(err)
	}
	for layer, ratio := range []float64{.97, .60, .92, .75, .99, .50} { // as measured in each layer
		for _, d := range policy.Observe(lazy.Observation{Layer: layer, Ratio: ratio}) {
			fmt.Printf("after layer %d: cut layer %s to %s\n", layer, d.Head, d.Window)
		}
	}
	// Output:
	// lighttransfer:lazy=0.5,by=ratio,unit=layer
	// after layer 3: cut layer 0 to 4/1020
	// after layer 4: cut layer 4 to 4/1020
	// after layer 5: cut layer 2 to 4/1020
}

// A plan of KV heads from what each loses when it is lazy.
func ExampleFromScores() {
	scores := [][]float64{{.004, .013}, {.210, .008}, {.002, .051}} // [layer][KV head]
	plan, err := lazy.FromScores(scores, lazy.UnitHead, .02, kv.Window{Sink: 4, Recent: 252, Stride: 8})
	if err != nil {
		log.Fatal(err)
	}
	plan.Model = "three layers"
	if err := plan.Write(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {
	//   "model": "three layers",
	//   "layers": 3,
	//   "lazy_layers": [],
	//   "lazy_heads": [[0, 0], [0, 1], [1, 1], [2, 0]],
	//   "window": {"sink": 4, "recent": 252, "stride": 8},
	//   "made_by": "scores, heads below 0.02 lazy",
	//   "samples": 0,
	//   "frequency": [],
	//   "scores": [[0.004, 0.013], [0.21, 0.008], [0.002, 0.051]],
	//   "threshold": 0.02
	// }
}
