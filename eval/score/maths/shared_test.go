package maths

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The tests of this file check against published problems that are not part of the
// project. They look for them beside the repository and are skipped where they are absent.

func shared(t *testing.T, path ...string) (solutions, answers []string) {
	t.Helper()
	file := filepath.Join(append([]string{"..", "..", "..", "..", "shared", "data", "open"}, path...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("extra data %s is absent", file)
	}
	for line := range strings.Lines(string(data)) {
		var r struct{ Solution, Answer string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		solutions, answers = append(solutions, r.Solution), append(answers, r.Answer)
	}
	return solutions, answers
}

// Which of MATH's 500 answers are other spellings of one another.
var spellings = map[string]string{
	`90^\circ`: "90", `120^\circ`: "120", `36^\circ`: "36", `\$36`: "36", `30^\circ`: "30", `15\mbox{ cm}^2`: "15",
	"x=5": "5", "-2,1": "1,-2", `\frac14`: `\frac{1}{4}`, `10,\!080`: "10080", `2 \sqrt{5}`: `2\sqrt{5}`,
}

func TestSharedMath(t *testing.T) {
	solutions, answers := shared(t, "math", "math_oai.jsonl")
	plain := func(a string) string {
		if s := spellings[a]; s != "" {
			return s
		}
		return a
	}
	for i, a := range answers {
		if !Right(solutions[i], a) {
			t.Errorf("%d: the solution's %q is not %q", i, Final(solutions[i]), a)
		}
		for _, b := range rewritten(a) {
			if !Equal(a, b) || !Equal(b, a) {
				t.Errorf("%d: %q is not %q", i, b, a)
			}
		}
		for j := 1; j <= 25; j++ {
			if b := answers[(i+j)%len(answers)]; Equal(a, b) != (plain(a) == plain(b)) {
				t.Errorf("%q and %q: %v", a, b, Equal(a, b))
			}
		}
		for _, b := range spoilt(a) {
			if Equal(a, b) {
				t.Errorf("%d: %q passes for %q", i, b, a)
			}
		}
	}
}

var (
	fraction      = regexp.MustCompile(`\\d?frac\{([^{}]*)\}\{([^{}]*)\}`)
	mixedFraction = regexp.MustCompile(`\d\s*\\frac`)
)

// rewritten are other ways of writing an answer.
func rewritten(a string) []string {
	list := []string{
		a, " " + a + ". ", "$" + a + "$", `\(` + a + `\)`,
		strings.ReplaceAll(a, `\frac`, `\dfrac`), strings.ReplaceAll(a, `\dfrac`, `\tfrac`),
		strings.ReplaceAll(a, " ", "  "),
		strings.ReplaceAll(strings.ReplaceAll(a, `\left`, ""), `\right`, ""),
		strings.ReplaceAll(a, "pmatrix", "bmatrix"), strings.ReplaceAll(a, `\text`, `\mbox`), strings.ReplaceAll(a, `^\circ`, `^{\circ}`),
		strings.ReplaceAll(a, `\pi`, "π"), strings.ReplaceAll(a, "-", "−"),
	}
	if !strings.Contains(a, `\!`) {
		list = append(list, strings.ReplaceAll(a, ",", ", "))
	}
	if !mixedFraction.MatchString(a) {
		list = append(list, fraction.ReplaceAllString(a, `(($1)/($2))`))
	}
	if x, err := strconv.ParseFloat(a, 64); err == nil && !strings.Contains(a, "_") {
		list = append(list, a+`\text{ units}`, "x = "+a, a+" dollars", `\frac{`+a+`}{1}`, strconv.FormatFloat(x, 'f', -1, 64), a+`\%`)
	}
	return list
}

// spoilt are answers near it.
func spoilt(a string) (list []string) {
	if _, words := clean(a, true); words != "" {
		return []string{a + "s", "x"}
	}
	digit := strings.IndexAny(a, "123456789")
	if digit >= 0 {
		list = append(list, a[:digit]+string(a[digit]%9+'1')+a[digit+1:])
	}
	if strings.Contains(a, "(") && strings.Contains(a, "]") {
		list = append(list, strings.ReplaceAll(a, "]", ")"))
	}
	return append(list, a+"+1", a+", 777", "")
}

func TestSharedGSM8K(t *testing.T) {
	for _, name := range []string{"test.jsonl", "train_1500.jsonl"} {
		_, answers := shared(t, "gsm8k", name)
		value := func(a string) float64 {
			_, s, _ := strings.Cut(a, "####")
			x, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(s), ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		for i, a := range answers {
			_, s, _ := strings.Cut(a, "####")
			s = strings.TrimSpace(s)
			for _, pred := range []string{a, s, "The answer is $" + s + ".", `Thus \boxed{` + s + `} dollars.`, "So it is 12 + 7, and that is the reason why in the end she has got " + s + " of them.", "**Answer:** " + s} {
				if !Right(pred, a) {
					t.Errorf("%s %d: %q is not %q", name, i, pred, s)
				}
			}
			if next := answers[(i+1)%len(answers)]; Right(a, next) != (value(a) == value(next)) {
				t.Errorf("%s %d: %v", name, i, Right(a, next))
			}
		}
	}
}
