package maths

import (
	"regexp"
	"strings"
)

// spelled are other spellings of what the parser knows.
var spelled = strings.NewReplacer(
	`\\`, `\\`, // the end of a row
	`\$`, "", "$", "", `\%`, "", "%", "", `\(`, "", `\)`, "", `\[`, "", `\]`, "",
	",\\!", ",\x00", "{,}", ",\x00", `\!`, "", `\,`, " ", `\;`, " ", `\:`, " ", `\ `, " ", "~", " ", `\quad`, " ", `\qquad`, " ",
	`\displaystyle`, "", `\left.`, "", `\right.`, "", `\left`, "", `\right`, "", `\bigl`, "", `\bigr`, "", `\big`, "",
	`\dfrac`, `\frac`, `\tfrac`, `\frac`, `\cfrac`, `\frac`, `\dbinom`, `\binom`, `\tbinom`, `\binom`,
	`^{\circ}`, "", `^\circ`, "", `^{\degree}`, "", `\degree`, "", "°", "",
	`\cdot`, "*", `\times`, "*", "×", "*", "·", "*", "⋅", "*", `\div`, "/", "÷", "/", "−", "-", "–", "-",
	`\lbrace`, `\{`, `\rbrace`, `\}`, `\lbrack`, "[", `\rbrack`, "]", `\vert`, "|", `\lvert`, "|", `\rvert`, "|", `\mid`, "|",
	"π", `\pi `, "∞", `\infty `, "∪", `\cup `, "±", `\pm `, "∓", `\mp `, "≤", `\le `, "≥", `\ge `, "∈", `\in `, "≈", `\approx `,
	"<=", `\le `, ">=", `\ge `, "²", "^2", "³", "^3", "½", `\frac{1}{2}`, "**", "^",
)

var (
	rootSign    = regexp.MustCompile(`√\s*(?:\d+(?:\.\d+)?|[a-z]|\()`)
	thousands   = regexp.MustCompile(`\d{1,3}(?:,\d{3})+\b`)
	wordCommand = regexp.MustCompile(`\\(?:text|textbf|textit|textrm|textnormal|mbox|hbox|mathrm|mathbf|mathit|rm|operatorname)\s*\{`)
	exponent    = regexp.MustCompile(`^\s*\^\s*(?:\d|\{\s*-?\d\s*\})`)
	mixed       = regexp.MustCompile(`^(-?)\s*(\d+)\s+(\d+)\s*/\s*(\d+)$`)
	trailing    = regexp.MustCompile(`^(.*[\d})\]])(\s*)((?:(?:[A-Za-z]{2,}|/)\.?\s*)+)(?:\^\s*(?:\d|\{\s*\d\s*\}))?$`)
	joiner      = regexp.MustCompile(`\b(?:and|or)\b`)
	letters     = regexp.MustCompile(`[A-Za-z]+`)
)

// tight are units that are written right behind a number, or have two letters, as
// products of variables have.
var tight = map[string]bool{"cm": true, "mm": true, "km": true, "dm": true, "ft": true, "in": true, "yd": true, "kg": true, "mg": true, "mph": true,
	"lb": true, "lbs": true, "oz": true, "hr": true, "hrs": true, "min": true, "sec": true, "ms": true, "ml": true, "mL": true, "Hz": true, "kW": true,
	"degrees": true, "units": true}

// clean takes away what makes equal answers look different. words is the answer as
// words, if it has any that are not units.
func clean(s string, joinThousands bool) (formula, words string) {
	s = strings.Trim(s, "* \t\r\n") // stars are Markdown
	s = strings.TrimRight(s, ".,;:! \n")
	s = rootSign.ReplaceAllStringFunc(s, func(m string) string {
		if m = strings.TrimSpace(strings.TrimPrefix(m, "√")); m != "(" {
			m = "{" + m + "}"
		}
		return `\sqrt` + m
	})
	s = spelled.Replace(s)
	s = strings.ReplaceAll(s, ",\x00 ", ",\x00")
	s = strings.ReplaceAll(s, ",\x00", "") // ,\! stands in numbers only
	s = strings.Join(strings.Fields(s), " ")
	if i := strings.Index(s, `\approx`); i > 0 {
		s = s[:i]
	}
	s, words = unword(s)
	s = strings.TrimSpace(s)
	if joinThousands && !strings.ContainsAny(s, "([{") {
		s = thousands.ReplaceAllStringFunc(s, func(n string) string { return strings.ReplaceAll(n, ",", "") })
	}
	if m := trailing.FindStringSubmatch(s); m != nil && isUnit(m[3], m[2] == "") {
		s = m[1]
	}
	s = mixed.ReplaceAllString(s, `$1($2+$3/$4)`)
	if words == "" && plainWords(s) {
		words = s
	}
	if words == "" {
		s = joiner.ReplaceAllString(s, ",")
	}
	return strings.TrimSpace(s), words
}

// unword takes \text{} and its like away: separators become commas, functions
// commands, units behind a formula nothing. Other words are returned.
func unword(s string) (formula, words string) {
	var b strings.Builder
	var named []string
	for {
		at := wordCommand.FindStringIndex(s)
		if at == nil {
			break
		}
		n := group(s[at[1]-1:])
		if n == 0 {
			break
		}
		content := strings.TrimSpace(s[at[1] : at[1]+n-2])
		command := s[at[0]:at[1]]
		b.WriteString(s[:at[0]])
		s = s[at[1]+n-1:]
		switch {
		case len(content) == 1 && strings.HasPrefix(command, `\mathbf`): // a vector
			b.WriteString(content + " ")
		case functions[content] != nil || constants[content] != 0:
			b.WriteString(`\` + content + " ")
		case content == "and" || content == "or" || content == ",":
			b.WriteString(",")
		case strings.ContainsAny(b.String(), "0123456789") || strings.Contains(b.String(), `\frac`): // a unit
			s = strings.TrimPrefix(s, exponent.FindString(s))
		case content != "" && strings.ContainsAny(content[:1], "0123456789"): // with its unit, perhaps
			b.WriteString(content)
		case content != "":
			named = append(named, content)
			b.WriteString(" ")
		}
	}
	b.WriteString(s)
	if named != nil {
		return b.String(), strings.Join(named, " ") + " " + b.String()
	}
	return b.String(), ""
}

// isUnit reports whether words behind a number are its unit.
func isUnit(words string, touching bool) bool {
	if w := strings.TrimSpace(words); len(w) == 2 && !tight[w] {
		return false // \frac{1}{2} bc is half of b times c
	}
	for _, w := range letters.FindAllString(words, -1) {
		if functions[w] != nil || constants[w] != 0 || w == "and" || w == "or" || w == "sqrt" || w == "infty" || w == "cup" || touching && !tight[w] {
			return false
		}
	}
	return true
}

// plainWords reports whether a text without LaTeX is words and no formula.
func plainWords(s string) bool {
	if strings.ContainsAny(s, `\^_=+*/<>0123456789{`) {
		return false
	}
	for _, w := range letters.FindAllString(s, -1) {
		if functions[w] == nil && constants[w] == 0 && w != "and" && w != "or" && len(w) > 2 && w != "sqrt" && !strings.HasPrefix(w, "inf") {
			return true
		}
	}
	return false
}

// bare is what of words counts when they are compared.
func bare(words string) string {
	return strings.Map(func(r rune) rune {
		if r > 127 || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(words))
}
