package mem

import (
	"math"
	"testing"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "4096": 4096, "1B": 1, "512MiB": 512 << 20, "2GiB": 2 << 30, "1.5GiB": 3 << 29, "2 gib": 2 << 30,
		"1KiB": 1024, "3TiB": 3 << 40, "7EiB": 7 << 60, "0.5KiB": 512,
	} {
		if got, err := ParseSize(s); got != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "MiB", "2GB", "2G", "-1", "-1GiB", "1e3", "0x10", "NaN", "Inf", "1..2KiB", "1,5GiB", "2GiB ", " 2GiB", "8EiB", "9223372036854775808", "1 2", "2  GiB"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1000 B", 1023: "1023 B", 1024: "1.00 KiB", 1536: "1.50 KiB", 10 << 10: "10.0 KiB", 100 << 10: "100 KiB",
		999 << 10: "999 KiB", 1023 << 10: "1.00 MiB", 1 << 20: "1.00 MiB", 66584576: "63.5 MiB", 128 << 30: "128 GiB", -1536: "-1.50 KiB",
		math.MaxInt64: "8.00 EiB", math.MinInt64: "-8.00 EiB",
	} {
		if got := FormatBytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"512MiB", "1.5GiB", "4096", "7EiB", "2 kib"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("%q is %d", s, n)
		}
		if m, err := ParseSize(FormatBytes(n)); err != nil || math.Abs(float64(m-n)) > 0.01*float64(n) {
			if n < 7<<60 { // what rounds up to 8 EiB cannot be read
				t.Fatalf("%q is %d, written %q, which reads as %d, %v", s, n, FormatBytes(n), m, err)
			}
		}
	})
}
