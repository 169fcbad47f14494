package lighttransfer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/lighttransfer/lighttransfer/hub"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/internal/tiny"
	"github.com/lighttransfer/lighttransfer/model"
	"github.com/lighttransfer/lighttransfer/tokenizer"
	"github.com/lighttransfer/lighttransfer/tokenizer/chat"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// Options say how a model is loaded. The zero value is right for most uses.
type Options struct {
	Threads  int                     // 0: all cores
	Quantize string                  // "q8", "q4" or "none": what float matrices become at load ("": none)
	Progress func(done, total int64) // bytes of weights taken in; may be nil

	// CacheWeights keeps the weights as they are packed for the machine in a file
	// beside the model (MODEL.gguf.packed, or weights.packed in its folder) and takes
	// them from there the next time. It is as large as the model, is checked, and is
	// made anew when the model's files (their hash, sizes and times) or Quantize are
	// others. Where it cannot be written the model is opened all the same.
	CacheWeights bool
	Notice       func(text string) // what became of that file; may be nil
}

// A Model is weights, tokenizer and chat template. It does not change after
// Open and may serve any number of sessions, one call at a time.
type Model struct {
	model *model.Model
	tok   *tokenizer.Tokenizer
	chat  *chat.Template // nil: none
	vars  map[string]any // what the template may use: bos_token, eos_token
	par   *par.Pool
	name  string
	path  string
	hash  string
	clean func() error
}

// Open loads a model with default options: a .gguf file, a Hugging Face folder,
// a hub id "org/name" that has been pulled, or "tiny", the embedded model.
func Open(path string) (*Model, error) { return Options{}.Open(path) }

// Open loads a model.
func (o Options) Open(path string) (*Model, error) {
	if err := kernel.TierError(); err != nil {
		return nil, err
	}
	quantize, err := quantization(o.Quantize)
	if err != nil {
		return nil, err
	}
	file, clean, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	m := &Model{par: par.New(o.Threads), path: file, clean: clean}
	load := model.Options{Pool: m.par, Quantize: quantize, Progress: o.Progress, Notice: o.Notice}
	switch {
	case !o.CacheWeights:
	case path != "tiny":
		load.Packed = packedFile(file)
	case o.Notice != nil:
		o.Notice("the embedded model is packed at every start: it is small, and has no folder to keep that in")
	}
	if err := m.load(load); err != nil {
		m.par.Close()
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), clean())
	}
	m.name = m.model.Name
	if path == "tiny" {
		m.name, m.path = path, path
		_ = clean() // now, so that no end of the process leaves it; Close does it where mapped files cannot be removed
	}
	return m, nil
}

func quantization(name string) (kernel.DType, error) {
	switch name {
	case "", "none":
		return kernel.F32, nil
	case "q8":
		return kernel.Q8_0, nil
	case "q4":
		return kernel.Q4_0, nil
	}
	return 0, fmt.Errorf("quantisation %q: use q8, q4 or none", name)
}

// packedFile is where the packed weights of a model are kept.
func packedFile(path string) string {
	if strings.HasSuffix(path, ".gguf") {
		return path + ".packed"
	}
	return filepath.Join(path, "weights.packed")
}

func (m *Model) load(o model.Options) error {
	text, err := openText(m.path)
	if err != nil {
		return err
	}
	m.tok, m.chat, m.vars = text.Tokenizer, text.Template, text.Vars
	src, err := openSource(m.path)
	if err != nil {
		return err
	}
	if o.Hash, err = hashModel(m.path); err == nil {
		err = enoughMemory("the weights", src.Size())
	}
	if err != nil {
		src.Close()
		return err
	}
	m.hash = o.Hash
	if m.model, err = model.Load(src, o); err != nil {
		src.Close()
		return err
	}
	if m.tok.Size() > m.model.Vocab {
		m.model.Close()
		return fmt.Errorf("the tokenizer has %d tokens, the model %d: they do not belong together", m.tok.Size(), m.model.Vocab)
	}
	return nil
}

