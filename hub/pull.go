package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// pull is one call of Pull.
type pull struct {
	client   *Client
	ref      Ref
	dir      string // the repository's folder in the cache
	commit   string
	progress func(Progress)
	state    Progress
	before   int64     // bytes of the files that are done
	last     time.Time // when progress was told last
}

// Pull brings a model into the cache and returns its path: of the folder
// (safetensors) or of the .gguf file, of a split one the first part. What is
// there already is not fetched again; what was interrupted goes on. progress
// (nil for none) is called from the same goroutine, a few times a second.
//
// ref is org/name, org/name@revision, org/name:FILE.gguf or org/name:Q4_K_M.
// Of a repository with safetensors the weights and the settings beside them are
// taken; of one with GGUF files alone the one there is, and if there are
// several the ref must name one: the error lists them.
func (c *Client) Pull(ctx context.Context, ref string, progress func(Progress)) (path string, err error) {
	r, err := ParseRef(ref)
	if err != nil {
		return "", err
	}
	if c.CacheDir == "" {
		return "", errors.New("no folder for the cache of models: set HF_HOME")
	}
	if c.Offline {
		if path, ok := c.find(r); ok {
			return path, nil
		}
		return "", fmt.Errorf("%s is not in the cache %s, and the network must not be used: unset HF_HUB_OFFLINE, or copy the model there", r, c.CacheDir)
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	p := &pull{client: c, ref: r, dir: filepath.Join(c.CacheDir, r.folder()), progress: progress}
	path, err = p.run(ctx)
	if err != nil {
		if old, ok := c.find(r); ok && ctx.Err() == nil {
			return "", fmt.Errorf("%w (an earlier copy is at %s; HF_HUB_OFFLINE=1 uses it without asking)", err, old)
		}
		return "", err
	}
	return path, nil
}

func (p *pull) run(ctx context.Context) (string, error) {
	all, err := p.list(ctx)
	if err != nil {
		return "", err
	}
	files, err := choose(p.ref, all)
	if err != nil {
		return "", err
	}
	for i := range files {
		if err := p.describe(ctx, &files[i]); err != nil {
			return "", err
		}
		p.state.Bytes += files[i].size
	}
	for _, dir := range []string{filepath.Join(p.dir, "blobs"), p.snapshot()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("%w; set HF_HOME to a folder that can be written to", err)
		}
	}
	if err := p.checkSpace(files); err != nil {
		return "", err
	}
	for _, f := range files {
		p.state.File, p.state.FileBytes = f.name, f.size
		p.last = time.Time{}
		if err := p.fetch(ctx, f); err != nil {
			return "", err
		}
		p.report(f.size)
		p.before += f.size
	}
	path, err := p.result(files)
	if err != nil {
		return "", err
	}
	if err := p.setRef(); err != nil {
		return "", err
	}
	p.state = Progress{Done: p.before, Bytes: p.before}
	p.progress(p.state)
	return path, nil
}

// result returns the path of what was fetched, once it is seen to be whole.
func (p *pull) result(files []file) (string, error) {
	for _, f := range files {
		if strings.HasSuffix(f.name, ".gguf") {
			return filepath.Join(p.snapshot(), filepath.FromSlash(f.name)), nil
		}
	}
	if m := snapshotModels(p.snapshot()); len(m) == 0 || !m[0].complete {
		return "", fmt.Errorf("%s: its %s names files that the repository does not hold; look for another copy of the model", p.ref, indexWeights)
	}
	return p.snapshot(), nil
}

func (p *pull) snapshot() string { return filepath.Join(p.dir, "snapshots", p.commit) }

// report tells how many bytes of the current file are here, ten times a second at most.
func (p *pull) report(have int64) {
	p.state.FileDone, p.state.Done = have, p.before+have
	if now := time.Now(); have == p.state.FileBytes || now.Sub(p.last) > 100*time.Millisecond {
		p.last = now
		p.progress(p.state)
	}
}

// note tells something for a line of its own.
func (p *pull) note(text string) {
	s := p.state
	s.Note = text
	p.progress(s)
}

// url returns the address of a file at the commit.
func (p *pull) url(kind, name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return fmt.Sprintf("%s/%s/%s/%s/%s", p.client.Endpoint, p.ref.Repo, kind, p.commit, strings.Join(parts, "/"))
}

