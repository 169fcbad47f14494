//go:build linux && amd64

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Instructions assembled by hand, after the manual's tables.
func TestDecode(t *testing.T) {
	for want, code := range map[string][]byte{
		"ldtilecfg [rax+0x0]":              {0xC4, 0xE2, 0x78, 0x49, 0x00},
		"ldtilecfg [r13+0x10]":             {0xC4, 0xC2, 0x78, 0x49, 0x45, 0x10},
		"ldtilecfg [rip+0x100]":            {0xC4, 0xE2, 0x78, 0x49, 0x05, 0, 1, 0, 0},
		"sttilecfg [rsp-0x40]":             {0xC4, 0xE2, 0x79, 0x49, 0x44, 0x24, 0xC0},
		"tilerelease":                      {0xC4, 0xE2, 0x78, 0x49, 0xC0},
		"tilezero tmm5":                    {0xC4, 0xE2, 0x7B, 0x49, 0xE8},
		"tileloadd tmm1,[rdx+rcx*1+0x0]":   {0xC4, 0xE2, 0x7B, 0x4B, 0x0C, 0x0A},
		"tileloaddt1 tmm7,[r9+r14*8-0x80]": {0xC4, 0x82, 0x79, 0x4B, 0xBC, 0xF1, 0x80, 0xFF, 0xFF, 0xFF},
		"tilestored [rbp+0x0],tmm2":        {0xC4, 0xE2, 0x7A, 0x4B, 0x54, 0x25, 0},
		"tdpbf16ps tmm0,tmm4,tmm6":         {0xC4, 0xE2, 0x4A, 0x5C, 0xC4},
		"tdpbssd tmm1,tmm2,tmm3":           {0xC4, 0xE2, 0x63, 0x5E, 0xCA},
		"tdpbsud tmm1,tmm2,tmm3":           {0xC4, 0xE2, 0x62, 0x5E, 0xCA},
		"tdpbusd tmm1,tmm2,tmm3":           {0xC4, 0xE2, 0x61, 0x5E, 0xCA},
		"tdpbuud tmm1,tmm2,tmm3":           {0xC4, 0xE2, 0x60, 0x5E, 0xCA},
	} {
		in, ok := decode(append(code, 0x90, 0x90))
		if got := in.String(); !ok || got != want || in.size != len(code) {
			t.Errorf("% x is %q, %d bytes, %v; want %q, %d bytes", code, got, in.size, ok, want, len(code))
		}
		for n := range code {
			if in, ok := decode(code[:n]); ok {
				t.Errorf("the first %d bytes of %q are %q", n, want, in)
			}
		}
	}
}

// Every combination of the bits that matter, in the words of objdump: what it
// calls AMX is decoded so, and nothing else.
func TestDecodeAgainstObjdump(t *testing.T) {
	const size = 16 // each instruction is followed by one-byte nops
	var code []byte
	for _, p1 := range []byte{0xE2, 0xC2, 0xA2, 0x82, 0x62, 0xE1, 0xE3} {
		for p2 := 0; p2 < 256; p2++ {
			for _, op := range []byte{0x49, 0x4B, 0x5C, 0x5E, 0x5D} {
				for i, modrm := range []byte{0x00, 0x04, 0x05, 0x0C, 0x44, 0x7C, 0x84, 0x8E, 0xC0, 0xC1, 0xCA, 0xE0, 0xEF, 0xFD} {
					if p2&0x84 != 0 && i%4 != p2&3 {
						continue // most of these are none
					}
					sib := []byte{0x0A, 0x65, 0x9C, 0xED, 0x25}[(p2+int(modrm))%5]
					at := len(code)
					code = append(code, 0xC4, p1, byte(p2), op, modrm, sib, 0x11, 0x22, 0x33, 0x44)
					for len(code) < at+size {
						code = append(code, 0x90)
					}
				}
			}
		}
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-m", "i386:x86-64", "-M", "intel", "-D", "-b", "binary", "--no-show-raw-insn", file).Output()
	if err != nil {
		t.Skipf("no objdump here: %v", err)
	}
	// Its notation of addresses differs from ours in what it leaves out.
	rip := regexp.MustCompile(` +#.*`)
	zero := regexp.MustCompile(`\+0x0\]`)
	amx := regexp.MustCompile(`tile|tdpb`) // and not the instructions of later machines
	once := regexp.MustCompile(`\*1([+\]-])`)
	none := regexp.MustCompile(`\+riz\*\d|riz\*\d\+`)
	segment := regexp.MustCompile(`ds:(0x[0-9a-f]+)`)
	clean := func(s string) string {
		s = strings.Join(strings.Fields(rip.ReplaceAllString(s, "")), " ")
		s = none.ReplaceAllString(s, "")
		s = segment.ReplaceAllString(s, "[$1]")
		s = strings.ReplaceAll(s, "/(bad)", "") // the same tile twice: refused when it is executed
		return once.ReplaceAllString(zero.ReplaceAllString(s, "]"), "$1")
	}
	theirs := map[int]string{}
	for line := range strings.Lines(string(out)) {
		if addr, text, ok := strings.Cut(line, ":\t"); ok {
			var at int
			for _, c := range strings.TrimSpace(addr) {
				at = at<<4 | strings.IndexRune("0123456789abcdef", c)
			}
			if at%size == 0 && amx.MatchString(text) {
				theirs[at] = clean(text)
			}
		}
	}
	decoded := 0
	for at := 0; at < len(code); at += size {
		want := theirs[at]
		// objdump does not look at fields that mean nothing and which no assembler sets.
		c := code[at:]
		loose := c[3] == 0x49 && (c[1]&0x80 == 0 || c[4] < 0xC0 && c[4]&0x38 != 0 || c[4] >= 0xC0 && c[4]&7 != 0)
		if loose || strings.Contains(want, "(bad)") {
			want = ""
		}
		got := ""
		if in, ok := decode(code[at : at+size]); ok {
			got = clean(in.String())
			decoded++
		}
		if got != want {
			t.Fatalf("% x is %q to objdump, decoded as %q", code[at:at+10], want, got)
		}
	}
	if decoded < 200 {
		t.Errorf("only %d instructions decoded", decoded)
	}
}
