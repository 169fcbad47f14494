package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var hfFiles = []string{"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "merges.txt", singleWeights}

func TestPullAFolder(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	var seen []Progress
	path, err := c.Pull(context.Background(), "org/name", func(p Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(c.CacheDir, "models--org--name", "snapshots", commit1); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	wantFiles(t, path, f, hfFiles...)
	if b, _ := os.ReadFile(filepath.Join(c.CacheDir, "models--org--name", "refs", "main")); string(b) != commit1 {
		t.Errorf("refs/main is %q", b)
	}
	if target, err := os.Readlink(filepath.Join(path, singleWeights)); err != nil || filepath.ToSlash(target) != "../../blobs/"+f.etag(singleWeights) {
		t.Errorf("link to %q, %v", target, err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.CacheDir, "models--org--name", "blobs", "*.incomplete")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	var total int64
	for _, name := range hfFiles {
		total += int64(len(f.files[name]))
	}
	if last := seen[len(seen)-1]; last.Done != total || last.Bytes != total {
		t.Errorf("progress ends at %+v, want %d bytes", last, total)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Done < seen[i-1].Done {
			t.Errorf("progress goes back from %d to %d", seen[i-1].Done, seen[i].Done)
		}
	}
	if found, ok := c.Find("org/name"); !ok || found != path {
		t.Errorf("Find: %s %v", found, ok)
	}
	f.count("")
	if again := mustPull(t, c, "org/name"); again != path || f.count("resolve") != 0 {
		t.Error("the second pull fetched something")
	}
}

func TestPullShards(t *testing.T) {
	a, b := "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	files := map[string][]byte{
		"config.json": []byte("{}"), a: random(3000), b: random(3001), "consolidated.safetensors": random(6000), "model.fp16.safetensors": random(1999),
		indexWeights: []byte(`{"weight_map":{"x":"` + a + `","y":"` + b + `"}}`),
	}
	f := newFakeHub(t, files)
	c := f.client(t)
	wantFiles(t, mustPull(t, c, "org/name"), f, "config.json", indexWeights, a, b)

	delete(files, b)
	f.commit = commit2
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "names files", "earlier copy is at")
	if path, _ := c.Find("org/name"); filepath.Base(path) != commit1 {
		t.Errorf("the whole copy was forgotten for %q", path)
	}
	delete(files, "config.json")
	_, err = c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "config.json")
}

func TestPullGGUF(t *testing.T) {
	f := newFakeHub(t, ggufRepo())
	for ref, want := range map[string][]string{
		"org/name:M-1B-Instruct.Q8_0.gguf":                 {"M-1B-Instruct.Q8_0.gguf"},
		"org/name:Q4_K_M":                                  {"M-1B-Instruct.Q4_K_M.gguf"},
		"org/name:q4_k_m":                                  {"M-1B-Instruct.Q4_K_M.gguf"},
		"org/name@main:bf16":                               {"BF16/M-1B-BF16-00001-of-00002.gguf", "BF16/M-1B-BF16-00002-of-00002.gguf"},
		"org/name:M-1B-BF16-00002-of-00002.gguf":           {"BF16/M-1B-BF16-00001-of-00002.gguf", "BF16/M-1B-BF16-00002-of-00002.gguf"},
		"org/name@refs/pr/1:Q8_0":                          {"M-1B-Instruct.Q8_0.gguf"},
		"org/name@" + commit1 + ":Q8_0":                    {"M-1B-Instruct.Q8_0.gguf"},
		"org/name:BF16/M-1B-BF16-00001-of-00002.gguf":      {"BF16/M-1B-BF16-00001-of-00002.gguf", "BF16/M-1B-BF16-00002-of-00002.gguf"},
		"org/name@" + commit1 + ":mmproj-M-f16.gguf" + "!": nil,
	} {
		c := f.client(t)
		path, err := c.Pull(context.Background(), ref, nil)
		if want == nil {
			wantError(t, err, "no .gguf file")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		snapshot := filepath.Join(c.CacheDir, "models--org--name", "snapshots", commit1)
		if path != filepath.Join(snapshot, filepath.FromSlash(want[0])) {
			t.Errorf("%s: path %s", ref, path)
		}
		wantFiles(t, snapshot, f, want...)
		if found, ok := c.Find(ref); !ok || found != path {
			t.Errorf("Find(%s) = %s %v", ref, found, ok)
		}
	}
	_, err := f.client(t).Pull(context.Background(), "org/name", nil)
	wantError(t, err, "several", "org/name:", "3.9KiB  M-1B-Instruct.Q4_K_M.gguf", "7.8KiB", "17.6KiB", "(2 parts)")
	if strings.Contains(err.Error(), "mmproj") {
		t.Errorf("error lists a projector: %v", err)
	}
	_, err = f.client(t).Pull(context.Background(), "org/name:Q2_K", nil)
	wantError(t, err, `"Q2_K"`, "Q8_0.gguf")
	_, err = f.client(t).Pull(context.Background(), "org/name:Instruct", nil)
	wantError(t, err, "fits several", "Q8_0.gguf")
	if strings.Contains(err.Error(), "BF16") {
		t.Errorf("error lists what does not fit: %v", err)
	}
	delete(f.files, "M-1B-Instruct.Q8_0.gguf")
	delete(f.files, "BF16/M-1B-BF16-00002-of-00002.gguf")
	_, err = f.client(t).Pull(context.Background(), "org/name:BF16", nil)
	wantError(t, err, "2 files", "only 1")
	delete(f.files, "BF16/M-1B-BF16-00001-of-00002.gguf")
	if path := mustPull(t, f.client(t), "org/name"); filepath.Base(path) != "M-1B-Instruct.Q4_K_M.gguf" {
		t.Errorf("the only one: %s", path)
	}
	f.files = map[string][]byte{"pytorch_model.bin": nil}
	_, err = f.client(t).Pull(context.Background(), "org/name", nil)
	wantError(t, err, "neither", ".gguf")
}

// drop sends the first n bytes asked for, then breaks the connection.
func drop(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	from := 0
	if rng := r.Header.Get("Range"); rng != "" {
		fmt.Sscanf(rng, "bytes=%d-", &from)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	}
	w.Write(data[from:min(from+n, len(data))])
	w.(http.Flusher).Flush()
	if from+n < len(data) {
		panic(http.ErrAbortHandler)
	}
}

func TestDroppedConnectionsResume(t *testing.T) {
	f := newFakeHub(t, hfModel())
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		drop(w, r, data, 20000) // 15 connections for the weights: more than the tries without progress
		return true
	}
	var notes []string
	c := f.client(t)
	path, err := c.Pull(context.Background(), "org/name", func(p Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, path, f, hfFiles...)
	if n := f.count("GET /model.safetensors bytes="); n != 14 {
		t.Errorf("%d resumed requests, want 14", n)
	}
	if len(notes) != 14 || !strings.Contains(notes[0], "broke at 19.5KiB of 293.0KiB") || !strings.Contains(notes[0], "trying again in 1") {
		t.Errorf("%d notes, %q", len(notes), notes)
	}
}

func TestConnectionThatNeverWorksIsGivenUp(t *testing.T) {
	f := newFakeHub(t, hfModel())
	var works atomic.Bool
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if works.Load() {
			return false
		}
		if r.Header.Get("Range") == "" {
			drop(w, r, data, 3000)
		}
		panic(http.ErrAbortHandler)
	}
	c := f.client(t)
	var waits []time.Duration
	c.sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "tokenizer.json", "given up after 5 tries", "kept")
	if len(waits) != 4 || waits[3] < 8*time.Second || waits[3] > 12*time.Second {
		t.Errorf("pauses %v, want four growing to about 10 s", waits)
	}
	list, err := c.List()
	if err != nil || len(list) != 1 || list[0].Complete || list[0].Ref != "org/name" || list[0].Bytes != 3000 {
		t.Errorf("List: %+v, %v; want an interrupted download of 3000 bytes", list, err)
	}
	if path, ok := c.Find("org/name"); ok {
		t.Errorf("half a model was found at %s", path)
	}
	works.Store(true)
	f.count("")
	wantFiles(t, mustPull(t, c, "org/name"), f, hfFiles...)
	if f.count("bytes=3000-") == 0 {
		t.Error("the next pull did not go on where the first one stopped")
	}
}

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
		"too much":       {commit1, []any{config, size(int64(1) << 49)}, []string{"needs 512.0TiB more", "free"}},
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

