// Package weights holds what every model file offers, whatever its format:
// named tensors of numbers, as they lie on disk, and two kinds of error.
//
// The readers are in the packages below this one:
//
//   - [github.com/lighttransfer/lighttransfer/weights/gguf] reads GGUF, where
//     one file (or a row of split files) holds weights, settings and vocabulary;
//   - [github.com/lighttransfer/lighttransfer/weights/safetensors] reads
//     safetensors, where settings and vocabulary are JSON files beside the weights.
//
// Both map the file into memory instead of reading it, so that opening a model
// of many gigabytes takes milliseconds and a tensor costs memory only while it
// is being looked at. Both trust nothing that the file says about itself: every
// count, length and offset is compared with the real size of the file before
// anything is allocated or sliced.
//
// An error says which of two things is wrong. A [FormatError] means that the
// file is damaged (cut short, overwritten, made by a faulty program): fetch it
// again. An [UnsupportedError] means that the file is fine but holds something
// this program does not know: choose another file.
package weights
