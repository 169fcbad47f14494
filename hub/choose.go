package hub

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// A file of a repository, or of a snapshot in the cache.
type file struct {
	name string // path inside the repository, with slashes
	size int64  // -1: not known
	etag string // sha256 of a large file, git hash of a small one; the blob's name; empty: not known
}

const (
	singleWeights = "model.safetensors"
	indexWeights  = "model.safetensors.index.json"
)

var (
	shardPattern = regexp.MustCompile(`^model-\d{5}-of-\d{5}\.safetensors$`)
	splitPattern = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)
	// settingsPattern: what stands beside the weights and says how to use them.
	settingsPattern = regexp.MustCompile(`^(config\.json|generation_config\.json|tokenizer[^/]*\.json|tokenizer\.model|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template[^/]*)$`)
)

// choose says which of a repository's files a ref means: the small ones first,
// the weights last, so that whoever sees the weights has everything.
func choose(ref Ref, files []file) ([]file, error) {
	ggufs := ggufModels(files)
	if ref.File != "" {
		m, err := pick(ref, ggufs)
		if err != nil {
			return nil, err
		}
		return m.parts, nil
	}
	has := func(name string) bool { return slices.ContainsFunc(files, func(f file) bool { return f.name == name }) }
	var settings, weights []file
	for _, f := range files {
		switch {
		case settingsPattern.MatchString(f.name):
			settings = append(settings, f)
		case f.name == singleWeights,
			!has(singleWeights) && has(indexWeights) && (f.name == indexWeights || shardPattern.MatchString(f.name)):
			weights = append(weights, f)
		}
	}
	switch {
	case len(weights) > 0 && !has("config.json"):
		return nil, fmt.Errorf("%s has weights but no config.json, which says what they are; look for another copy of the model", ref)
	case len(weights) > 0:
		bySize := func(a, b file) int { return cmp.Or(cmp.Compare(a.size, b.size), strings.Compare(a.name, b.name)) }
		slices.SortFunc(settings, bySize)
		slices.SortFunc(weights, func(a, b file) int { // the index before its shards
			return cmp.Or(strings.Compare(path.Ext(a.name), path.Ext(b.name)), strings.Compare(a.name, b.name))
		})
		return append(settings, weights...), nil
	case len(ggufs) > 0:
		m, err := pick(ref, ggufs)
		if err != nil {
			return nil, err
		}
		return m.parts, nil
	}
	return nil, fmt.Errorf("%s holds neither %s, %s nor a .gguf file (%d files); look for another copy of the model", ref, singleWeights, indexWeights, len(files))
}

// A ggufModel is one .gguf file, or all parts of a split one.
type ggufModel struct {
	name  string // of the file, or of the first part
	parts []file // in order
	want  int    // number of parts there should be
}

func (m ggufModel) bytes() (n int64) {
	for _, p := range m.parts {
		n += max(p.size, 0)
	}
	return n
}

func (m ggufModel) complete() bool { return len(m.parts) == m.want }

// ggufModels groups the .gguf files; vision projectors and importance matrices,
// which are no models, are left out.
func ggufModels(files []file) []ggufModel {
	var models []ggufModel
	place := map[string]int{} // of a split model, by what its parts' names share
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.name, b.name) }) {
		base := strings.ToLower(path.Base(f.name))
		if !strings.HasSuffix(base, ".gguf") || strings.Contains(base, "mmproj") || strings.Contains(base, "imatrix") {
			continue
		}
		m := splitPattern.FindStringSubmatch(f.name)
		if m == nil {
			models = append(models, ggufModel{f.name, []file{f}, 1})
			continue
		}
		key := m[1] + " " + m[3]
		if i, ok := place[key]; ok {
			models[i].parts = append(models[i].parts, f)
			continue
		}
		place[key] = len(models)
		want := 0
		fmt.Sscanf(m[3], "%d", &want)
		models = append(models, ggufModel{f.name, []file{f}, want})
	}
	return models
}

// pick returns the model a ref means; without a file in the ref there must be only one.
func pick(ref Ref, models []ggufModel) (ggufModel, error) {
	var found []ggufModel
	for _, m := range models {
		if ref.File == "" || m.matches(ref.File) {
			found = append(found, m)
		}
	}
	if len(found) == 1 {
		if !found[0].complete() {
			return ggufModel{}, fmt.Errorf("%s: %s is part of a split model of %d files, of which there are only %d", ref, found[0].name, found[0].want, len(found[0].parts))
		}
		return found[0], nil
	}
	if len(models) == 0 {
		return ggufModel{}, fmt.Errorf("%s: the repository holds no .gguf file; write %s alone to take its other weights", ref, ref.Repo)
	}
	why := "the repository holds several .gguf models"
	switch {
	case len(found) > 1 && ref.File != "":
		why, models = fmt.Sprintf("%q fits several of them", ref.File), found
	case ref.File != "":
		why = fmt.Sprintf("no .gguf file is, or has the quantisation, %q", ref.File)
	}
	ref.File = models[0].name
	return ggufModel{}, fmt.Errorf("%s: %s; name one, as in %s:\n%s", ref.Repo, why, ref, listing(models))
}

func listing(models []ggufModel) string {
	var b strings.Builder
	for _, m := range models {
		fmt.Fprintf(&b, "  %10s  %s", mem.FormatBytes(m.bytes()), m.name)
		if m.want > 1 {
			fmt.Fprintf(&b, " (%d parts)", m.want)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// matches compares with a file's name, or with the quantisation in it: the
// words of Model-7B.Q4_K_M.gguf are Model, 7B and Q4_K_M.
func (m ggufModel) matches(want string) bool {
	if strings.HasSuffix(strings.ToLower(want), ".gguf") {
		return slices.ContainsFunc(m.parts, func(f file) bool { return f.name == want || path.Base(f.name) == want })
	}
	base := path.Base(m.name)
	if s := splitPattern.FindStringSubmatch(base); s != nil {
		base = s[1]
	}
	words := strings.FieldsFunc(strings.TrimSuffix(base, ".gguf"), func(r rune) bool { return r == '-' || r == '.' })
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, want) })
}
