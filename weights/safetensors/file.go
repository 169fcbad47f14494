package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mmap"
	"github.com/lighttransfer/lighttransfer/weights"
)

// Names of the files in a model folder.
const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// A File is an open model: one safetensors file, or all the shards of an index.
// It may be read by several goroutines at once.
type File struct {
	paths    []string
	maps     []*mmap.File
	size     int64
	metadata map[string]string // of the first file
	tensors  []weights.Tensor
	names    map[string]int // tensor name -> place in tensors
}

// Open opens one .safetensors file, or a folder: its model.safetensors, or else
// all shards of its model.safetensors.index.json.
//
// Errors: those of the file system, *[weights.FormatError] when a file is
// damaged or the index does not fit the shards, *[weights.UnsupportedError] when
// there is a tensor that is not F32, F16 or BF16, or the folder holds weights of
// another kind.
func Open(path string) (*File, error) {
	f := &File{names: map[string]int{}}
	if err := f.open(path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return f.add(path, nil)
	}
	single := filepath.Join(path, singleName)
	if _, err := os.Stat(single); err == nil {
		return f.add(single, nil)
	}
	index := filepath.Join(path, indexName)
	src, err := os.ReadFile(index)
	if errors.Is(err, os.ErrNotExist) {
		return noWeights(path)
	}
	if err != nil {
		return err
	}
	weightMap, err := parseIndex(index, src)
	if err != nil {
		return err
	}
	for _, name := range slices.Compact(slices.Sorted(maps.Values(weightMap))) {
		err := f.add(filepath.Join(path, name), weightMap)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s names the shard %s, which is missing: %w; fetch it into the same folder", index, name, err)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weightMap)) {
		if _, ok := f.names[name]; !ok {
			return &weights.FormatError{Path: index, Offset: -1, Tensor: name, Msg: fmt.Sprintf("it should be in %s, and is not", weightMap[name])}
		}
	}
	return nil
}

// add maps and parses one file and takes over its tensors. weightMap is nil for a file alone.
func (f *File) add(path string, weightMap map[string]string) error {
	m, err := mmap.Open(path)
	if err != nil {
		return err
	}
	f.maps = append(f.maps, m)
	s, err := parse(path, m.Data)
	if err != nil {
		return err
	}
	f.paths = append(f.paths, path)
	f.size += int64(len(m.Data))
	if f.metadata == nil {
		f.metadata = s.metadata
	}
	for _, t := range s.tensors {
		want, listed := weightMap[t.Name]
		if _, dup := f.names[t.Name]; dup || listed && want != filepath.Base(path) {
			return &weights.FormatError{Path: path, Offset: -1, Tensor: t.Name, Msg: fmt.Sprintf("it should be in %s only, as the index says", want)}
		}
		f.names[t.Name] = len(f.tensors)
		f.tensors = append(f.tensors, t)
	}
	return nil
}

// parseIndex returns which shard each tensor is in. Shards are plain names:
// they must lie beside the index.
func parseIndex(path string, src []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(src, &index); err != nil {
		return nil, &weights.FormatError{Path: path, Offset: -1, Msg: "not an index of shards: " + err.Error()}
	}
	if len(index.WeightMap) == 0 {
		return nil, &weights.FormatError{Path: path, Offset: -1, Msg: "not an index of shards: its weight_map is missing or empty"}
	}
	for tensor, name := range index.WeightMap {
		if !plainName(name) {
			return nil, &weights.FormatError{Path: path, Offset: -1, Tensor: tensor, Msg: fmt.Sprintf("its shard %s is not the name of a .safetensors file beside the index", weights.Quote(name))}
		}
	}
	return index.WeightMap, nil
}

// plainName reports whether name stays in its folder on every system.
func plainName(name string) bool {
	return strings.HasSuffix(name, ".safetensors") && !strings.ContainsAny(name, `/\:`+"\x00") && filepath.IsLocal(name)
}

// noWeights says what a folder without safetensors has instead.
func noWeights(dir string) error {
	for _, pattern := range []string{"*.bin", "*.pth", "*.pt"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return &weights.UnsupportedError{Path: found[0], What: "a model in PyTorch's pickle format", Hint: "look for a copy with .safetensors files or a GGUF of it"}
		}
	}
	for _, pattern := range []string{"*.safetensors", "*.gguf"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return fmt.Errorf("%s has neither %s nor %s; to open %s, name the file itself", dir, singleName, indexName, filepath.Base(found[0]))
		}
	}
	return fmt.Errorf("no weights in %s: neither %s nor %s is there: %w", dir, singleName, indexName, os.ErrNotExist)
}

// Close gives the mapped memory back. No tensor's Data may be touched
// afterwards: the program would crash. Closing twice is safe.
func (f *File) Close() error {
	f.tensors, f.names = nil, nil
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.Close())
	}
	f.maps = nil
	return errors.Join(errs...)
}

// Tensors returns all tensors, shard by shard, in the order of their data; none after Close.
func (f *File) Tensors() []weights.Tensor { return f.tensors }

// Tensor returns the tensor of that name, and whether there is one.
func (f *File) Tensor(name string) (weights.Tensor, bool) {
	i, ok := f.names[name]
	if !ok {
		return weights.Tensor{}, false
	}
	return f.tensors[i], true
}

// Metadata returns the header's __metadata__, of the first shard; often {"format": "pt"}.
func (f *File) Metadata() map[string]string { return f.metadata }

// Paths returns the weight files, in the order of their names.
func (f *File) Paths() []string { return f.paths }

// Size returns the bytes of all weight files together.
func (f *File) Size() int64 { return f.size }

// Forget lets the system take back the memory of weights that have been read;
// they can be read again.
func (f *File) Forget() {
	for _, m := range f.maps {
		m.Forget()
	}
}
