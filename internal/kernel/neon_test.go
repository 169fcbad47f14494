package kernel

import (
	"fmt"
	"strings"
	"testing"
)

// neonForms is what objdump calls each macro of neon_arm64.h. The operands that
// a macro takes fill the verbs in order.
var neonForms = map[string]string{
	"FADD":    "fadd v%d.4s, v%d.4s, v%d.4s",
	"FSUB":    "fsub v%d.4s, v%d.4s, v%d.4s",
	"FMUL":    "fmul v%d.4s, v%d.4s, v%d.4s",
	"FDIV":    "fdiv v%d.4s, v%d.4s, v%d.4s",
	"FMAX":    "fmax v%d.4s, v%d.4s, v%d.4s",
	"FMIN":    "fmin v%d.4s, v%d.4s, v%d.4s",
	"FMLA":    "fmla v%d.4s, v%d.4s, v%d.4s",
	"FMLS":    "fmls v%d.4s, v%d.4s, v%d.4s",
	"FMLAE":   "fmla v%d.4s, v%d.4s, v%d.s[%d]",
	"FMULE":   "fmul v%d.4s, v%d.4s, v%d.s[%d]",
	"FADDP":   "faddp v%d.4s, v%d.4s, v%d.4s",
	"FCMGT":   "fcmgt v%d.4s, v%d.4s, v%d.4s",
	"FCMEQ":   "fcmeq v%d.4s, v%d.4s, v%d.4s",
	"CMGT":    "cmgt v%d.4s, v%d.4s, v%d.4s",
	"FNEG":    "fneg v%d.4s, v%d.4s",
	"FRINTN":  "frintn v%d.4s, v%d.4s",
	"FCVTNS":  "fcvtns v%d.4s, v%d.4s",
	"SCVTF":   "scvtf v%d.4s, v%d.4s",
	"UCVTF":   "ucvtf v%d.4s, v%d.4s",
	"FCVTL":   "fcvtl v%d.4s, v%d.4h",
	"FCVTL2":  "fcvtl2 v%d.4s, v%d.8h",
	"FMAXV":   "fmaxv s%d, v%d.4s",
	"UMAXV":   "umaxv s%d, v%d.4s",
	"ADDV":    "addv s%d, v%d.4s",
	"ADD4":    "add v%d.4s, v%d.4s, v%d.4s",
	"ADDB":    "add v%d.16b, v%d.16b, v%d.16b",
	"UMAX4":   "umax v%d.4s, v%d.4s, v%d.4s",
	"ADDH":    "add v%d.8h, v%d.8h, v%d.8h",
	"UZP1H":   "uzp1 v%d.8h, v%d.8h, v%d.8h",
	"UZP1B":   "uzp1 v%d.16b, v%d.16b, v%d.16b",
	"UZP2B":   "uzp2 v%d.16b, v%d.16b, v%d.16b",
	"ANDV":    "and v%d.16b, v%d.16b, v%d.16b",
	"BICV":    "bic v%d.16b, v%d.16b, v%d.16b",
	"ORRV":    "orr v%d.16b, v%d.16b, v%d.16b",
	"EORV":    "eor v%d.16b, v%d.16b, v%d.16b",
	"BITV":    "bit v%d.16b, v%d.16b, v%d.16b",
	"SHL":     "shl v%d.4s, v%d.4s, #%d",
	"USHR":    "ushr v%d.4s, v%d.4s, #%d",
	"SSHR":    "sshr v%d.4s, v%d.4s, #%d",
	"SHLB":    "shl v%d.16b, v%d.16b, #%d",
	"USHRB":   "ushr v%d.16b, v%d.16b, #%d",
	"SXTLH":   "sxtl v%d.8h, v%d.8b",
	"SXTLH2":  "sxtl2 v%d.8h, v%d.16b",
	"SXTLS":   "sxtl v%d.4s, v%d.4h",
	"SXTLS2":  "sxtl2 v%d.4s, v%d.8h",
	"UXTLH":   "uxtl v%d.8h, v%d.8b",
	"UXTLH2":  "uxtl2 v%d.8h, v%d.16b",
	"UXTLS":   "uxtl v%d.4s, v%d.4h",
	"UXTLS2":  "uxtl2 v%d.4s, v%d.8h",
	"SQXTNH":  "sqxtn v%d.4h, v%d.4s",
	"SQXTNH2": "sqxtn2 v%d.8h, v%d.4s",
	"SQXTNB":  "sqxtn v%d.8b, v%d.8h",
	"SQXTNB2": "sqxtn2 v%d.16b, v%d.8h",
	"SHRN16":  "shrn v%d.4h, v%d.4s, #16",
	"SHRN162": "shrn2 v%d.8h, v%d.4s, #16",
	"SDOTE":   "sdot v%d.4s, v%d.16b, v%d.4b[%d]",
	"LDRQ":    "ldr q%d, [x%d, #%d]",
	"STRQ":    "str q%d, [x%d, #%d]",
	"LDRS":    "ldr s%d, [x%d, #%d]",
	"LDRSP":   "ldr s%d, [x%d], #4",
	"LDURQ":   "ldur q%d, [x%d, #%d]",
	"LDURD":   "ldur d%d, [x%d, #%d]",
	"LDPQ":    "ldp q%d, q%d, [x%d, #%d]",
	"STPQ":    "stp q%d, q%d, [x%d, #%d]",
	"ZEROV":   "eor v%[1]d.16b, v%[1]d.16b, v%[1]d.16b",
}

// Every instruction that the NEON loops encode by hand, with registers that set
// every bit of the encoding, says what it means to objdump.
func TestHandEncodedNEON(t *testing.T) {
	macros := readMacros(t, "neon_arm64.h")
	var code []byte
	var want []string
	for name, m := range macros {
		if strings.HasSuffix(name, "_") {
			continue
		}
		form, ok := neonForms[name]
		if !ok {
			t.Errorf("%s is not tested here", name)
			continue
		}
		for try := range 31 {
			var args []any
			var words []string
			for i, p := range m.params {
				v := (try*(2*i+1) + 7*i) % 32 // a register
				switch p {
				case "i":
					v = try % 4
				case "s":
					v = 1 + try%7
				case "at":
					v = 16 * (1 + try%15)
				case "base":
					v = (try + 5) % 31
				}
				args = append(args, v)
				words = append(words, fmt.Sprint(v))
			}
			text := strings.ReplaceAll(fmt.Sprintf(form, args...), "[x31", "[sp")
			if name == "ORRV" && args[1] == args[2] {
				text = fmt.Sprintf("mov v%d.16b, v%d.16b", args[0], args[1])
			}
			code = append(code, encode(t, macros, name, words...)...)
			want = append(want, text)
		}
	}
	got := disassemble(t, code, []string{"aarch64-linux-gnu-objdump", "objdump"}, "-m", "aarch64")
	if len(got) != len(want) {
		t.Fatalf("%d instructions read, %d encoded", len(got), len(want))
	}
	for i := range want {
		g, _, _ := strings.Cut(got[i], " //")
		if g != want[i] {
			t.Errorf("instruction %d is %q, want %q", i, g, want[i])
		}
	}
}
