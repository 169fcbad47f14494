package hub

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var commitPattern = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Find looks for a model in the cache, without the network. The path is that of
// a folder (safetensors) or of a .gguf file, of a split one the first part. It
// is false when the model is not there in full.
func (c *Client) Find(ref string) (path string, ok bool) {
	r, err := ParseRef(ref)
	if err != nil || c.CacheDir == "" {
		return "", false
	}
	return c.find(r)
}

func (c *Client) find(r Ref) (string, bool) {
	repo := filepath.Join(c.CacheDir, r.folder())
	commit := r.Revision
	if b, err := os.ReadFile(filepath.Join(repo, "refs", filepath.FromSlash(r.Revision))); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	if !commitPattern.MatchString(commit) {
		return "", false
	}
	snapshot := filepath.Join(repo, "snapshots", commit)
	var only []string
	for _, m := range snapshotModels(snapshot) {
		switch {
		case !m.complete:
		case m.file == "" && r.File == "": // the folder comes first
			return snapshot, true
		case m.file != "" && (r.File == "" || m.gguf.matches(r.File)):
			only = append(only, filepath.Join(snapshot, filepath.FromSlash(m.file)))
		}
	}
	if len(only) != 1 {
		return "", false
	}
	return only[0], true
}

// An Entry is one model in the cache.
type Entry struct {
	Ref      string    // what Find and Pull take
	Path     string    // folder or .gguf file; the repository's folder when nothing is complete
	Bytes    int64     // of the files that are here, what is on its way included
	Modified time.Time // of the newest file
	Format   string    // "safetensors", "gguf", or "" when that cannot be told yet
	Complete bool      // false: Pull again to go on
}

// List returns the models in the cache, in the order of their refs: everything
// that has weights, or a download that was interrupted.
func (c *Client) List() ([]Entry, error) {
	folders, err := os.ReadDir(c.CacheDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, folder := range folders {
		name, ok := strings.CutPrefix(folder.Name(), "models--")
		org, name, two := strings.Cut(name, "--")
		if !ok || !two || !folder.IsDir() {
			continue
		}
		list = append(list, repoEntries(filepath.Join(c.CacheDir, folder.Name()), org+"/"+name)...)
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Ref, b.Ref) })
	return list, nil
}

func repoEntries(dir, repo string) []Entry {
	branches := map[string]string{} // commit -> branch; main wins
	refs := filepath.Join(dir, "refs")
	filepath.WalkDir(refs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		rel, relErr := filepath.Rel(refs, path)
		if commit := strings.TrimSpace(string(b)); err == nil && relErr == nil && branches[commit] != mainBranch {
			branches[commit] = filepath.ToSlash(rel)
		}
		return nil
	})
	var list []Entry
	snapshots, _ := os.ReadDir(filepath.Join(dir, "snapshots"))
	for _, s := range snapshots {
		if !commitPattern.MatchString(s.Name()) {
			continue
		}
		ref := Ref{Repo: repo, Revision: s.Name()}
		if branch, ok := branches[s.Name()]; ok {
			ref.Revision = branch
		}
		snapshot := filepath.Join(dir, "snapshots", s.Name())
		for _, m := range snapshotModels(snapshot) {
			ref.File = m.file
			list = append(list, Entry{ref.String(), filepath.Join(snapshot, filepath.FromSlash(m.file)), m.bytes, m.modified, m.format(), m.complete})
		}
	}
	if e, ok := interrupted(dir, repo); ok && !slices.ContainsFunc(list, func(e Entry) bool { return !e.Complete }) {
		list = append(list, e)
	}
	return list
}

// interrupted returns what is on its way into a repository, as one entry.
func interrupted(dir, repo string) (e Entry, ok bool) {
	e = Entry{Ref: repo, Path: dir}
	found, _ := filepath.Glob(filepath.Join(dir, "blobs", "*.incomplete"))
	for _, path := range found {
		if info, err := os.Stat(path); err == nil {
			e.Bytes += info.Size()
			e.Modified = later(e.Modified, info.ModTime())
			ok = true
		}
	}
	return e, ok
}

// A cachedModel is a model in a snapshot: its folder (file empty) or a .gguf file.
type cachedModel struct {
	file     string
	gguf     ggufModel
	bytes    int64
	modified time.Time
	complete bool
}

func (m cachedModel) format() string {
	if m.file == "" {
		return "safetensors"
	}
	return "gguf"
}

// snapshotModels returns what a snapshot holds, the folder itself first.
func snapshotModels(dir string) []cachedModel {
	var files []file
	times := map[string]time.Time{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".packed") { // made of the weights, not part of the model
			return nil
		}
		info, err := os.Stat(path) // through the link; a dangling one is no file
		rel, relErr := filepath.Rel(dir, path)
		if err != nil || relErr != nil || !info.Mode().IsRegular() {
			return nil
		}
		rel = filepath.ToSlash(rel)
		files = append(files, file{name: rel, size: info.Size()})
		times[rel] = info.ModTime()
		return nil
	})
	var models []cachedModel
	if _, single := times[singleWeights]; single {
		models = append(models, cachedModel{complete: true})
	} else if _, index := times[indexWeights]; index {
		models = append(models, cachedModel{complete: allShards(dir, times)})
	}
	if len(models) > 0 {
		if _, config := times["config.json"]; !config {
			models[0].complete = false
		}
		for _, f := range files {
			if !strings.HasSuffix(f.name, ".gguf") {
				models[0].bytes += f.size
				models[0].modified = later(models[0].modified, times[f.name])
			}
		}
	}
	for _, m := range ggufModels(files) {
		cm := cachedModel{file: m.name, gguf: m, bytes: m.bytes(), complete: m.complete()}
		for _, p := range m.parts {
			cm.modified = later(cm.modified, times[p.name])
		}
		models = append(models, cm)
	}
	return models
}

// allShards reports whether every shard that the index names is there.
func allShards(dir string, files map[string]time.Time) bool {
	src, err := os.ReadFile(filepath.Join(dir, indexWeights))
	if err != nil {
		return false
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if json.Unmarshal(src, &index) != nil || len(index.WeightMap) == 0 {
		return false
	}
	for _, shard := range index.WeightMap {
		if _, ok := files[shard]; !ok {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
