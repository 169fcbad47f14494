package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for s, want := range map[string]Ref{
		"org/name":                 {"org/name", "main", ""},
		"Org-1/na_me.v2":           {"Org-1/na_me.v2", "main", ""},
		"org/name@v1.0":            {"org/name", "v1.0", ""},
		"org/name@refs/pr/1":       {"org/name", "refs/pr/1", ""},
		"org/name:Q4_K_M":          {"org/name", "main", "Q4_K_M"},
		"org/name@dev:sub/x.gguf":  {"org/name", "dev", "sub/x.gguf"},
		"org/name@main:model.gguf": {"org/name", "main", "model.gguf"},
	} {
		got, err := ParseRef(s)
		if err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", s, got, err, want)
		}
		if back := strings.Replace(s, "@main", "", 1); got.String() != back {
			t.Errorf("%s is written %s", s, got)
		}
	}
	for _, s := range []string{"", "name", "/name", "org/", "a/b/c", "../x", "org/..", "org/.x", "org/a--b", "org/na me", "C:/x", "org/name@", "org/name@../x", "org/name@a b", "org/name:", "org/name:../x.gguf", "org/name:/x.gguf", `org/name:a\b.gguf`, "./model.gguf", "org/name\x00"} {
		if r, err := ParseRef(s); err == nil {
			t.Errorf("%q was taken as %+v", s, r)
		}
	}
}

func TestEnvironment(t *testing.T) {
	names := []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE"}
	home := t.TempDir()
	set := func(env map[string]string) *Client {
		for _, n := range names {
			t.Setenv(n, env[n])
		}
		t.Setenv("HOME", home)
		t.Setenv("USERPROFILE", home)
		return New()
	}
	c := set(nil)
	if want := filepath.Join(home, ".cache", "huggingface", "hub"); c.CacheDir != want || c.Token != "" || c.Endpoint != DefaultEndpoint || c.Offline {
		t.Errorf("empty environment: %+v", c)
	}
	if c := set(map[string]string{"XDG_CACHE_HOME": "/x"}); c.CacheDir != filepath.Join("/x", "huggingface", "hub") {
		t.Error(c.CacheDir)
	}
	if c := set(map[string]string{"XDG_CACHE_HOME": "/x", "HF_HOME": "~/hf"}); c.CacheDir != filepath.Join(home, "hf", "hub") {
		t.Error(c.CacheDir)
	}
	if c := set(map[string]string{"HF_HOME": "/h", "HF_HUB_CACHE": "/c"}); c.CacheDir != "/c" {
		t.Error(c.CacheDir)
	}
	for value, want := range map[string]bool{"1": true, "true": true, "ON": true, "0": false, "": false, "no": false} {
		if c := set(map[string]string{"HF_HUB_OFFLINE": value}); c.Offline != want {
			t.Errorf("HF_HUB_OFFLINE=%s: %v", value, c.Offline)
		}
	}
	if c := set(map[string]string{"HF_ENDPOINT": "http://mirror/"}); c.Endpoint != "http://mirror" {
		t.Error(c.Endpoint)
	}
	hf := filepath.Join(home, "hf")
	if err := os.MkdirAll(hf, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hf, "token"), []byte("hf_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := set(map[string]string{"HF_HOME": hf}); c.Token != "hf_file" {
		t.Error(c.Token)
	}
	if c := set(map[string]string{"HF_TOKEN_PATH": filepath.Join(hf, "token")}); c.Token != "hf_file" {
		t.Error(c.Token)
	}
	if c := set(map[string]string{"HF_HOME": hf, "HF_TOKEN": " hf_env "}); c.Token != "hf_env" {
		t.Error(c.Token)
	}
}

