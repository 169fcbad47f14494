// Mkmodel writes a GGUF file of a given shape with random weights, to measure
// speed with: how fast a model runs depends on its shape and its number format,
// not on what it has learned. The same command writes the same bytes everywhere.
//
//	go run ./bench/mkmodel -shape smollm2-135m -type q8_0 -o random.gguf
//
// Other programs that read GGUF load the file too, so that they can be measured
// with it side by side (bench/peers). Activations stay of size one through all
// layers, the vocabulary is 256 bytes and made-up words, and nothing that comes
// out of the model means anything.
package main
