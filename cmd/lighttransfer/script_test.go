package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lighttransfer/lighttransfer/internal/tiny"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lighttransfer": main})
}

// TestScripts runs testdata/script: each verb as a user calls it, in an empty home.
func TestScripts(t *testing.T) {
	needle := haystack(t)
	jieba, err := filepath.Abs(filepath.Join("..", "..", "eval", "score", "jieba", "testdata", "small.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	hub := httptest.NewServer(fakeHub(t))
	t.Cleanup(hub.Close)
	endpoint := httptest.NewServer(fakeEndpoint())
	t.Cleanup(endpoint.Close)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{"HOME": e.WorkDir, "USERPROFILE": e.WorkDir, "LIGHTTRANSFER_HOME": filepath.Join(e.WorkDir, "lt"),
				"HF_HOME": filepath.Join(e.WorkDir, "hf"), "HF_ENDPOINT": hub.URL, "ENDPOINT": endpoint.URL, "NO_PROXY": "127.0.0.1", "TMPDIR": e.WorkDir, "JIEBA": jieba} {
				e.Setenv(name, value)
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "needle.txt"), []byte(needle), 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "json": checkJSON},
	})
}

// haystack is a prompt of 512 tokens whose answer is 9778932, for needle.txt.
func haystack(t *testing.T) string {
	data, err := os.ReadFile(filepath.Join("..", "..", "internal", "tiny", "testdata", "goldens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens []struct{ Text, Answer string }
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		if g.Answer == "9778932" {
			return g.Text
		}
	}
	t.Fatal("the goldens have no prompt with the answer 9778932")
	return ""
}

// fakeEndpoint is an OpenAI-compatible server that says yes, unless asked to refuse;
// its first requests fail.
func fakeEndpoint() http.Handler {
	var asked atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case !strings.HasSuffix(r.URL.Path, "completions") || r.Header.Get("Authorization") != "Bearer test-key":
			w.WriteHeader(http.StatusNotFound)
		case bytes.Contains(body, []byte("refuse")):
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error": {"message": "not this one"}}`)
		case asked.Add(1) < 3:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			io.WriteString(w, `{"choices": [{"text": "Yes!"}]}`)
		}
	})
}

// exits runs a command that must end with a status: exits 2 lighttransfer run
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if neg || got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// checkJSON reads a file (stdout) that must be exactly one JSON document and checks
// its fields: NAME must be there, NAME=VALUE must be that JSON value, NAME>NUMBER
// must be larger. "a.b.0.c" is a field inside. With ! the fields must not be there.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var doc any
	ts.Check(d.Decode(&doc))
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("something follows the JSON document")
	}
	for _, arg := range args[1:] {
		name, op, want := arg, "", ""
		if i := strings.IndexAny(arg, "=>"); i >= 0 {
			name, op, want = arg[:i], arg[i:i+1], arg[i+1:]
		}
		got, ok := field(doc, strings.Split(name, "."))
		if ok == neg {
			ts.Fatalf("field %s: there: %v", name, ok)
		}
		switch op {
		case "=":
			b, err := json.Marshal(got)
			ts.Check(err)
			var w any
			ts.Check(json.Unmarshal([]byte(want), &w))
			if normal, _ := json.Marshal(w); !bytes.Equal(b, normal) {
				ts.Fatalf("field %s is %s, want %s", name, b, normal)
			}
		case ">":
			w, err := strconv.ParseFloat(want, 64)
			ts.Check(err)
			if x, isNumber := got.(float64); !isNumber || x <= w {
				ts.Fatalf("field %s is %v, want more than %s", name, got, want)
			}
		}
	}
}

func field(v any, path []string) (any, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		w, ok := v[path[0]]
		if !ok {
			return nil, false
		}
		return field(w, path[1:])
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return field(v[i], path[1:])
	}
	return nil, false
}

// fakeHub is a hub with one model, test/tiny.
func fakeHub(t *testing.T) http.Handler {
	t.Helper()
	const commit = "0123456789012345678901234567890123456789"
	type lfs struct {
		SHA256 string `json:"sha256"`
		Size   int    `json:"size"`
	}
	type sibling struct {
		Name string `json:"rfilename"`
		Size int    `json:"size"`
		LFS  lfs    `json:"lfs"`
	}
	var list struct {
		SHA      string    `json:"sha"`
		Siblings []sibling `json:"siblings"`
	}
	list.SHA = commit
	mux := http.NewServeMux()
	err := fs.WalkDir(tiny.Files(), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tiny.Files(), path)
		sum := sha256.Sum256(data)
		hash := hex.EncodeToString(sum[:])
		list.Siblings = append(list.Siblings, sibling{path, len(data), lfs{hash, len(data)}})
		mux.HandleFunc("/test/tiny/resolve/"+commit+"/"+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", strconv.Quote(hash))
			http.ServeContent(w, r, path, time.Time{}, bytes.NewReader(data))
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/api/models/test/tiny/revision/main", func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(list); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	return mux
}
