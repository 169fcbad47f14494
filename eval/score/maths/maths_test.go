package maths

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Pairs of formulas that sympy made, equal and different (tools/golden/score.py).
func TestPairs(t *testing.T) {
	data, err := os.ReadFile("testdata/pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][3]any
	if err := json.Unmarshal(data, &pairs); err != nil {
		t.Fatal(err)
	}
	if len(pairs) < 300 {
		t.Fatalf("%d pairs", len(pairs))
	}
	for _, p := range pairs {
		if got := Equal(p[0].(string), p[1].(string)); got != p[2].(bool) {
			t.Errorf("%q and %q: %v", p[0], p[1], got)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range [][]string{
		{`\frac{1}{2}`, `\dfrac12`, `1/2`, `0.5`, `.5`, `$\frac{1}{2}$`, `\(\tfrac{1}{2}\)`, `\frac{2}{4}`, `50 \cdot 10^{-2}`, `2^{-1}`, `½`, `\frac 12`, ` 0.50. `},
		{`3\sqrt{13}`, `\sqrt{117}`, `3 \sqrt {13}`, `3*sqrt(13)`, `3√13`, `\sqrt{13}\cdot 3`, `3\cdot 13^{1/2}`},
		{`90^\circ`, `90`, `90^{\circ}`, `90 \text{ degrees}`, `90°`, `90 degrees`},
		{`\text{Evelyn}`, `Evelyn`, `evelyn`, `\textbf{Evelyn}`, `\mathrm{Evelyn}`},
		{`\text{(C)}`, `C`, `(C)`, `\textbf{(C)}`, `\text{C}`},
		{`x=5`, `5`, `x = 5`, `5.0`},
		{`1,-2`, `-2, 1`, `-2 \text{ and } 1`, `\{1,-2\}`, `1 and -2`, `x=1, x=-2`, `1\text{ or }-2`},
		{`1 \pm \sqrt{19}`, `1+\sqrt{19}, 1-\sqrt{19}`, `\{1-\sqrt{19}, 1+\sqrt{19}\}`, `1\mp\sqrt{19}`, `1 ± √19`},
		{`\{1\pm\sqrt{5},-2\}`, `-2, 1+\sqrt5, 1-\sqrt5`, `\left\{-2,1\pm\sqrt{5}\right\}`},
		{`10,\!080`, `10080`, `10,080`, `10{,}080`},
		{`11,\! 111,\! 111,\! 100`, `11111111100`, `11,111,111,100`},
		{`\$32,\!348`, `32348`, `$32,348`, `32348 dollars`},
		{`\begin{pmatrix} -1/3 \\ 2/3 \\ 5/3 \end{pmatrix}`, `\begin{bmatrix}-\frac13\\\frac23\\\frac53\end{bmatrix}`, `\frac{1}{3}\begin{pmatrix} -1 \\ 2 \\ 5 \end{pmatrix}`, `\left(\begin{array}{c}-1/3\\2/3\\5/3\\\end{array}\right)`},
		{`(3,4]`, `( 3, 4 ]`, `\left(3,4\right]`, `3<x\le4`, `x\in(3,4]`, `4 \geq y > 3`},
		{`(-\infty, 2) \cup (3, \infty)`, `(3,\infty)\cup(-\infty,2)`, `x \in (-\infty,2)\cup(3,+\infty)`},
		{`(5,\infty)`, `x>5`, `5 < t`, `(5, ∞)`, `(5, infinity)`},
		{`(a+5)(b+2)`, `(b+2)(a+5)`, `ab+2a+5b+10`, `(a+5)*(b+2)`},
		{`2x+3`, `f(x) = 2x+3`, `3 + 2x`},
		{`p - q`, `-q+p`},
		{`2k+2`, `2(k+1)`, `2 + 2k`},
		{`5x - 7y + 11z + 4 = 0`, `5x+11z+4=7y`, `-5x + 7y - 11z - 4 = 0`, `10x-14y+22z+8=0`},
		{`y = 2x + 3`, `2x+3`, `y=3+2x`},
		{`52_8`, `52_{8}`},
		{`\frac{270}7\text{ degrees}`, `\frac{270}{7}`, `38\frac{4}{7}`},
		{`864 \mbox{ inches}^2`, `864`, `864 square inches`, `864 in^2`, `864\text{ in}^2`},
		{`15\mbox{ cm}^2`, `15 cm^2`, `15cm^{2}`, `15`},
		{`5.4 \text{ cents}`, `5.4`, `\frac{27}{5}`},
		{`1\frac{4}{5}`, `1 4/5`, `\frac{9}{5}`, `1.8`},
		{`137 \frac{1}{2}`, `137.5`},
		{`.0000672`, `6.72 \times 10^{-5}`, `6.72*10^-5`, `0.0000672`},
		{`\cot x`, `\frac{\cos x}{\sin x}`, `\frac{1}{\tan x}`, `\cot(x)`},
		{`\left( 3, \frac{\pi}{2} \right)`, `(3,\pi/2)`, `(3, pi/2)`, `(3, \frac{1}{2}\pi)`},
		{`6 - 5i`, `-5i+6`},
		{`\sqrt[3]{-8}`, `-2`},
		{`2^{100}+1`, `1267650600228229401496703205377`},
		{`\log_2 8`, `3`},
		{`\binom{5}{2}`, `10`, `\frac{5!}{2!\cdot 3!}`},
		{`50\%`, `50`, `50%`},
		{`\sin^2 x + \cos^2 x`, `1`},
		{`|{-3}|`, `3`},
		{`288 \pi`, `288π`, `288pi`, `288 \pi \text{ cubic inches}`},
		{`\emptyset`, `\emptyset`},
		{`3:2`, `3 : 2`},
		{`x^3+3x-6`, `x**3 + 3*x - 6`},
		{`\text{even}`, `even`},
		{`1\pm\sqrt{19}`, `x = 1\pm\sqrt{19}`, `x=1+\sqrt{19} \text{ or } x=1-\sqrt{19}`},
		{`x \in [-2,7]`, `-2 \leq x \leq 7`, `[-2,7]`, `7\ge x\ge -2`},
		{`18`, `\text{18 apples}`, `**18**`, `3 \cdot 6 = 18`, `18.00`, `\$18`, `18 eggs/day`, `018`},
		{`2\mathbf{i}-\mathbf{j}`, `-\mathbf{j}+2\mathbf{i}`},
		{`\frac{\sqrt{3}}{3}`, `\frac{1}{\sqrt{3}}`, `\frac{\sqrt3}3`},
		{`11 \sqrt{5} + 11`, `11(1+\sqrt5)`, `11(\sqrt{5}+1)`},
		{`\text{June 20}`, `June 20`, `\textbf{June 20}`},
		{`7\operatorname{cot}x`, `7\cot x`},
		{`\frac{1}{2} bc`, `\frac{bc}{2}`, `\frac12bc`, `0.5 bc`},
		{`12 in`, `12 in.`, `12in`, `12`},
		{`(x,y)=(1,2)`, `(1,2)`, `(x, y) = (1, 2)`},
	} {
		for _, a := range c {
			for _, b := range c {
				if !Equal(a, b) {
					t.Errorf("%q and %q should be equal", a, b)
				}
			}
		}
	}
}

func TestDifferent(t *testing.T) {
	for _, c := range [][]string{
		{`1/3`, `0.333`, `0.3333333333`, `-1/3`, `3`},
		{`(1,2)`, `[1,2]`, `(1,2]`, `(2,1)`, `1,2`, `\{1,2,3\}`, `12`, `\begin{pmatrix}1\\2\end{pmatrix}`},
		{`\begin{pmatrix}1&2\end{pmatrix}`, `\begin{pmatrix}1\\2\end{pmatrix}`, `\begin{vmatrix}1&2\\3&4\end{vmatrix}`, `\begin{pmatrix}1&2\\3&4\end{pmatrix}`},
		{`52_8`, `52`, `42`, `52_9`, `25_8`},
		{`\text{east}`, `\text{seat}`, `\text{west}`, `e`},
		{`A`, `B`, `\text{(C)}`},
		{`2^{100}+1`, `2^{100}`},
		{`x=5`, `y=6`, `x=-5`, `x+5`},
		{`x>5`, `x\ge5`, `x<5`, `(5,6)`, `x=5`},
		{`1,1`, `1`, `1,2`, `1,2,3`},
		{`1\pm\sqrt2`, `1+\sqrt2`, `1-\sqrt2`, `1\pm\sqrt3`},
		{`\sqrt{2}`, `1.41421356`, `-\sqrt2`},
		{`y=2x+3`, `y=2x-3`, `x=2y+3`, `2y=2x+3`},
		{`x`, `y`, `2x`, `x^2`},
		{`58,500`, `58500.5`, `58`, `500`},
		{`\sqrt{x^2}`, `x`},
		{`18`, `3\cdot 5 = 18`, `18 = x + 1`, `17 = 17`},
		{`(0,9) \cup (9,36)`, `(0,36)`, `(0,9),(9,36)`, `(0,9)`},
		{`\frac{1}{0}`, `0`, `\infty`, `-\infty`},
		{``, `0`, `\text{}`},
		{`\cot x`, `\tan x`, `\cos x`},
		{`1\frac{4}{5}`, `\frac{4}{5}`, `14/5`},
		{`2 xy`, `2`, `2 xz`, `xy`},
		{`(x,y)=(1,2)`, `(2,1)`, `(1,y)=(1,2)`, `1,2`},
	} {
		for i, a := range c {
			for j, b := range c {
				if i != j && Equal(a, b) {
					t.Errorf("%q and %q should be different", a, b)
				}
			}
		}
	}
}

func TestFinal(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`So \boxed{1} or rather $\boxed{\frac{1}{2}}$.`, `\frac{1}{2}`},
		{`\boxed{\{1,2\}}`, `\{1,2\}`},
		{`\boxed 5$`, `5`},
		{`\fbox{7} and \boxed{8`, `7`},
		{"She makes 9 * 2 = $18.\n#### 18\n", `18`},
		{"#### 1,200", `1,200`},
		{`Thus the final answer is $\frac{3}{4}$. I hope it is correct.`, `$\frac{3}{4}$`},
		{"The answer is: 12.5.", "12.5"},
		{"Answer: 7", "7"},
		{`\frac{1}{2}`, `\frac{1}{2}`},
		{strings.Repeat("We count. ", 20) + "In all $1,234.50 are left over", "$1,234.50"},
		{strings.Repeat("Nothing here. ", 20), ""},
		{"", ""},
	} {
		if got := Final(c.text); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestRight(t *testing.T) {
	const gold = "He has 3 + 4 = 7.\n#### 7"
	for text, want := range map[string]bool{
		`\boxed{7}`: true, "The answer is 7 because 3 + 4 = 7.": true, "The answer is 7 apples.": true, "the answer is **7**.": true, "The answer is 3 + 4 = 7.": true, "#### 7.0": true, "7": true,
		"So there are 7 apples, " + strings.Repeat("and so on ", 10) + "that is 7.": true,
		`\boxed{8}`: false, "The answer is 8, not 7.": false, `The answer is 7. \boxed{8}`: false, "": false, "#### -7": false,
	} {
		if got := Right(text, gold); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestMajority(t *testing.T) {
	for _, c := range []struct {
		solutions []string
		want      int
	}{
		{[]string{`\boxed{1}`, `\boxed{\frac12}`, `\boxed{0.5}`}, 1},
		{[]string{`\boxed{1}`, `\boxed{2}`}, 0},
		{[]string{"", `\boxed{2}`, ""}, 1},
		{[]string{"", ""}, -1},
		{nil, -1},
	} {
		if got := Majority(c.solutions); got != c.want {
			t.Errorf("%q: %d, want %d", c.solutions, got, c.want)
		}
	}
}

// Hostile answers end, and end soon.
func TestHostile(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("(", 100000), strings.Repeat("{", 100000), strings.Repeat("-", 100000), strings.Repeat(`\sqrt`, 100000), strings.Repeat("2^", 100000) + "2",
		"9^{9^{9^9}}", "99999999999999999999!", "1000!!!", `\binom{1000000000}{500000000}`, strings.Repeat("9", 100000), `\frac`, `\sqrt[`, `\begin{pmatrix}`, `\log_`, `x_{`,
		"2^{-99999999}", "10^{100000}-1", `\sqrt[0]{2}`, `\sqrt[-1]{2}`, "0^0", "0^{-1}", `\begin{array}{c`, "|1|2|", `\text{`, "\x00", "\xff", strings.Repeat(",", 1000),
		strings.Repeat("1+", 900) + "1", strings.Repeat(`1\pm`, 900) + "1", strings.Repeat(`\{1\pm`, 90) + "1" + strings.Repeat(`\}`, 90),
	} {
		Equal(s, "1")
		Equal(s, s+"+1")
		Right(s, s)
	}
}

func FuzzEqual(f *testing.F) {
	f.Add(`\frac{1}{2}`, "0.5")
	f.Add(`\{1\pm\sqrt{5},-2\}`, "x<5")
	f.Add(`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, `(1,2)\cup[3,\infty)`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if Equal(a, b) != Equal(b, a) {
			t.Errorf("%q and %q: it depends on which comes first", a, b)
		}
	})
}