func openSource(path string) (model.Source, error) {
	if !strings.HasSuffix(path, ".gguf") {
		return model.OpenHF(path)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	return model.OpenGGUF(f), nil
}

// Text is what a model's files say about text: how it becomes tokens, and how a
// conversation becomes text.
type Text struct {
	Tokenizer *tokenizer.Tokenizer
	Template  *chat.Template // nil: none
	Vars      map[string]any // what the template may use: bos_token, eos_token
}

// OpenText reads the tokenizer and the chat template of a model, without its
// weights. path is what [Open] takes; a folder needs to hold no weights.
func OpenText(path string) (*Text, error) {
	file, clean, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	t, err := openText(file)
	if err = errors.Join(err, clean()); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return t, nil
}

func openText(path string) (t *Text, err error) {
	t = new(Text)
	if strings.HasSuffix(path, ".gguf") {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if t.Tokenizer, err = tokenizer.FromGGUF(f); err != nil {
			return nil, err
		}
		if src, ok := f.String("tokenizer.chat_template"); ok {
			if t.Template, err = chat.Parse(filepath.Base(path), src); err != nil {
				return nil, err
			}
		}
	} else {
		if t.Tokenizer, err = tokenizer.Open(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; give a folder with config.json, tokenizer.json and safetensors, or a .gguf file", err)
		} else if err != nil {
			return nil, err
		}
		if t.Template, t.Vars, err = chat.Open(path); err != nil {
			return nil, err
		}
	}
	if t.Vars == nil {
		t.Vars = map[string]any{}
	}
	if id, ok := t.Tokenizer.BOS(); ok && t.Vars["bos_token"] == nil {
		t.Vars["bos_token"] = t.Tokenizer.Token(id)
	}
	if eos := t.Tokenizer.EOS(); len(eos) > 0 && t.Vars["eos_token"] == nil {
		t.Vars["eos_token"] = t.Tokenizer.Token(eos[0])
	}
	return t, nil
}

// Close frees the model. Sessions must be closed before.
func (m *Model) Close() error {
	m.par.Close()
	return errors.Join(m.model.Close(), m.clean())
}

// Name is what the model's file or folder is called.
func (m *Model) Name() string { return m.name }

// Path is where the model lies.
func (m *Model) Path() string { return m.path }

// Config is the model's shape.
func (m *Model) Config() model.Config { return m.model.Config }

// WeightBytes is what the weights hold in memory.
func (m *Model) WeightBytes() int64 { return m.model.Bytes() }

// Tokenizer returns the model's tokenizer.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tok }

// Template returns the chat template, nil when the model has none.
func (m *Model) Template() *chat.Template { return m.chat }

// Hash identifies the model's weights and configuration: plans and sessions
// made with another model are refused by it.
func (m *Model) Hash() string { return m.hash }

// Threads is the number of threads the model computes with.
func (m *Model) Threads() int { return m.par.Threads() }

// Kernels names the instruction tier in use: "generic", "avx2", "avx512", ...
func Kernels() string { return kernel.Tier() }

// Resolve turns what a user calls a model into a .gguf file or a folder. clean
// removes what it had to create, if anything.
func Resolve(path string) (file string, clean func() error, err error) {
	none := func() error { return nil }
	if path == "tiny" {
		dir, err := os.MkdirTemp("", "lighttransfer-tiny-")
		if err != nil {
			return "", none, err
		}
		clean := func() error { return os.RemoveAll(dir) }
		if err := os.CopyFS(dir, tiny.Files()); err != nil {
			return "", none, errors.Join(err, clean())
		}
		return dir, clean, nil
	}
	st, err := os.Stat(path)
	switch {
	case err == nil && st.IsDir():
		return path, none, nil
	case err == nil && strings.HasSuffix(path, ".gguf"):
		return path, none, nil
	case err == nil:
		return "", none, fmt.Errorf("%s is neither a .gguf file nor a folder with config.json and safetensors", path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", none, err
	}
	if file, ok := hub.New().Find(path); ok {
		return file, none, nil
	}
	if strings.Count(path, "/") == 1 && !strings.HasSuffix(path, ".gguf") {
		return "", none, fmt.Errorf("no model %q here; get it with: lighttransfer pull %s", path, path)
	}
	return "", none, fmt.Errorf("no model %q: give a .gguf file, a folder with config.json and safetensors, a hub id org/name, or tiny", path)
}

// hashModel hashes the head of every file of the model and its size: enough to
// tell models apart, in milliseconds whatever their size.
func hashModel(path string) (string, error) {
	files := []string{path}
	if st, err := os.Stat(path); err != nil {
		return "", err
	} else if st.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*.safetensors"))
		files = append(files, filepath.Join(path, "config.json"))
		sort.Strings(files)
	}
	h := sha256.New()
	for _, name := range files {
		if err := hashFile(h, name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashFile adds the size, the first megabyte and samples of the rest.
func hashFile(h io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%d\n", st.Size())
	if _, err := io.CopyN(h, f, 1<<20); err != nil && err != io.EOF {
		return err
	}
	const samples, piece = 64, 16 << 10
	for i := range int64(samples) {
		if _, err := io.Copy(h, io.NewSectionReader(f, st.Size()*i/samples, piece)); err != nil {
			return err
		}
	}
	return nil
}
