package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestServersThatLie(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(w http.ResponseWriter, r *http.Request, data []byte) bool
		words []string // none: it works in the end
	}{
		"ignores the range": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			if r.Header.Get("Range") == "" {
				drop(w, r, data, 1000)
			}
			w.Write(data)
			return true
		}, nil},
		"sends another range": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			if r.Header.Get("Range") == "" {
				drop(w, r, data, 3000)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(data)-1, len(data)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data)
			return true
		}, []string{"tokenizer.json", "5 tries"}},
		"announces less": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(data)-1))
			w.Write(data[:len(data)-1])
			return true
		}, []string{"tokenizer.json", "4999 bytes where its list says 5000"}},
		"announces more": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(data)+1))
			w.Write(append(bytes.Clone(data), 'x'))
			return true
		}, []string{"5001 bytes where its list says 5000"}},
		"sends more": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.(http.Flusher).Flush() // chunked: no length
			w.Write(append(bytes.Clone(data), 'x'))
			return true
		}, []string{"more than the 5000 bytes"}},
		"sends less, without a length": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.(http.Flusher).Flush()
			w.Write(data[:4000]) // from the start, whatever was asked for
			return true
		}, []string{"5 tries"}},
		"damages a byte": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			bad := bytes.Clone(data)
			bad[100] ^= 1
			w.Write(bad)
			return true
		}, []string{"not the file the hub describes"}},
		"fails with 500": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.WriteHeader(503)
			return true
		}, []string{"503", "5 tries"}},
		"has lost the file": {func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.WriteHeader(404)
			return true
		}, []string{"404"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t, hfModel())
			f.fault = tc.fault
			c := f.client(t)
			path, err := c.Pull(context.Background(), "org/name", nil)
			if tc.words == nil {
				if err != nil {
					t.Fatal(err)
				}
				wantFiles(t, path, f, hfFiles...)
				return
			}
			wantError(t, err, append(tc.words, "org/name")...)
			if path, ok := c.Find("org/name"); ok {
				t.Errorf("a damaged model was found at %s", path)
			}
			if _, err := os.Stat(filepath.Join(c.CacheDir, "models--org--name", "blobs", f.etag("tokenizer.json"))); err == nil {
				t.Error("a damaged file got its name")
			}
		})
	}
}

func TestDamagedOnceIsFetchedAgain(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	blobs := filepath.Join(c.CacheDir, "models--org--name", "blobs")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	// Left by an earlier run and damaged since; another one longer than the file.
	for name, n := range map[string]int{singleWeights: 100000, "tokenizer.json": 6000} {
		if err := os.WriteFile(filepath.Join(blobs, f.etag(name)+".incomplete"), make([]byte, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, mustPull(t, c, "org/name"), f, hfFiles...)
	if n := f.count("GET /model.safetensors bytes=100000-"); n != 1 {
		t.Errorf("%d requests for the rest, want 1", n)
	}
}

func TestSmallFilesAreCheckedToo(t *testing.T) {
	f := newFakeHub(t, hfModel())
	good := f.files["config.json"]
	f.api = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/config.json") {
			w.Write(bytes.Replace(good, []byte("llama"), []byte("lhama"), 1))
			return true
		}
		return false
	}
	_, err := f.client(t).Pull(context.Background(), "org/name", nil)
	wantError(t, err, "config.json", f.etag("config.json"))
}

func TestTooManyRequests(t *testing.T) {
	f := newFakeHub(t, hfModel())
	answers := []string{"7", time.Now().Add(40 * time.Second).UTC().Format(http.TimeFormat), ""}
	f.api = func(w http.ResponseWriter, r *http.Request) bool {
		if len(answers) == 0 {
			return false
		}
		w.Header().Set("Retry-After", answers[0])
		answers = answers[1:]
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	c := f.client(t)
	var waits []time.Duration
	c.sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	mustPull(t, c, "org/name")
	if len(waits) != 3 || waits[0] != 7*time.Second || waits[1] < 30*time.Second || waits[1] > 41*time.Second || waits[2] < 4*time.Second {
		t.Errorf("pauses %v, want 7 s, about 40 s, about 5 s", waits)
	}
	answers = []string{"100000"}
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "429", "27h46m40s", "earlier copy")
}

