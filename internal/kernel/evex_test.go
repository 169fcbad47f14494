package kernel

import (
	"encoding/binary"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// macro is one #define of an assembly header.
type macro struct {
	params []string
	body   string
}

// readMacros reads the #defines with parameters of a header.
func readMacros(t *testing.T, name string) map[string]macro {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	macros := map[string]macro{}
	define := regexp.MustCompile(`^#define (\w+)\(([^)]*)\) +(.*)`)
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if m := define.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			macros[m[1]] = macro{strings.FieldsFunc(m[2], func(c rune) bool { return c == ',' }), m[3]}
		}
	}
	return macros
}

// encode returns the bytes a use of a macro assembles to, as Go's assembler does:
// BYTE and LONG of constant expressions, or one other macro.
func encode(t *testing.T, macros map[string]macro, name string, args ...string) []byte {
	m := macros[name]
	if len(m.params) != len(args) {
		t.Fatalf("%s takes %d operands, %d given", name, len(m.params), len(args))
	}
	body := regexp.MustCompile(`\w+`).ReplaceAllStringFunc(m.body, func(word string) string {
		if i := slices.Index(m.params, word); i >= 0 {
			return args[i]
		}
		return word
	})
	if inner, rest, ok := strings.Cut(body, "("); ok && macros[strings.TrimSpace(inner)].body != "" {
		return encode(t, macros, strings.TrimSpace(inner), strings.Split(strings.TrimSuffix(strings.TrimSpace(rest), ")"), ",")...)
	}
	var code []byte
	for part := range strings.SplitSeq(body, ";") {
		op, expr, _ := strings.Cut(strings.TrimSpace(part), " ")
		v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.TrimPrefix(strings.TrimSpace(expr), "$"))
		if err != nil {
			t.Fatalf("%s: %s: %v", name, part, err)
		}
		n, _ := constant.Int64Val(v.Value)
		switch op {
		case "BYTE":
			code = append(code, byte(n))
		case "LONG", "WORD": // WORD on arm64
			code = binary.LittleEndian.AppendUint32(code, uint32(n))
		default:
			t.Fatalf("%s: unknown directive %q", name, op)
		}
	}
	return code
}

// disassemble returns objdump's reading of code, one instruction per line with
// its blanks made single. It takes the first objdump of those named that is here
// and knows the machine.
func disassemble(t *testing.T, code []byte, objdumps []string, machine ...string) []string {
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	var out []byte
	var err error
	for _, objdump := range objdumps {
		args := append(machine, "-D", "-b", "binary", "--no-show-raw-insn", file)
		if out, err = exec.Command(objdump, args...).Output(); err == nil {
			break
		}
	}
	if err != nil {
		t.Skipf("no objdump here that reads %s: %v", strings.Join(machine, " "), err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if _, text, ok := strings.Cut(line, ":\t"); ok {
			lines = append(lines, strings.Join(strings.Fields(text), " "))
		}
	}
	return lines
}

// Every hand-encoded instruction, with registers around every bit of the
// encoding, says what it means to objdump.
func TestHandEncoded(t *testing.T) {
	macros := readMacros(t, "evex_amd64.h")
	maps.Copy(macros, readMacros(t, "amx_amd64.h"))
	bases := map[int]string{0: "rax", 1: "rcx", 2: "rdx", 3: "rbx", 5: "rbp", 6: "rsi", 7: "rdi", 8: "r8", 9: "r9", 10: "r10", 11: "r11", 13: "r13", 14: "r14", 15: "r15"}
	tested := map[string]bool{}
	registers := []int{0, 1, 7, 8, 15, 16, 23, 24, 31}
	var code []byte
	var want []string
	add := func(text, name string, args ...any) {
		var words []string
		for _, a := range args {
			words = append(words, fmt.Sprint(a))
		}
		tested[name] = true
		code = append(code, encode(t, macros, name, words...)...)
		want = append(want, text)
	}
	for i, d := range registers {
		for k, a := range registers {
			b := registers[(i+2*k+3)%len(registers)]
			add(fmt.Sprintf("vdpbf16ps zmm%d,zmm%d,zmm%d", d, a, b), "VDPBF16PS", d, a, b)
			add(fmt.Sprintf("vcvtne2ps2bf16 zmm%d,zmm%d,zmm%d", d, a, b), "VCVTNE2PS2BF16", d, a, b)
			add(fmt.Sprintf("vcvtneps2bf16 ymm%d,zmm%d", d, a), "VCVTNEPS2BF16", d, a)
			for base, r := range bases {
				add(fmt.Sprintf("vdpbf16ps zmm%d,zmm%d,ZMMWORD PTR [%s+0x1240]", d, a, r), "VDPBF16PSMEM", d, a, base, 0x1240)
				add(fmt.Sprintf("vdpbf16ps zmm%d,zmm%d,DWORD BCST [%s+0x4]", d, a, r), "VDPBF16PSBCST", d, a, base, 4)
			}
		}
	}
	for tile := range 8 {
		other, third := (tile+3)%8, (tile+5)%8
		add(fmt.Sprintf("tilezero tmm%d", tile), "TILEZERO", tile)
		add(fmt.Sprintf("tdpbf16ps tmm%d,tmm%d,tmm%d", tile, other, third), "TDPBF16PS", tile, other, third)
		add(fmt.Sprintf("tdpbssd tmm%d,tmm%d,tmm%d", tile, other, third), "TDPBSSD", tile, other, third)
		for base, r := range bases {
			for index, x := range bases {
				add(fmt.Sprintf("tileloadd tmm%d,[%s+%s*1+0x1240]", tile, r, x), "TILELOADD", tile, base, index, 0x1240)
				add(fmt.Sprintf("tileloaddt1 tmm%d,[%s+%s*1-0x80]", tile, r, x), "TILELOADDT1", tile, base, index, -0x80)
				add(fmt.Sprintf("tilestored [%s+%s*1+0x40],tmm%d", r, x, tile), "TILESTORED", tile, base, index, 0x40)
			}
			add(fmt.Sprintf("ldtilecfg [%s+0x0]", r), "LDTILECFG", base)
		}
	}
	add("tilerelease", "TILERELEASE")
	got := disassemble(t, code, []string{"objdump", "x86_64-linux-gnu-objdump"}, "-m", "i386:x86-64", "-M", "intel")
	if len(got) != len(want) {
		t.Fatalf("%d instructions read, %d encoded", len(got), len(want))
	}
	broadcast := regexp.MustCompile(`DWORD PTR (\[.*\])\{1to16\}`) // older releases write it so
	for i := range want {
		if g := broadcast.ReplaceAllString(got[i], "DWORD BCST $1"); g != want[i] {
			t.Fatalf("instruction %d is %q, want %q", i, got[i], want[i])
		}
	}
	for name := range macros {
		if !strings.HasSuffix(name, "_") && !tested[name] {
			t.Errorf("%s is not tested here", name)
		}
	}
}
