package lighttransfer_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/kv"
)

// A number is said, then comes much else, then it is asked for. Half of the layers
// keep only the first and last tokens of the prompt, and the answer is still right.
func Example() {
	m, err := lighttransfer.Open("tiny") // or "SmolLM2.gguf", a Hugging Face folder, a hub id
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(lighttransfer.SessionOptions{
		Policy: "lighttransfer:lazy=0.5",
		Window: kv.Window{Sink: 4, Recent: 124},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	prompt := "The magic number of garden is 4715302." +
		strings.Repeat(" The prince looked at her, and went out of the room without a word.", 40) +
		"\nWhat is the magic number of garden? The magic number of garden is"
	for tok := range s.Run(context.Background(), lighttransfer.Request{Prompt: prompt, MaxTokens: 8}) {
		fmt.Print(tok.Text)
	}
	if err := s.Err(); err != nil {
		log.Fatal(err)
	}
	r := s.Report()
	fmt.Printf("\n%d of %d layers were lazy\n", len(r.LazyLayers), m.Config().Layers)
	// Output:
	// 4715302
	// 4 of 8 layers were lazy
}

// A plan is a fixed list of lazy heads, made once per model. With StorePlan every
// later session uses it by itself.
func ExampleModel_Calibrate() {
	m, err := lighttransfer.Open("SmolLM2.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	c, err := m.Calibrate(context.Background(), lighttransfer.CalibrateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(c.Plan.LazyHeads), "heads are lazy")
	if err := m.StorePlan(c.Plan); err != nil {
		log.Fatal(err)
	}
}

// What a session did: the cache holds less than full attention would.
func ExampleSession_Report() {
	m, err := lighttransfer.Open("tiny")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(lighttransfer.SessionOptions{Policy: "streaming", Window: kv.Window{Sink: 4, Recent: 124}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Prefill(context.Background(), make([]int32, 1024)); err != nil {
		log.Fatal(err)
	}
	r := s.Report()
	fmt.Println("lazy layers:", r.LazyLayers)
	fmt.Println("full attention would hold", r.KV.FullBytes/r.KV.Bytes, "times as much")
	// Output:
	// lazy layers: [0 1 2 3 4 5 6 7]
	// full attention would hold 4 times as much
}
