package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
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
	wantError(t, err, "several", "org/name:", "3.91 KiB  M-1B-Instruct.Q4_K_M.gguf", "7.81 KiB", "17.6 KiB", "(2 parts)")
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
	if len(notes) != 14 || !strings.Contains(notes[0], "broke at 19.5 KiB of 293 KiB") || !strings.Contains(notes[0], "trying again in 1") {
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

func TestDiskSpace(t *testing.T) {
	f := newFakeHub(t, hfModel())
	c := f.client(t)
	room := uint64(64<<20 + 100000)
	c.free = func(string) (uint64, bool) { return room, true }
	_, err := c.Pull(context.Background(), "org/name", nil)
	wantError(t, err, "needs 298 KiB more", "64.1 MiB free", "HF_HOME", c.CacheDir)
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
	if len(notes) != 2 || !strings.Contains(notes[0], "fell silent at 1.95 KiB") {
		t.Errorf("notes %q", notes)
	}
}
