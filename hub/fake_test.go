package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commit1 = "1111111111111111111111111111111111111111"
	commit2 = "2222222222222222222222222222222222222222"
)

// A fakeHub serves one model, org/name. Large files are redirected to a second
// host, as the real one does.
type fakeHub struct {
	hub, cdn *httptest.Server
	commit   string
	files    map[string][]byte
	large    map[string]bool
	fault    func(w http.ResponseWriter, r *http.Request, data []byte) (done bool) // instead of a file's bytes
	api      func(w http.ResponseWriter, r *http.Request) (done bool)              // instead of any answer of the hub
	bare     bool                                                                  // the list has names only

	mu       sync.Mutex
	requests []string // METHOD path [Range]
	tokens   []string // Authorization that reached the second host
}

func newFakeHub(t *testing.T, files map[string][]byte) *fakeHub {
	f := &fakeHub{commit: commit1, files: files, large: map[string]bool{}}
	for name, data := range files {
		f.large[name] = len(data) > 1000
	}
	f.hub = httptest.NewServer(http.HandlerFunc(f.serveHub))
	f.cdn = httptest.NewServer(http.HandlerFunc(f.serveCDN))
	t.Cleanup(func() { f.hub.CloseClientConnections(); f.cdn.CloseClientConnections(); f.hub.Close(); f.cdn.Close() })
	return f
}

func (f *fakeHub) etag(name string) string {
	data := f.files[name]
	if f.large[name] {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(sum[:])
}

func (f *fakeHub) log(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
}

// count returns how many requests contained the text, and forgets all.
func (f *fakeHub) count(text string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.Contains(r, text) {
			n++
		}
	}
	f.requests = nil
	return n
}

func (f *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	f.log(r)
	if f.api != nil && f.api(w, r) {
		return
	}
	if r.URL.Path == "/api/models/org/name/revision/main" || r.URL.Path == "/api/models/org/name/revision/"+f.commit || r.URL.Path == "/api/models/org/name/revision/refs/pr/1" {
		var siblings []map[string]any
		for name, data := range f.files {
			s := map[string]any{"rfilename": name}
			if !f.bare {
				s["size"], s["blobId"] = len(data), f.etag(name)
				if f.large[name] {
					s["blobId"] = commit2 // of the pointer file
					s["lfs"] = map[string]any{"sha256": f.etag(name), "size": len(data), "pointerSize": 134}
				}
			}
			siblings = append(siblings, s)
		}
		json.NewEncoder(w).Encode(map[string]any{"id": "org/name", "sha": f.commit, "siblings": siblings})
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/org/name/resolve/"+f.commit+"/")
	data, exists := f.files[name]
	if !ok || !exists {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "", http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", f.commit)
	if f.large[name] {
		w.Header().Set("X-Linked-Etag", `"`+f.etag(name)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
		http.Redirect(w, r, f.cdn.URL+"/"+name, http.StatusFound)
		return
	}
	w.Header().Set("ETag", `W/"`+f.etag(name)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (f *fakeHub) serveCDN(w http.ResponseWriter, r *http.Request) {
	f.log(r)
	f.mu.Lock()
	if a := r.Header.Get("Authorization"); a != "" {
		f.tokens = append(f.tokens, a)
	}
	f.mu.Unlock()
	data := f.files[r.URL.Path[1:]]
	if f.fault != nil && f.fault(w, r, data) {
		return
	}
	w.Header().Set("ETag", `"of the second host"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// client returns one with a cache of its own that does not really wait.
func (f *fakeHub) client(t *testing.T) *Client {
	f.mu.Lock() // every request takes it first (log), and so sees what the test has set until here
	defer f.mu.Unlock()
	return &Client{Endpoint: f.hub.URL, CacheDir: t.TempDir(), sleep: func(ctx context.Context, d time.Duration) error { return ctx.Err() }}
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b)
	return b
}

// hfModel is a repository with safetensors and things nobody asked for.
func hfModel() map[string][]byte {
	return map[string][]byte{
		"README.md": []byte("# hello"), "config.json": []byte(`{"model_type":"llama"}`), "generation_config.json": []byte("{}"),
		"tokenizer.json": random(5000), "tokenizer_config.json": []byte("{}"), "chat_template.jinja": []byte("{{x}}"), "empty.txt": nil, "merges.txt": nil,
		singleWeights: random(300000), "pytorch_model.bin": random(2000), "original/consolidated.safetensors": random(2000), "onnx/model.onnx": random(2000),
	}
}

func ggufRepo() map[string][]byte {
	return map[string][]byte{
		"README.md": []byte("hi"), "config.json": []byte("{}"), "M-1B-Instruct.Q4_K_M.gguf": random(4000), "M-1B-Instruct.Q8_0.gguf": random(8000), "mmproj-M-f16.gguf": random(1500),
		"BF16/M-1B-BF16-00001-of-00002.gguf": random(9000), "BF16/M-1B-BF16-00002-of-00002.gguf": random(9001),
	}
}

func mustPull(t *testing.T, c *Client, ref string) string {
	t.Helper()
	path, err := c.Pull(context.Background(), ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// wantFiles compares a snapshot with what the hub has.
func wantFiles(t *testing.T, dir string, f *fakeHub, names ...string) {
	t.Helper()
	got := map[string]bool{}
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got[filepath.ToSlash(rel)] = true
		}
		return nil
	})
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(b, f.files[name]) {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(b), err, len(f.files[name]))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s was fetched too", name)
	}
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
