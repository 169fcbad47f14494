package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number writes a number as short as it is.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// fixed writes a number with so many decimals, and a real minus.
func fixed(x float64, digits int) string {
	s := strconv.FormatFloat(x, 'f', digits, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-") // no minus zero
	}
	return strings.Replace(s, "-", "−", 1)
}

// signed is fixed with a plus.
func signed(x float64, digits int) string {
	s := fixed(x, digits)
	if x > 0 && strings.Trim(s, "0.") != "" {
		return "+" + s
	}
	return s
}

// percent writes a share of full attention's bytes.
func percent(share float64) string {
	if x := 100 * share; x < 9.95 {
		return fixed(x, 1) + " %"
	}
	return fixed(100*share, 0) + " %"
}

// count writes a number of things with its noun: 1 record, 1,234 records.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// tokens writes a length of prompts: 512, 4K, 6000.
func tokens(n float64) string {
	if n >= 1024 && math.Mod(n, 1024) == 0 {
		return fmt.Sprintf("%gK", n/1024)
	}
	return number(n)
}

// wordGroup writes a group of LongBench-E, by where it begins.
func wordGroup(words float64) string {
	from := number(words / 1000)
	if words >= 8000 {
		return from + "K+ words"
	}
	return from + "–" + number(words/1000+4) + "K words"
}

// shorten cuts a text to so many characters.
func shorten(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// shortName cuts a policy's name in the middle: policies differ at both ends.
func shortName(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most/2]) + "…" + string(r[len(r)-(most-1)/2:])
}

// text writes a cell's value, and its interval with a mark if it leaves out zero.
func (t *Table) text(c *Cell) (value, interval, mark string) {
	if c == nil {
		return "–", "", ""
	}
	value = fixed(c.Value, t.m.digits)
	switch {
	case c.Low == nil:
		return value, "", ""
	case c.Diff == nil:
		return value, fixed(*c.Low, t.m.digits) + " … " + fixed(*c.High, t.m.digits), ""
	}
	interval = signed(*c.Low, t.m.digits) + " … " + signed(*c.High, t.m.digits)
	switch { // ▼ is lower, whatever is better
	case *c.High < 0:
		mark = "▼"
	case *c.Low > 0:
		mark = "▲"
	}
	return value, interval, mark
}