func TestDiskSpace(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	room := uint64(64<<20 + 100000)
	c.free = func(string) (uint64, bool) { return room, true }
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "needs 297.9KiB more", "64.1MiB free", "HF_HOME", c.CacheDir)
	if n := f.count("resolve"); n != 0 {
		t.Errorf("%d files asked for", n)
	}
	// Half of it is here already: then it fits.
	blobs := filepath.Join(c.CacheDir, "models--org--name", "blobs")
	if err := os.WriteFile(filepath.Join(blobs, f.etag(singleWeights)+".incomplete"), f.files[singleWeights][:250000], 0o644); err != nil {
		t.Fatal(err)
	}
	mustPull(t, c, "org/name")
	room = 0
	mustPull(t, c, "org/name") // nothing to fetch: no room needed
}

func TestFreeSpaceIsKnownHere(t *testing.T) {
	if n, known := freeSpace(t.TempDir()); !known || n == 0 {
		t.Skipf("not known on this system (%d)", n)
	}
	if _, known := freeSpace(filepath.Join(t.TempDir(), "absent")); known {
		t.Error("the room of a folder that does not exist is known")
	}
}

func TestWhereLinksAreNotAllowed(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	c.link = func(string, string) error { return errors.New("a required privilege is not held by the client") }
	path := mustPull(t, c, "org/name")
	wantFiles(t, path, f, hfFiles...)
	if info, err := os.Lstat(filepath.Join(path, singleWeights)); err != nil || info.Mode()&fs.ModeSymlink != 0 {
		t.Errorf("%v, %v", info, err)
	}
	// A tool may keep the file in the snapshot alone.
	if err := os.RemoveAll(filepath.Join(c.CacheDir, "models--org--name", "blobs")); err != nil {
		t.Fatal(err)
	}
	f.count("")
	mustPull(t, c, "org/name")
	if n := f.count("resolve"); n != 0 {
		t.Errorf("%d files fetched again", n)
	}
}

