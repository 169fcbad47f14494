// Package safetensors reads and writes safetensors, the weight files of Hugging
// Face models: one file, or several shards with an index.
//
// A file is 8 bytes, the header's length (little endian), then the header, a
// JSON object
//
//	{"name": {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [begin, end]}, ..., "__metadata__": {"format": "pt"}}
//
// then the data that the offsets point into, without gaps. Nothing is aligned:
// a tensor's Data may start at any address.
//
// The index, model.safetensors.index.json, has a "weight_map" that says which
// shard holds which tensor. Settings and vocabulary lie in JSON files beside
// the weights and are no business of this package.
//
// The format is described in the safetensors project's README.
package safetensors
