package lighttransfer

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
)

// memoryRun is what one run in a process of its own held.
type memoryRun struct {
	KV  KVReport
	RSS int64
}

// measureMemory reads a prompt of 6,009 tokens in a fresh process.
func measureMemory(t *testing.T, policy string) memoryRun {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRealMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "LIGHTTRANSFER_MEMORY_OF="+policy)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, line, ok := strings.Cut(string(out), "MEMORY ")
	if !ok {
		t.Fatalf("no figures in %q", out)
	}
	var r memoryRun
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Half of the layers lazy at 6K tokens: P + 1 full layers and the rings at peak, P
// and the rings at the end, and the process itself is smaller by as much.
func TestRealMemory(t *testing.T) {
	m := openReal(t)
	ids := realGoldens(t)[3].IDs
	if len(ids) < 6000 {
		t.Fatalf("a prompt of %d tokens", len(ids))
	}
	if policy := os.Getenv("LIGHTTRANSFER_MEMORY_OF"); policy != "" {
		s, err := m.NewSession(SessionOptions{Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Prefill(context.Background(), ids); err != nil {
			t.Fatal(err)
		}
		line, _ := json.Marshal(memoryRun{s.Report().KV, mem.PeakRSS()})
		fmt.Printf("MEMORY %s\n", line)
		return
	}
	full, half := measureMemory(t, "full"), measureMemory(t, "lighttransfer:lazy=0.5")
	c := m.Config()
	layer := kv.BF16.NeedBytes(make([]kv.Window, c.KVHeads), len(ids), 1, c.HeadDim)
	ring := kv.BF16.NeedBytes([]kv.Window{DefaultWindow, DefaultWindow, DefaultWindow}, len(ids), 1, c.HeadDim)
	if want := int64(c.Layers) * layer; full.KV.PeakBytes != want || full.KV.Bytes != want {
		t.Errorf("full: %d bytes at the end, %d at peak, want %d", full.KV.Bytes, full.KV.PeakBytes, want)
	}
	if want := 15*layer + 15*ring; half.KV.Bytes != want {
		t.Errorf("half lazy: %d bytes at the end, want %d", half.KV.Bytes, want)
	}
	if want := 16*layer + 14*ring + kv.BF16.PageBytes(c.HeadDim); half.KV.PeakBytes > want {
		t.Errorf("half lazy: %d bytes at peak, at most %d expected", half.KV.PeakBytes, want)
	}
	saved, seen := full.KV.PeakBytes-half.KV.PeakBytes, full.RSS-half.RSS
	residual := int64(len(ids)) * int64(c.Hidden) * 4 // held while the layers are read one by one
	t.Logf("KV at peak: full %s, half lazy %s; process: %s and %s", mem.FormatBytes(full.KV.PeakBytes), mem.FormatBytes(half.KV.PeakBytes), mem.FormatBytes(full.RSS), mem.FormatBytes(half.RSS))
	if seen < (saved-residual)/2 {
		t.Errorf("the cache is smaller by %s, the process by %s only", mem.FormatBytes(saved), mem.FormatBytes(seen))
	}
}
