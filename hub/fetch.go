package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// blobPattern is what an etag must look like to become a file's name.
var blobPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// A transfer is one file on its way into <blob>.incomplete.
type transfer struct {
	client *Client
	url    string
	what   string // for errors: org/name: file
	want   file
	part   *os.File
	have   int64     // bytes in part
	best   int64     // the most there ever were: only more than that is progress
	sum    hash.Hash // of them; nil when the etag is no hash we know
	report func(have int64)
}

// newHash returns what a file's etag is the value of: sha256 of the contents,
// or the sha1 that git gives a blob.
func newHash(f file) hash.Hash {
	if _, err := hex.DecodeString(f.etag); err != nil {
		return nil
	}
	switch len(f.etag) {
	case 2 * sha256.Size:
		return sha256.New()
	case 2 * sha1.Size:
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", f.size)
		return h
	}
	return nil
}

// run fetches the file to path, going on from what an earlier run left there,
// and returns when every byte is on the disk and the hash is right.
func (t *transfer) run(ctx context.Context, path string, note func(string)) (err error) {
	t.part, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.part.Close()) }()
	if err := t.takeUp(); err != nil {
		return err
	}
	for wrong := 0; ; {
		if err := t.client.retry(ctx, note, func() error { return t.attempt(ctx) }); err != nil {
			return err
		}
		if t.sum == nil || hex.EncodeToString(t.sum.Sum(nil)) == t.want.etag {
			return t.part.Sync()
		}
		if err := t.restart(); err != nil {
			return err
		}
		t.best = 0
		if wrong++; wrong == 2 {
			return fmt.Errorf("%s: what arrived twice is not the file the hub describes (hash %s expected); something between damages it, try another network or HF_ENDPOINT", t.what, t.want.etag)
		}
		note(t.what + ": the bytes that arrived are damaged (their hash is wrong); fetching the file again")
	}
}

// takeUp counts and hashes what an earlier run left.
func (t *transfer) takeUp() error {
	info, err := t.part.Stat()
	if err != nil {
		return err
	}
	if t.sum = newHash(t.want); info.Size() > t.want.size {
		return t.restart()
	}
	var w io.Writer = io.Discard
	if t.sum != nil {
		w = t.sum
	}
	t.have, err = io.Copy(w, t.part)
	t.best = t.have
	t.report(t.have)
	return err
}

// restart throws away what is there.
func (t *transfer) restart() error {
	t.have, t.sum = 0, newHash(t.want)
	t.report(0)
	if err := t.part.Truncate(0); err != nil {
		return err
	}
	_, err := t.part.Seek(0, io.SeekStart)
	return err
}

// attempt asks once for the bytes that are missing.
func (t *transfer) attempt(parent context.Context) error {
	if t.have == t.want.size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	limit := t.client.stall
	if limit == 0 {
		limit = defaultStall
	}
	timer := time.AfterFunc(2*limit, func() { cancel(errSilent) }) // connecting may take longer
	defer timer.Stop()

	header := http.Header{"Accept-Encoding": {"identity"}} // offsets count the file's own bytes
	if t.have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
	}
	resp, err := t.client.do(ctx, http.MethodGet, t.url, t.what, header, false)
	if err != nil {
		return t.explain(parent, ctx, err, false)
	}
	defer resp.Body.Close()
	again := func(format string, args ...any) error {
		return &passing{error: fmt.Errorf("%s: "+format, append([]any{t.what}, args...)...)}
	}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var from, to, size int64
		n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size)
		if n < 2 || from != t.have || n == 3 && size != t.want.size {
			got := resp.Header.Get("Content-Range")
			if err := t.restart(); err != nil {
				return err
			}
			return again("the hub sent another part (%s) than the one asked for", got)
		}
	case http.StatusOK: // all of it: the range was ignored
		if t.have > 0 {
			if err := t.restart(); err != nil {
				return err
			}
		}
	default:
		return again("unexpected answer %s", resp.Status)
	}
	if n := resp.ContentLength; n >= 0 && n != t.want.size-t.have {
		return again("the hub sends %d bytes where its list says %d", n, t.want.size-t.have)
	}
	err = t.copy(&silent{resp.Body, limit, timer})
	progress := t.have > t.best // a server that begins anew each time makes none
	t.best = max(t.best, t.have)
	return t.explain(parent, ctx, err, progress)
}

// copy appends the body to the file. Faults of the disk are final, those of the
// connection are *passing.
func (t *transfer) copy(body io.Reader) error {
	buf := make([]byte, 256<<10)
	for {
		n, readErr := body.Read(buf)
		if t.have+int64(n) > t.want.size {
			return errors.Join(t.restart(), fmt.Errorf("%s: the hub sends more than the %d bytes its list says; try again, or another HF_ENDPOINT", t.what, t.want.size))
		}
		if _, err := t.part.Write(buf[:n]); err != nil {
			// What was written of it is not hashed yet: forget it.
			return errors.Join(fmt.Errorf("%s: %w; %s of %s are kept, make room and try again", t.what, err, mem.FormatBytes(t.have), mem.FormatBytes(t.want.size)), t.part.Truncate(t.have))
		}
		if t.sum != nil {
			t.sum.Write(buf[:n])
		}
		t.have += int64(n)
		t.report(t.have)
		if readErr == nil {
			continue
		}
		if t.have == t.want.size {
			return nil
		}
		if readErr == io.EOF {
			readErr = io.ErrUnexpectedEOF
		}
		return &passing{error: fmt.Errorf("%s: the connection broke at %s of %s: %w", t.what, mem.FormatBytes(t.have), mem.FormatBytes(t.want.size), readErr)}
	}
}

// explain tells a connection that fell silent from one that the user gave up.
func (t *transfer) explain(parent, ctx context.Context, err error, progress bool) error {
	if err == nil {
		return nil
	}
	if parent.Err() == nil && context.Cause(ctx) == errSilent {
		return &passing{error: fmt.Errorf("%s: %w at %s of %s", t.what, errSilent, mem.FormatBytes(t.have), mem.FormatBytes(t.want.size)), progress: progress}
	}
	var p *passing
	if errors.As(err, &p) {
		p.progress = progress
		return p
	}
	return err
}

// fetch brings one file into the cache, unless it is there, and into the snapshot.
func (p *pull) fetch(ctx context.Context, f file) error {
	blob := filepath.Join(p.dir, "blobs", f.etag)
	name := filepath.Join(p.snapshot(), filepath.FromSlash(f.name))
	if hasSize(name, f.size) {
		return nil
	}
	if !hasSize(blob, f.size) {
		unlock, err := p.lock(ctx, f)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if !hasSize(blob, f.size) { // another process may have brought it meanwhile
		t := &transfer{client: p.client, url: p.url("resolve", f.name), what: p.ref.Repo + ": " + f.name, want: f, report: p.report}
		if err := t.run(ctx, blob+".incomplete", p.note); err != nil {
			return err
		}
		if err := os.Rename(blob+".incomplete", blob); err != nil {
			return err
		}
	}
	return p.client.addToSnapshot(name, blob, f.size)
}
