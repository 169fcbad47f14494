package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page takes, for each figure, the median of the rounds and the better of
// llama.cpp's settings, and keeps what people have written around it.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	log, page := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "page.md")
	lines := `{"who":"llama.cpp","setting":"flash attention on","model":"m","kernels":"L","prompt_tokens":4096,"prefill_tokens_per_cpu_second":100,"prefill_tokens_per_second":50,"decode_tokens_per_cpu_second":20,"decode_tokens_per_second":20,"peak_rss_bytes":104857600}
{"who":"llama.cpp","setting":"flash attention off","model":"m","kernels":"L","prompt_tokens":4096,"prefill_tokens_per_cpu_second":80,"prefill_tokens_per_second":80,"decode_tokens_per_cpu_second":30,"decode_tokens_per_second":30,"peak_rss_bytes":209715200}
{"who":"full","setting":"full attention","model":"m","kernels":"avx512","commit":"c1","prompt_tokens":4096,"prefill_tokens_per_cpu_second":300,"prefill_tokens_per_second":300,"decode_tokens_per_cpu_second":90,"decode_tokens_per_second":90,"peak_rss_bytes":52428800,"kv_peak_bytes":1048576}
{"who":"full","setting":"full attention","model":"m","kernels":"avx512","commit":"c1","prompt_tokens":4096,"prefill_tokens_per_cpu_second":500,"prefill_tokens_per_second":500,"decode_tokens_per_cpu_second":90,"decode_tokens_per_second":90,"peak_rss_bytes":52428800,"kv_peak_bytes":1048576}
{"who":"full","setting":"full attention","model":"m","kernels":"avx512","commit":"c1","prompt_tokens":4096,"prefill_tokens_per_cpu_second":310,"prefill_tokens_per_second":300,"decode_tokens_per_cpu_second":90,"decode_tokens_per_second":90,"peak_rss_bytes":52428800,"kv_peak_bytes":1048576}
`
	for name, text := range map[string]string{log: lines, page: "above\n" + beginMark + "\nold\n" + endMark + "\nbelow\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a second time changes nothing
		if err := run(&settings{log: log, page: page}); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	for _, want := range []string{
		"above\n" + beginMark, endMark + "\nbelow\n", "- commit: c1\n",
		"| prefill | 4096 | full attention | 100 (on) | 310 | 3.10 | 6.00 | ≥ 4 | 3 |",
		"| decode | 4096 | full attention | 30.0 (off) | 90.0 | 3.00 | 3.00 | ≥ 2.5 | 3 |",
		"| full attention | 50 | 0.50 | 1 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") {
		t.Error("the page keeps the old figures")
	}
}
