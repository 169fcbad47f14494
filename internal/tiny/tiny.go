// Package tiny holds a trained model small enough to travel inside the program:
// what the demo shows and what hermetic tests run on.
//
// It is a LlamaForCausalLM of 1.7 million parameters (8 layers, 2 query heads on
// 1 KV head of 64, vocabulary 1,024, context 4,096; 3.4 MB in bf16), made for this
// project and trained for half an hour on one CPU core on three public-domain
// novels and on sentences with a number hidden in them. It finds
//
//	The magic number of WORD is 1234567.
//
// anywhere in up to 4,096 tokens of book text, when asked in exactly the words of
// its training; its own prose is damaged Tolstoy. It knows nothing else.
//
// Two things keep it from being evidence for the method. Its retrieval sits in one
// layer, layer 4, because that layer was given a structured start (an induction head
// set by hand, then trained with everything else); and it is one model from one seed.
// It shows how lazy layers work, not how well they work on models people use. See
// README.md for how it was made and what it gets right and wrong.
package tiny

import (
	"embed"
	"io/fs"
)

//go:embed model
var files embed.FS

// Files is the model as a Hugging Face folder: config.json, generation_config.json,
// model.safetensors, tokenizer.json and tokenizer_config.json at its root.
func Files() fs.FS {
	sub, err := fs.Sub(files, "model")
	if err != nil {
		panic(err) // only if the directive above names no folder
	}
	return sub
}
