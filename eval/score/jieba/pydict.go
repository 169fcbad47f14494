package jieba

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseDict reads the one value that such a file of Python assigns to P: a
// dictionary of strings to numbers or to further dictionaries. Nothing else of
// Python is known, and nothing is run.
func parseDict(data []byte) (map[string]any, error) {
	p := &pyParser{text: strings.TrimPrefix(string(data), "from __future__ import unicode_literals")}
	p.whole = len(data) - len(p.text)
	err := p.expect("P")
	if err == nil {
		err = p.expect("=")
	}
	if err != nil {
		return nil, err
	}
	v, err := p.dict(1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.errorf("something follows the dictionary")
	}
	return v, nil
}

type pyParser struct {
	text  string
	at    int // in text
	whole int // bytes of the file before text
}

func (p *pyParser) errorf(format string, a ...any) error {
	return fmt.Errorf("offset %d: %s", p.whole+p.at, fmt.Sprintf(format, a...))
}

func (p *pyParser) space() {
	p.at += span(p.text[p.at:], func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
}

// next reports whether a text comes next, and goes past it.
func (p *pyParser) next(s string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *pyParser) expect(s string) error {
	if !p.next(s) {
		return p.errorf("want %q", s)
	}
	return nil
}

const deepest = 4

func (p *pyParser) dict(depth int) (map[string]any, error) {
	if depth > deepest {
		return nil, p.errorf("dictionaries more than %d deep", deepest)
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	d := map[string]any{}
	for !p.next("}") {
		if len(d) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			if p.next("}") { // a comma may end it
				break
			}
		}
		key, err := p.str()
		if err == nil {
			err = p.expect(":")
		}
		if err != nil {
			return nil, err
		}
		if _, twice := d[key]; twice {
			return nil, p.errorf("%q is there twice", key)
		}
		if p.space(); strings.HasPrefix(p.text[p.at:], "{") {
			d[key], err = p.dict(depth + 1)
		} else {
			d[key], err = p.number()
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (p *pyParser) number() (float64, error) {
	n := span(p.text[p.at:], func(r rune) bool { return isDigit(r) || strings.ContainsRune("+-.eE", r) })
	x, err := strconv.ParseFloat(p.text[p.at:p.at+n], 64)
	if err != nil {
		return 0, p.errorf("want a number or a dictionary")
	}
	p.at += n
	return x, nil
}

// str reads a string in single quotes; \uXXXX is the only escape.
func (p *pyParser) str() (string, error) {
	if !p.next("u'") {
		if err := p.expect("'"); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	for p.at < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.at:])
		switch {
		case r == '\'':
			p.at++
			return b.String(), nil
		case r == '\n' || r == utf8.RuneError && n == 1:
			return "", p.errorf("the string ends in the middle")
		case r == '\\':
			rest := p.text[p.at:]
			if len(rest) < 6 || rest[1] != 'u' {
				return "", p.errorf("want \\u and four hexadecimal digits")
			}
			code, err := strconv.ParseUint(rest[2:6], 16, 16)
			if err != nil {
				return "", p.errorf("want \\u and four hexadecimal digits")
			}
			r, n = rune(code), 6
		}
		b.WriteRune(r)
		p.at += n
	}
	return "", p.errorf("the string has no end")
}