// list asks the hub which commit the revision is and what files it has.
func (p *pull) list(ctx context.Context) ([]file, error) {
	what := p.ref.Repo + "@" + p.ref.Revision
	address := fmt.Sprintf("%s/api/models/%s/revision/%s?blobs=true", p.client.Endpoint, p.ref.Repo, url.PathEscape(p.ref.Revision))
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	err := p.client.retry(ctx, p.note, func() error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		resp, err := p.client.do(ctx, http.MethodGet, address, what, nil, false)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		const most = 64 << 20
		b, err := io.ReadAll(io.LimitReader(resp.Body, most))
		if err != nil {
			return &passing{error: fmt.Errorf("%s: the list of files broke off: %w", what, err)}
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			return fmt.Errorf("%s: the hub's list of files is not as it should be: %w; check HF_ENDPOINT", what, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !commitPattern.MatchString(answer.SHA) {
		return nil, fmt.Errorf("%s: the hub names no commit (%q); check HF_ENDPOINT", what, answer.SHA)
	}
	p.commit = answer.SHA
	var files []file
	for _, s := range answer.Siblings {
		if !localPath(s.Name) {
			return nil, fmt.Errorf("%s: the repository has a file named %q, which would leave its folder", what, s.Name)
		}
		f := file{name: s.Name, size: -1, etag: s.BlobID}
		if s.Size != nil {
			f.size = *s.Size
		}
		if s.LFS != nil {
			f.etag = s.LFS.SHA256
		}
		files = append(files, f)
	}
	return files, nil
}

// describe asks for the size and etag of a file where the list has none, as
// that of a mirror.
func (p *pull) describe(ctx context.Context, f *file) error {
	what := p.ref.Repo + ": " + f.name
	if f.size < 0 || f.etag == "" {
		err := p.client.retry(ctx, p.note, func() error {
			resp, err := p.client.do(ctx, http.MethodHead, p.url("resolve", f.name), what, http.Header{"Accept-Encoding": {"identity"}}, true)
			if err != nil {
				return err
			}
			resp.Body.Close()
			f.size, f.etag = resp.ContentLength, resp.Header.Get("ETag")
			if etag := resp.Header.Get("X-Linked-Etag"); etag != "" {
				f.etag = etag
			}
			if size := resp.Header.Get("X-Linked-Size"); size != "" {
				if _, err := fmt.Sscan(size, &f.size); err != nil {
					f.size = -1
				}
			}
			f.etag = strings.Trim(strings.TrimPrefix(f.etag, "W/"), `"`)
			return nil
		})
		if err != nil {
			return err
		}
	}
	const tooLarge = 1 << 50 // no file is, and sums of such sizes still fit
	if f.size < 0 || f.size > tooLarge || !blobPattern.MatchString(f.etag) {
		return fmt.Errorf("%s: the hub tells neither its size nor its hash in full (%d, %q); check HF_ENDPOINT", what, f.size, f.etag)
	}
	return nil
}

// checkSpace compares what is still to come with the room on the disk.
func (p *pull) checkSpace(files []file) error {
	const margin = 64 << 20 // for others
	var need int64
	for _, f := range files {
		blob := filepath.Join(p.dir, "blobs", f.etag)
		if hasSize(blob, f.size) || hasSize(filepath.Join(p.snapshot(), filepath.FromSlash(f.name)), f.size) {
			continue
		}
		need += f.size
		if info, err := os.Stat(blob + ".incomplete"); err == nil {
			need -= min(info.Size(), f.size)
		}
	}
	free := p.client.free
	if free == nil {
		free = freeSpace
	}
	room, known := free(p.dir)
	if need == 0 || !known || room >= uint64(need)+margin {
		return nil
	}
	return fmt.Errorf("%s needs %s more on the disk of %s, which has %s free: make room, or set HF_HOME to a folder on another disk",
		p.ref, mem.FormatBytes(need), p.dir, mem.FormatBytes(int64(min(room, 1<<62))))
}

// setRef remembers which commit the branch stood at, now that it is here.
func (p *pull) setRef() error {
	if p.ref.Revision == p.commit {
		return nil
	}
	path := filepath.Join(p.dir, "refs", filepath.FromSlash(p.ref.Revision))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeAtomically(path, func(w io.Writer) error {
		_, err := io.WriteString(w, p.commit)
		return err
	})
}

// lock keeps other processes from writing the same file; it waits for one that does.
func (p *pull) lock(ctx context.Context, f file) (unlock func(), err error) {
	dir := filepath.Join(p.client.CacheDir, ".locks", p.ref.folder())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l, err := os.OpenFile(filepath.Join(dir, f.etag+".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for told := false; ; {
		ok, err := tryLock(l)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("lock %s: %w", l.Name(), err)
		}
		if ok {
			return func() { l.Close() }, nil // closing gives the lock back, as dying does
		}
		if !told {
			told = true
			p.note(f.name + ": another process is fetching it; waiting")
		}
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			l.Close()
			return nil, context.Cause(ctx)
		}
	}
}