func TestCopyFile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(from, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(to, from); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(to); string(b) != "hello" {
		t.Errorf("%q", b)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left: %v", files)
	}
}

func TestDanglingLinkIsMended(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	path := mustPull(t, c, "org/name")
	if err := os.Remove(filepath.Join(c.CacheDir, "models--org--name", "blobs", f.etag(singleWeights))); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Find("org/name"); ok {
		t.Error("found without its weights")
	}
	mustPull(t, c, "org/name")
	wantFiles(t, path, f, hfFiles...)
}

func TestOffline(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	c.Offline = true
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "not in the cache", "HF_HUB_OFFLINE", c.CacheDir)
	c.Offline = false
	path := mustPull(t, c, "org/name")
	f.count("")
	c.Offline = true
	if again := mustPull(t, c, "org/name"); again != path || f.count("") != 0 {
		t.Errorf("%s, or the network was used", again)
	}
	c.Offline = false
	f.hub.Close()
	_, err = c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "given up after 5 tries", "earlier copy is at "+path)
}

func TestCancel(t *testing.T) {
	f := newFakeHub(t, hfModel())
	ctx, cancel := context.WithCancel(context.Background())
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:2000])
		w.(http.Flusher).Flush()
		time.AfterFunc(20*time.Millisecond, cancel)
		<-r.Context().Done()
		return true
	}
	c := f.client(t)
	if _, err := c.Pull(ctx, "org/name", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if info, err := os.Stat(filepath.Join(c.CacheDir, "models--org--name", "blobs", f.etag("tokenizer.json")+".incomplete")); err != nil || info.Size() != 2000 {
		t.Errorf("what arrived was not kept: %v %v", info, err)
	}
}

func TestSilentConnection(t *testing.T) {
	f := newFakeHub(t, hfModel())
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if r.Header.Get("Range") != "" {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:2000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	c := f.client(t)
	c.stall = 50 * time.Millisecond
	var notes []string
	path, err := c.Pull(context.Background(), "org/name", func(p Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, path, f, hfFiles...)
	if len(notes) != 2 || !strings.Contains(notes[0], "fell silent at 2.0KiB") {
		t.Errorf("notes %q", notes)
	}
}
