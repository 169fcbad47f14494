package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/par"
	"github.com/lighttransfer/lighttransfer/kv"
	"github.com/lighttransfer/lighttransfer/weights"
	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

// blanked is a source whose matrices have lost their contents, all but the
// embeddings.
type blanked struct{ Source }

func (b blanked) Tensor(name string) (weights.Tensor, []int, bool) {
	t, order, ok := b.Source.Tensor(name)
	if len(t.Shape) == 2 && name != "token_embd.weight" {
		t.Data = make([]byte, len(t.Data))
	}
	return t, order, ok
}

// packedModel loads a model of a folder, its GGUF file if there is one, and
// returns its logits and what was said about the packed weights.
func packedModel(t *testing.T, dir string, o Options, blank bool) (logits []float32, notices []string) {
	t.Helper()
	src, err := OpenHF(dir)
	if files, _ := filepath.Glob(filepath.Join(dir, "*.gguf")); len(files) > 0 {
		var f *gguf.File
		if f, err = gguf.Open(files[0]); err == nil {
			src = OpenGGUF(f)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if blank {
		src = blanked{src}
	}
	o.Notice = func(text string) { notices = append(notices, text) }
	m, err := Load(src, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cache, err := kv.NewCache(kv.NewPool(m.HeadDim, kv.BF16, 0), m.Layers, m.KVHeads, m.HeadDim, m.Windows())
	if err != nil {
		t.Fatal(err)
	}
	run(t, m, cache, []int32{1, 7, 3, 20, 9}, 4, nil, func(_ int, l []float32) { logits = append(logits, l...) }, nil)
	return logits, notices
}

func wantNotices(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Errorf("%s: notices %q, want %q", what, got, want)
	}
}

const (
	notUsed  = "are not used"
	keptText = "kept in"
)

// Logits are the same, bit by bit, with packed weights from a file, and the
// model's own are not looked at.
func TestPackedWeightsGiveTheSameLogits(t *testing.T) {
	pool := par.New(3)
	defer pool.Close()
	for _, name := range []string{"llama-gqa", "llama-bias", "qwen2", "qwen3"} {
		for _, form := range []string{"folder", "gguf", "q8"} {
			if form == "q8" && name[0] == 'q' { // its rows are no whole blocks
				continue
			}
			t.Run(name+"/"+form, func(t *testing.T) {
				dir := copyModel(t, name)
				o := Options{Hash: "h", Pool: pool}
				files, _ := filepath.Glob(filepath.Join(dir, "*.gguf"))
				switch {
				case form != "gguf":
					for _, f := range files {
						os.Remove(f)
					}
					if form == "q8" {
						o.Quantize = kernel.Q8_0
					}
				case len(files) == 0:
					t.Skip("this model has no GGUF file")
				}
				want, _ := packedModel(t, dir, o, false)
				o.Packed = filepath.Join(dir, "weights.packed")
				first, said := packedModel(t, dir, o, false)
				wantNotices(t, "first start", said, keptText)
				second, said := packedModel(t, dir, o, true)
				wantNotices(t, "second start", said)
				if !slices.Equal(first, want) || !slices.Equal(second, want) {
					t.Error("logits differ")
				}
			})
		}
	}
}

// Whatever is wrong with the file, the model is loaded without it, and the file
// is made anew.
func TestDamagedPackedWeightsAreMadeAnew(t *testing.T) {
	dir := copyModel(t, "llama-gqa")
	o := Options{Hash: "h", Packed: filepath.Join(dir, "weights.packed")}
	want, _ := packedModel(t, dir, o, false)
	good, err := os.ReadFile(o.Packed)
	if err != nil {
		t.Fatal(err)
	}
	table := len(good) - packedEnd - int(binary.LittleEndian.Uint32(good[len(good)-12:]))
	bad := map[string][]byte{
		"empty":       {},
		"longer":      append(slices.Clone(good), 0),
		"foreign":     bytes.Repeat([]byte("no such file"), 1000),
		"first part":  slices.Clone(good[:table]),
		"holes":       slices.Concat(good[:packedStart], make([]byte, table-packedStart), good[table:]),
		"gap":         slices.Concat(good[:table], make([]byte, 64), good[table:]),
		"table alone": slices.Concat(good[:packedStart], good[table:]),
	}
	for _, n := range []int{1, packedStart, packedStart + 1, len(good) / 3, table + 5, len(good) - packedEnd, len(good) - 1} {
		bad[fmt.Sprintf("cut at %d", n)] = good[:n]
	}
	for _, at := range []int{0, 9, packedStart, table / 2, table - 64, table, table + 30, len(good) - 16, len(good) - 12, len(good) - 1} {
		b := slices.Clone(good)
		b[at] ^= 4
		bad[fmt.Sprintf("bit at %d", at)] = b
	}
	for what, data := range bad {
		if err := os.WriteFile(o.Packed, data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, said := packedModel(t, dir, o, false)
		wantNotices(t, what, said, notUsed, keptText)
		if !slices.Equal(got, want) {
			t.Errorf("%s: logits differ", what)
		}
		if now, err := os.ReadFile(o.Packed); err != nil || !bytes.Equal(now, good) {
			t.Errorf("%s: the file is not as before (%v)", what, err)
		}
	}
}

// Packed weights of another state of the model are not used.
func TestPackedWeightsOfAnotherModel(t *testing.T) {
	dir := copyModel(t, "llama-bias")
	o := Options{Hash: "h", Packed: filepath.Join(dir, "weights.packed")}
	packedModel(t, dir, o, false)
	files, _ := filepath.Glob(filepath.Join(dir, "*.gguf"))
	if len(files) == 0 {
		files = []string{filepath.Join(dir, "model.safetensors")}
	}
	other := func(what string, change func()) {
		t.Helper()
		change()
		_, said := packedModel(t, dir, o, false)
		wantNotices(t, what, said, "made from another state", keptText)
		_, said = packedModel(t, dir, o, false)
		wantNotices(t, what+", again", said)
	}
	other("a changed file", func() {
		if err := os.Chtimes(files[0], time.Time{}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	})
	other("another hash", func() { o.Hash = "other" })
	other("another quantisation", func() { o.Quantize = kernel.Q8_0 })
}

// Where the file cannot be written, or not be read, the model is loaded without.
func TestPackedWeightsThatCannotBeKept(t *testing.T) {
	dir := copyModel(t, "llama-gqa")
	want, _ := packedModel(t, dir, Options{}, false)
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(closed, 0o755)
	cases := map[string][]string{
		filepath.Join(dir, "absent", "weights.packed"): {"could not be kept"},
		folder: {notUsed, "could not be kept"},
	}
	if f, err := os.Create(filepath.Join(closed, "x")); err != nil { // root and Windows write there
		cases[filepath.Join(closed, "weights.packed")] = []string{"could not be kept"}
	} else {
		f.Close()
	}
	for path, texts := range cases {
		got, said := packedModel(t, dir, Options{Packed: path}, false)
		wantNotices(t, path, said, texts...)
		if !slices.Equal(got, want) {
			t.Errorf("%s: logits differ", path)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(folder)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// A large matrix lies under several checksums.
func TestPackedPieces(t *testing.T) {
	const rows, cols = 1024, 1088
	data := make([]byte, 4*rows*cols)
	for i := range data {
		data[i] = byte(i >> 8 * i)
	}
	m, err := kernel.NewMatrix(kernel.F32, rows, cols, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	var file memory
	size, err := writePacked(&file, "f", []packable{{"a", &m}, {"b", &m}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	o := Options{Progress: func(done, total int64) {
		if last = done; done > total {
			t.Errorf("%d of %d bytes", done, total)
		}
	}}
	p, err := readPacked(bytes.NewReader(file), size, "f", &o)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.matrices["b"].Sums); n != 2 || last != 2*int64(m.Bytes()) {
		t.Errorf("%d checksums, progress to %d", n, last)
	}
	for _, name := range []string{"a", "b"} {
		if got := p.matrix(name, kernel.F32, rows, cols); got == nil || !bytes.Equal(got.Panels(), m.Panels()) {
			t.Errorf("matrix %s differs", name)
		}
	}
	for _, kind := range [][3]int{{int(kernel.F16), rows, cols}, {int(kernel.F32), rows - 1, cols}, {int(kernel.F32), cols, rows}} {
		if p.matrix("a", kernel.DType(kind[0]), kind[1], kind[2]) != nil {
			t.Errorf("taken for %v", kind)
		}
	}
	file[packedStart+packedPiece+5] ^= 1
	_, err = readPacked(bytes.NewReader(file), size, "f", &Options{})
	wantError(t, "second piece", err, "checksum", fmt.Sprint(packedStart+packedPiece))
}

// The version stands for the bytes of the panels: where these sums change, raise
// packedVersion with them, or old files would be read as what they are not.
func TestPackedVersionStandsForTheLayout(t *testing.T) {
	want := struct {
		version int
		sums    map[kernel.DType]uint32
	}{1, map[kernel.DType]uint32{kernel.F32: 0x2dfba212, kernel.F16: 0xb1105cad, kernel.BF16: 0x0fd1975b, kernel.Q8_0: 0x91b0ec98,
		kernel.Q4_0: 0xbea21b0f, kernel.Q4_1: 0x1879c4a7, kernel.Q5_0: 0x3375ea01, kernel.Q5_1: 0xeb01fd94,
		kernel.Q4_K: 0xc17bd043, kernel.Q5_K: 0xaea50fbf, kernel.Q6_K: 0xca426a32}}
	if packedVersion != want.version {
		t.Errorf("version %d; this test knows the sums of %d", packedVersion, want.version)
	}
	const rows, cols = 40, 512
	for typ := kernel.F32; ; typ++ {
		if n, _ := typ.Block(); n == 0 {
			break
		}
		n, _ := typ.Bytes(rows * cols)
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*i>>4 + i*7)
		}
		m, err := kernel.NewMatrix(typ, rows, cols, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if sum := crc32.ChecksumIEEE(m.Panels()); sum != want.sums[typ] {
			t.Errorf("%v: sum %#08x, want %#08x", typ, sum, want.sums[typ])
		}
	}
}

// A table that is wrong under a right checksum does no harm either.
func FuzzReadPacked(f *testing.F) {
	q8, err := kernel.NewMatrix(kernel.Q8_0, 3, 64, make([]byte, 3*68), nil)
	if err != nil {
		f.Fatal(err)
	}
	var file memory
	size, err := writePacked(&file, "f", []packable{{"a", &q8}, {"b", &q8}}, nil)
	if err != nil || size != int64(len(file)) {
		f.Fatal(size, err)
	}
	table := size - packedEnd - int64(binary.LittleEndian.Uint32(file[size-12:]))
	good := string(file[table : size-packedEnd])
	f.Add([]byte(good), []byte(file[packedStart:table]))
	for _, from := range []string{`"rows":3`, `"at":64`, `"bytes":2176`, `"sums":[`} {
		if !strings.Contains(good, from) {
			f.Fatalf("no %s in %s", from, good)
		}
		f.Add([]byte(strings.Replace(good, from, from+"9", 1)), []byte(file[packedStart:table]))
		f.Add([]byte(strings.Replace(good, from, strings.Replace(from, ":", ":-", 1), 1)), []byte(file[packedStart:table]))
	}
	f.Fuzz(func(t *testing.T, table, panels []byte) {
		b := append(slices.Clone(file[:packedStart]), panels...)
		b = append(b, table...)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(table, castagnoli))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(table)))
		b = append(b, packedMagic...)
		for _, data := range [][]byte{b, panels} {
			p, err := readPacked(bytes.NewReader(data), int64(len(data)), "f", &Options{})
			if err != nil {
				continue
			}
			for name, e := range p.matrices {
				if m := p.matrix(name, kernel.Q8_0, e.Rows, e.Cols); m != nil {
					m.Row(make([]float32, m.Cols), m.Rows-1)
				}
			}
		}
	})
}

// memory is a file.
type memory []byte

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	*m = append(*m, make([]byte, max(0, int(at)+len(b)-len(*m)))...)
	return copy((*m)[at:], b), nil
}
