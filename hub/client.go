package hub

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DefaultEndpoint is the hub that is asked unless HF_ENDPOINT says otherwise.
const DefaultEndpoint = "https://huggingface.co"

// A Client looks into one cache and fetches from one hub. It may be used by
// several goroutines, and several processes may share a cache.
type Client struct {
	Endpoint string       // address of the hub, without a slash at the end
	Token    string       // sent to the endpoint's host and to no other; empty: none
	CacheDir string       // the folder that holds models--org--name
	Offline  bool         // never use the network
	HTTP     *http.Client // nil: one with sensible limits; its CheckRedirect is not used

	// What tests replace.
	sleep func(ctx context.Context, d time.Duration) error
	free  func(dir string) (bytes uint64, known bool)
	link  func(target, path string) error
	stall time.Duration // give up on a connection that is silent for so long
}

// New returns a client as the environment describes it (see the package comment).
func New() *Client {
	home := expand(os.Getenv("HF_HOME"))
	if home == "" {
		cache := expand(os.Getenv("XDG_CACHE_HOME"))
		if cache == "" {
			if user, err := os.UserHomeDir(); err == nil {
				cache = filepath.Join(user, ".cache")
			}
		}
		if cache != "" {
			home = filepath.Join(cache, "huggingface")
		}
	}
	c := &Client{
		Endpoint: strings.TrimRight(firstEnv("HF_ENDPOINT"), "/"),
		Token:    token(home),
		CacheDir: expand(firstEnv("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")),
		Offline:  slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(os.Getenv("HF_HUB_OFFLINE"))),
	}
	if c.Endpoint == "" {
		c.Endpoint = DefaultEndpoint
	}
	if c.CacheDir == "" && home != "" {
		c.CacheDir = filepath.Join(home, "hub")
	}
	return c
}

// token returns the access token of HF_TOKEN or of the file that logging in writes.
func token(home string) string {
	if t := strings.TrimSpace(firstEnv("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")); t != "" {
		return t
	}
	path := expand(os.Getenv("HF_TOKEN_PATH"))
	if path == "" && home != "" {
		path = filepath.Join(home, "token")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "" // not logged in
	}
	return strings.TrimSpace(string(b))
}

func firstEnv(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// expand replaces $NAME and a leading ~ in a path.
func expand(path string) string {
	path = os.ExpandEnv(path)
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if home, err := os.UserHomeDir(); err == nil {
			return home + rest
		}
	}
	return path
}

// Progress says how far a pull is. Bytes that were in the cache before count as done.
type Progress struct {
	File      string // the file on its way, empty at the very end
	FileDone  int64  // bytes of it that are here
	FileBytes int64  // bytes it has
	Done      int64  // bytes of all files of the pull that are here
	Bytes     int64  // bytes they have
	Note      string // something that happened, for a line of its own: a retry, waiting for another process; else empty
}
