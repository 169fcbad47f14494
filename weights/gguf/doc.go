// Package gguf reads and writes GGUF, the model files of llama.cpp: versions 2
// and 3, little endian, one file or a model split over several.
//
// A file is four parts in a row:
//
//	header     "GGUF", version, number of tensors, number of metadata entries
//	metadata   key, type, value: settings (llama.block_count, ...), the vocabulary
//	infos      name, dimensions, number format and offset of every tensor
//	data       the tensors, each at a multiple of general.alignment (32 if absent)
//
// [Open] reads the first three into memory and maps the fourth. Dimensions are
// written innermost first in the file and turned around here: a Shape is
// [rows][cols], as everywhere in this module.
//
// The format is described in the ggml project's docs/gguf.md.
package gguf