// write makes a file of the cache, as another tool would.
func write(t *testing.T, parts ...string) {
	t.Helper()
	path := filepath.Join(parts[:len(parts)-1]...)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(parts[len(parts)-1]), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindAndList(t *testing.T) {
	c := &Client{CacheDir: filepath.Join(t.TempDir(), "hub")}
	if list, err := c.List(); err != nil || len(list) != 0 {
		t.Errorf("no cache: %v %v", list, err)
	}
	in := func(repo, commit string) string {
		return filepath.Join(c.CacheDir, "models--"+strings.ReplaceAll(repo, "/", "--"), "snapshots", commit)
	}
	ref := func(repo, name, commit string) {
		write(t, c.CacheDir, "models--"+strings.ReplaceAll(repo, "/", "--"), "refs", name, commit)
	}
	one := in("a/one", commit1)
	write(t, one, "config.json", "{}")
	write(t, one, singleWeights, "0123456789")
	ref("a/one", "main", commit1+"\n")
	ref("a/one", "refs/pr/3", commit1)
	write(t, in("a/one", commit2), "config.json", "{}")
	write(t, in("a/one", commit2), singleWeights, "01")

	half := in("b/half", commit1)
	write(t, half, "config.json", "{}")
	write(t, half, indexWeights, `{"weight_map":{"x":"model-00001-of-00002.safetensors","y":"model-00002-of-00002.safetensors"}}`)
	write(t, half, "model-00001-of-00002.safetensors", "x")
	ref("b/half", "main", commit1)

	gguf := in("c/gguf", commit1)
	write(t, gguf, "m.Q4_0.gguf", "1234")
	write(t, gguf, "m.Q8_0-00001-of-00002.gguf", "12")
	ref("c/gguf", "main", commit1)

	write(t, in("d/tokenizer-only", commit1), "tokenizer.json", "{}")
	ref("d/tokenizer-only", "main", commit1)
	write(t, c.CacheDir, "datasets--e--data", "snapshots", commit1, singleWeights, "")
	write(t, c.CacheDir, "version.txt", "1")
	ref("f/evil", "main", "../../../c--gguf/snapshots/"+commit1)

	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{Ref: "a/one", Path: one, Bytes: 12, Format: "safetensors", Complete: true},
		{Ref: "a/one@" + commit2, Path: in("a/one", commit2), Bytes: 4, Format: "safetensors", Complete: true},
		{Ref: "b/half", Path: half, Bytes: 103, Format: "safetensors"},
		{Ref: "c/gguf:m.Q4_0.gguf", Path: filepath.Join(gguf, "m.Q4_0.gguf"), Bytes: 4, Format: "gguf", Complete: true},
		{Ref: "c/gguf:m.Q8_0-00001-of-00002.gguf", Path: filepath.Join(gguf, "m.Q8_0-00001-of-00002.gguf"), Bytes: 2, Format: "gguf"},
	}
	if len(list) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(list), len(want), list)
	}
	for i, e := range list {
		if e.Modified.IsZero() {
			t.Errorf("%s has no time", e.Ref)
		}
		e.Modified = want[i].Modified
		if e.Ref == "b/half" {
			e.Bytes = 103 // whatever the index takes
		}
		if e != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
		path, ok := c.Find(e.Ref)
		if ok != e.Complete || ok && path != e.Path {
			t.Errorf("Find(%s) = %s %v", e.Ref, path, ok)
		}
	}
	for ref, want := range map[string]string{
		"a/one@refs/pr/3": one, "a/one@" + commit1: one, "c/gguf": filepath.Join(gguf, "m.Q4_0.gguf"), "c/gguf:q4_0": filepath.Join(gguf, "m.Q4_0.gguf"),
		"c/gguf:Q8_0": "", "d/tokenizer-only": "", "e/data": "", "f/evil": "", "a/one@dev": "", "nonsense": "", "a/two": "",
	} {
		if path, ok := c.Find(ref); path != want || ok != (want != "") {
			t.Errorf("Find(%s) = %q %v, want %q", ref, path, ok, want)
		}
	}
}
