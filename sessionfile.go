package lighttransfer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/internal/mmap"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/lazy"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
)

// A session file:
//
//	magic [8]byte, version u32, header length u32, header crc32c u32, pages crc32c u32   little endian
//	header: JSON of sessionHeader
//	zeros up to a multiple of 4,096
//	pages: see kv.Cache.Write
const (
	sessionMagic   = "LTSESSN\n"
	sessionVersion = 2
	sessionAlign   = 4096
	sessionPrefix  = 24
	maxHeader      = 1 << 30
)

// sessionHeader is what a session knows besides its pages.
type sessionHeader struct {
	Model     string         `json:"model"`
	ModelHash string         `json:"model_hash"`
	Policy    string         `json:"policy"` // name:args
	Window    kv.Window      `json:"window"`
	Last      int            `json:"last"`
	Decided   bool           `json:"decided"`
	Heads     []lazy.Head    `json:"decided_heads"`
	LazyRatio []*float64     `json:"lazy_ratio"`
	Errors    []*float64     `json:"output_error"`
	IDs       []int32        `json:"ids"`
	Pending   []int32        `json:"pending"`
	Text      string         `json:"text"`
	Messages  []chat.Message `json:"messages"`
	KV        kv.Layout      `json:"kv"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrSession is wrapped by errors about session files that cannot be continued.
var ErrSession = errors.New("session file cannot be used")

func (s *Session) policyText() string {
	name, args := s.Policy()
	if args == "" {
		return name
	}
	return name + ":" + args
}

// Save writes the session to a file: the KV cache as it lies in memory, the
// tokens, the conversation and what the policy has decided. The file appears
// whole or not at all.
func (s *Session) Save(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("save session: %w", err)
		}
	}()
	for l := range s.m.model.Layers {
		s.cache.Release(l)
		for h := range s.m.model.KVHeads {
			if s.cache.Head(l, h).Merged() {
				return fmt.Errorf("policy %s merges layers, which a session file has no place for; use another policy", s.policy.Name())
			}
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	header, err := json.Marshal(sessionHeader{Model: s.m.name, ModelHash: s.m.hash, Policy: s.policyText(), Window: s.o.Window, Last: s.o.Last,
		Decided: s.decided, Heads: s.report.decided, LazyRatio: s.report.LazyRatio, Errors: s.report.OutputError,
		IDs: s.ids, Pending: s.pending, Text: s.talk.text, Messages: s.talk.messages, KV: s.cache.Layout()})
	if err != nil {
		return err
	}
	start := pagesStart(len(header))
	if _, err = f.Seek(int64(start), io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	sum := crc32.New(castagnoli)
	if err = s.cache.Write(io.MultiWriter(w, sum)); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if _, err = f.WriteAt(sessionHead(header, sum), 0); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func pagesStart(header int) int {
	return (sessionPrefix + header + sessionAlign - 1) / sessionAlign * sessionAlign
}

func sessionHead(header []byte, pages hash.Hash32) []byte {
	b := make([]byte, sessionPrefix, pagesStart(len(header)))
	copy(b, sessionMagic)
	binary.LittleEndian.PutUint32(b[8:], sessionVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(header)))
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(header, castagnoli))
	binary.LittleEndian.PutUint32(b[20:], pages.Sum32())
	return append(b, header...)[:cap(b)]
}

// OpenSession continues a session that Save has written. Its pages are mapped,
// not read. A file of another model, policy or window, and a damaged one, is
// refused with an error that wraps ErrSession and says why; auto as the policy
// accepts whatever the file was made with.
func (m *Model) OpenSession(path string, o SessionOptions) (*Session, error) {
	f, err := mmap.OpenCopy(path)
	if err != nil {
		return nil, err
	}
	s, err := m.openSession(f, o)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrSession, path, err)
	}
	return s, nil
}

func (m *Model) openSession(f *mmap.File, o SessionOptions) (*Session, error) {
	data := f.Data
	if len(data) < sessionPrefix || string(data[:8]) != sessionMagic {
		return nil, errors.New("it is not a session file; give another")
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != sessionVersion {
		return nil, fmt.Errorf("it has version %d, this program reads %d; remove it to begin anew", v, sessionVersion)
	}
	n := int(binary.LittleEndian.Uint32(data[12:]))
	if n > maxHeader || pagesStart(n) > len(data) {
		return nil, errors.New("it is torn: the header is cut off; remove it to begin anew")
	}
	raw := data[sessionPrefix:][:n]
	if crc32.Checksum(raw, castagnoli) != binary.LittleEndian.Uint32(data[16:]) {
		return nil, errors.New("its header is damaged; remove it to begin anew")
	}
	var h sessionHeader
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		return nil, fmt.Errorf("its header is damaged: %w; remove it to begin anew", err)
	}
	pages := data[pagesStart(n):]
	if want, err := h.KV.Bytes(); err != nil {
		return nil, err
	} else if want != int64(len(pages)) {
		return nil, fmt.Errorf("it is torn: %d of %d bytes of cache are there; remove it to begin anew", len(pages), want)
	}
	if crc32.Checksum(pages, castagnoli) != binary.LittleEndian.Uint32(data[20:]) {
		return nil, errors.New("its cache is damaged (the checksum differs); remove it to begin anew")
	}
	if h.ModelHash != m.hash {
		return nil, fmt.Errorf("it was made with another model (%s); use that one, or another session file", h.Model)
	}
	auto := o.Policy == "" || o.Policy == "auto"
	if auto {
		o.Policy = h.Policy
		if h.Policy == "plan:auto" {
			o.Policy = "auto"
		}
		if o.Window == (kv.Window{}) {
			o.Window = h.Window
		}
	}
	if o.KV == "" {
		o.KV = h.KV.Precision.String()
	}
	s, err := m.NewSession(o)
	if err != nil {
		return nil, err
	}
	if got := s.policyText(); got != h.Policy || s.o.Window != h.Window {
		s.Close()
		return nil, fmt.Errorf("it was made with policy %s and window %s, not %s and %s; use those, or another session file", h.Policy, h.Window, got, s.o.Window)
	}
	s.auto = auto
	return s, s.adopt(&h, f, pages)
}

// adopt puts the file's contents in place of the empty session.
func (s *Session) adopt(h *sessionHeader, f *mmap.File, pages []byte) error {
	c := &s.m.model.Config
	if h.KV.Layers != c.Layers || h.KV.KVHeads != c.KVHeads || h.KV.HeadDim != c.HeadDim || h.KV.Length != len(h.IDs) {
		return errors.New("its description of the cache makes no sense")
	}
	for _, ids := range [][]int32{h.IDs, h.Pending} {
		for _, id := range ids {
			if id < 0 || int(id) >= c.Vocab {
				return fmt.Errorf("token id %d is outside of the vocabulary", id)
			}
		}
	}
	if len(h.Pending) > 1 || len(h.LazyRatio) != len(h.Errors) || h.LazyRatio != nil && len(h.LazyRatio) != c.Layers {
		return errors.New("its header makes no sense")
	}
	if !s.decided && !h.Decided { // fixed windows are the policy's: a plan may have changed since
		want := s.cache.Windows()
		for i, hl := range h.KV.Heads {
			if hl.Window != want[i] || hl.From != 0 {
				return fmt.Errorf("the plan has changed since it was made (layer %d, KV head %d keeps %s now, not %s)", i/c.KVHeads, i%c.KVHeads, want[i], hl.Window)
			}
		}
	}
	if s.o.Budget > 0 && int64(len(pages)) > s.o.Budget {
		return fmt.Errorf("%w: it holds %s, the KV budget is %s", ErrMemory, mem.FormatBytes(int64(len(pages))), mem.FormatBytes(s.o.Budget))
	}
	cache, err := kv.Open(s.pool, h.KV, pages, f.Close)
	if err != nil {
		return err
	}
	s.cache = cache
	s.ids, s.pending, s.decided = h.IDs, h.Pending, h.Decided
	s.talk = conversation{text: h.Text, messages: h.Messages}
	s.report.observe(c.Layers)
	if h.LazyRatio != nil {
		copy(s.report.LazyRatio, h.LazyRatio)
		copy(s.report.OutputError, h.Errors)
	}
	s.report.decided = h.Heads
	return nil
}
