package gguf

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"

	"github.com/lighttransfer/lighttransfer/weights"
)

// allocated returns the bytes allocated so far, about: to within the small
// objects since the last collection. The exact figure would stop the world each time.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Any bytes: no panic, no allocation out of proportion, and what is accepted
// can be written and reads the same.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.gguf")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		p, err := parse("fuzz", data)
		if n, most := allocated()-before, uint64(64*len(data)+1<<20); n > most { // the fuzzer itself allocates meanwhile
			t.Errorf("%d bytes allocated for a file of %d", n, len(data))
		}
		if err != nil {
			return
		}
		for _, x := range p.tensors {
			if n, ok := weights.SizeOf(x.Type, x.Shape); !ok || n != len(x.Data) {
				t.Errorf("tensor %q %s %v has %d bytes", x.Name, x.Type, x.Shape, len(x.Data))
			}
		}
		if align, _ := alignment(p.meta); align > 4096 {
			return // correct, but writing gigabytes of zeros is no use
		}
		var b bytes.Buffer
		if err := Write(&b, p.meta, p.tensors); err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		again, err := parse("again", b.Bytes())
		if err != nil {
			t.Fatalf("written, but not readable: %v", err)
		}
		if len(again.meta) != len(p.meta) || len(again.tensors) != len(p.tensors) {
			t.Errorf("%d keys, %d tensors; then %d, %d", len(p.meta), len(p.tensors), len(again.meta), len(again.tensors))
		}
		for i, x := range p.tensors {
			if !bytes.Equal(x.Data, again.tensors[i].Data) {
				t.Errorf("tensor %q has other data", x.Name)
			}
		}
	})
}