func TestTheTokenStaysWithItsHost(t *testing.T) {
	f := newFakeHub(t, hfModel())
	var asked []string
	f.api = func(w http.ResponseWriter, r *http.Request) bool {
		asked = append(asked, r.Header.Get("Authorization"))
		return false
	}
	c := f.client(t)
	c.Token = "hf_secret"
	c.HTTP = &http.Client{} // a caller's own client must not change that
	mustPull(t, c, "org/name")
	if len(asked) != 6 || // the list and five files: an empty one is not asked for, two equal ones are one
		slices.ContainsFunc(asked, func(a string) bool { return a != "Bearer hf_secret" }) {
		t.Errorf("the hub saw %q", asked)
	}
	if len(f.tokens) > 0 {
		t.Errorf("another host was told %q", f.tokens)
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		status      int
		code, token string
		words       []string
	}{
		"gated":              {403, "GatedRepo", "", []string{"gated", "/org/name, then set HF_TOKEN", "/settings/tokens"}},
		"gated, with token":  {403, "GatedRepo", "hf_secret", []string{"gated", "/org/name, then check that the token"}},
		"private or absent":  {401, "RepoNotFound", "", []string{"no such model", "check its name", "set HF_TOKEN"}},
		"absent, with token": {404, "RepoNotFound", "hf_secret", []string{"no such model", "private", "check that the token"}},
		"forbidden":          {403, "", "", []string{"403", "private or gated"}},
		"no such revision":   {404, "RevisionNotFound", "", []string{"revision"}},
		"something else":     {418, "", "", []string{"418", "HF_ENDPOINT"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t, nil)
			f.api = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("X-Error-Code", tc.code)
				w.WriteHeader(tc.status)
				return true
			}
			c := f.client(t)
			c.Token = tc.token
			_, err := c.Pull(context.Background(), "org/name", nil)
			wantError(t, err, append(tc.words, "org/name@main")...)
			if strings.Contains(err.Error(), "hf_secret") {
				t.Errorf("the token is told: %v", err)
			}
			if n := f.count(""); n != 1 {
				t.Errorf("%d requests for what will not change", n)
			}
		})
	}
}

func TestHostileLists(t *testing.T) {
	size := func(n any) map[string]any {
		return map[string]any{"rfilename": singleWeights, "size": n, "lfs": map[string]any{"sha256": strings.Repeat("a", 64)}}
	}
	config := map[string]any{"rfilename": "config.json", "size": 0, "blobId": strings.Repeat("b", 40)}
	for name, tc := range map[string]struct {
		sha      string
		siblings []any
		words    []string
	}{
		"up and out":     {commit1, []any{map[string]any{"rfilename": "../../x.gguf"}}, []string{"leave its folder"}},
		"absolute":       {commit1, []any{map[string]any{"rfilename": "/etc/x.gguf"}}, []string{"leave its folder"}},
		"drive":          {commit1, []any{map[string]any{"rfilename": `C:x.gguf`}}, []string{"leave its folder"}},
		"etag as a path": {commit1, []any{config, map[string]any{"rfilename": singleWeights, "size": 5, "blobId": "../../../x"}}, []string{"hash"}},
		"commit":         {"../../..", nil, []string{"no commit"}},
		"no commit":      {"", nil, []string{"no commit"}},
		"huge":           {commit1, []any{config, size(int64(1) << 62)}, []string{"size"}},
		"too much":       {commit1, []any{config, size(int64(1) << 49)}, []string{"needs 512 TiB more", "free"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t, nil)
			f.api = func(w http.ResponseWriter, r *http.Request) bool {
				json.NewEncoder(w).Encode(map[string]any{"sha": tc.sha, "siblings": tc.siblings})
				return true
			}
			_, err := f.client(t).Pull(context.Background(), "org/name", nil)
			wantError(t, err, append(tc.words, "org/name")...)
		})
	}
}

func TestMirrorWithoutSizesOrHashes(t *testing.T) {
	f := newFakeHub(t, hfModel())
	f.bare = true
	c := f.client(t)
	path := mustPull(t, c, "org/name")
	wantFiles(t, path, f, hfFiles...)
	if _, err := os.Stat(filepath.Join(c.CacheDir, "models--org--name", "blobs", f.etag(singleWeights))); err != nil {
		t.Error(err) // the large file's own hash, not that of the redirection
	}
	if n := f.count("HEAD /model.safetensors"); n != 0 {
		t.Errorf("the second host was asked for the hash")
	}
}
