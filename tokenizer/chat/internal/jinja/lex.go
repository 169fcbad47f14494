package jinja

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF      tokenKind = iota
	tokText               // text between tags
	tokVarBegin           // {{
	tokVarEnd             // }}
	tokTagBegin           // {%
	tokTagEnd             // %}
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
)

type token struct {
	kind tokenKind
	s    string // text, name, operator, digits, the decoded string
	line int
}

func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "the end of the template"
	case tokVarEnd:
		return "'}}'"
	case tokTagEnd:
		return "'%}'"
	case tokText:
		return "text"
	}
	return strconv.Quote(t.s)
}

var (
	floatRE  = regexp.MustCompile(`^(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`)
	intRE    = regexp.MustCompile(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
	endrawRE = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*(\+%\}|-%\}|%\})`)
	rawRE    = regexp.MustCompile(`^\{%[-+]?\s*raw\s*(-?)%\}`)
)

// lexer cuts a template into tokens, applying the white space rules: a newline
// after a block tag goes (trim_blocks), blanks before a block tag that starts its
// line go (lstrip_blocks), "-" takes all white space on its side, "+" none.
type lexer struct {
	src       string
	at, line  int
	lineStart bool // the text before at ended in a newline
	out       []token
}

func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	src = strings.ReplaceAll(src, "\r", "\n")
	l := lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	for l.at < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.emit(tokEOF, "")
	return l.out, nil
}

func (l *lexer) emit(k tokenKind, s string) { l.out = append(l.out, token{k, s, l.line}) }

func (l *lexer) errorf(format string, a ...any) error {
	return &Error{Line: l.line, Msg: fmt.Sprintf(format, a...)}
}

// skip moves over n bytes of the source.
func (l *lexer) skip(n int) {
	if n > 0 {
		l.line += strings.Count(l.src[l.at:l.at+n], "\n")
		l.lineStart = l.src[l.at+n-1] == '\n'
		l.at += n
	}
}

func (l *lexer) skipSpace() {
	rest := l.src[l.at:]
	l.skip(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
}

// endTag skips a closing tag and the white space it takes with it.
func (l *lexer) endTag(tag string, block bool) {
	l.skip(len(tag))
	if tag[0] == '-' {
		l.skipSpace()
	} else if block && tag[0] != '+' && strings.HasPrefix(l.src[l.at:], "\n") {
		l.skip(1)
	}
}

// text emits the text before an opening tag; sign is "-", "+" or "".
func (l *lexer) text(s, sign string, block bool) {
	full := len(s)
	lineStart := l.lineStart
	if sign == "-" {
		s = strings.TrimRightFunc(s, isSpace)
	} else if sign != "+" && block {
		from := strings.LastIndexByte(s, '\n') + 1
		if (from > 0 || lineStart) && strings.TrimFunc(s[from:], isSpace) == "" {
			s = s[:from]
		}
	}
	if s != "" {
		l.emit(tokText, s)
	}
	l.skip(full)
}

func (l *lexer) next() error {
	rest := l.src[l.at:]
	i := 0
	for {
		j := strings.IndexByte(rest[i:], '{')
		if j < 0 || i+j+1 >= len(rest) {
			l.text(rest, "+", false)
			return nil
		}
		i += j
		if c := rest[i+1]; c == '{' || c == '%' || c == '#' {
			break
		}
		i++
	}
	kind := rest[i+1]
	sign := ""
	if i+2 < len(rest) && (rest[i+2] == '-' || rest[i+2] == '+') {
		sign = rest[i+2 : i+3]
	}
	l.text(rest[:i], sign, kind != '{')
	rest = rest[i:]
	if kind == '%' {
		if m := rawRE.FindStringSubmatch(rest); m != nil {
			return l.raw(len(m[0]), m[1] == "-")
		}
	}
	switch kind {
	case '#':
		end := strings.Index(rest[2:], "#}")
		if end < 0 {
			return l.errorf("a comment {# is not closed by #}")
		}
		end += 2
		tag := "#}"
		if end > 2 && (rest[end-1] == '-' || rest[end-1] == '+') {
			end--
			tag = rest[end : end+3]
		}
		l.skip(end)
		l.endTag(tag, true)
		return nil
	case '%':
		l.emit(tokTagBegin, "{%")
	case '{':
		l.emit(tokVarBegin, "{{")
	}
	l.skip(2 + len(sign))
	return l.tag(kind == '%')
}

// raw emits the text up to {% endraw %} as it is; n bytes open it.
func (l *lexer) raw(n int, trim bool) error {
	l.skip(n)
	if trim {
		l.skipSpace()
	}
	rest := l.src[l.at:]
	m := endrawRE.FindStringSubmatchIndex(rest)
	if m == nil {
		return l.errorf("{%% raw %%} is not closed by {%% endraw %%}")
	}
	l.text(rest[:m[0]], rest[m[2]:m[3]], true)
	l.skip(m[4] - m[0])
	l.endTag(rest[m[4]:m[5]], true)
	return nil
}

var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", "=", "<", ">", ".", ":", "|", ",", ";"}

// tag emits the tokens up to the end of a tag.
func (l *lexer) tag(block bool) error {
	var open []byte // brackets not yet closed
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		if len(open) == 0 {
			end := "}}"
			if block {
				end = "%}"
			}
			signed := (rest[0] == '-' || block && rest[0] == '+') && strings.HasPrefix(rest[1:], end)
			if signed || strings.HasPrefix(rest, end) {
				if block {
					l.emit(tokTagEnd, "")
				} else {
					l.emit(tokVarEnd, "")
				}
				if signed {
					end = rest[:3]
				}
				l.endTag(end, block)
				return nil
			}
		}
		r, w := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(r):
			l.skipSpace()
		case r == '"' || r == '\'':
			if err := l.quoted(rest); err != nil {
				return err
			}
		case r >= '0' && r <= '9':
			afterDot := l.at > 0 && l.src[l.at-1] == '.'
			k, m := tokFloat, floatRE.FindString(rest)
			if m == "" || afterDot {
				k, m = tokInt, intRE.FindString(rest)
			}
			l.emit(k, strings.ReplaceAll(m, "_", ""))
			l.skip(len(m))
		case r == '_' || unicode.IsLetter(r):
			n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if n < 0 {
				n = len(rest)
			}
			l.emit(tokName, rest[:n])
			l.skip(n)
		default:
			op := ""
			for _, o := range operators {
				if strings.HasPrefix(rest, o) {
					op = o
					break
				}
			}
			switch op {
			case "":
				return l.errorf("unexpected character %q", rest[:w])
			case "(", "[", "{":
				open = append(open, closing(op[0]))
			case ")", "]", "}":
				if len(open) == 0 || open[len(open)-1] != op[0] {
					return l.errorf("unexpected %q", op)
				}
				open = open[:len(open)-1]
			}
			l.emit(tokOp, op)
			l.skip(len(op))
		}
	}
	if block {
		return l.errorf("a tag {%% is not closed by %%}")
	}
	return l.errorf("an expression {{ is not closed by }}")
}

func closing(c byte) byte {
	switch c {
	case '(':
		return ')'
	case '[':
		return ']'
	}
	return '}'
}

func (l *lexer) quoted(rest string) error {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case rest[0]:
			s, err := unescape(rest[1:i])
			if err != nil {
				return l.errorf("%v", err)
			}
			l.emit(tokString, s)
			l.skip(i + 1)
			return nil
		}
	}
	return l.errorf("a string is not closed by %c", rest[0])
}

// unescape decodes Python's escapes; an unknown one stays as it is.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if j := strings.IndexByte(`abfnrtv\'"`, s[i]); j >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v\\'\""[j])
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		switch {
		case s[i] == '\n':
		case digits > 0:
			if i+1+digits > len(s) {
				return "", fmt.Errorf("the escape \\%c needs %d digits", s[i], digits)
			}
			n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32)
			if err != nil || n > unicode.MaxRune {
				return "", fmt.Errorf("invalid escape \\%s", s[i:i+1+digits])
			}
			b.WriteRune(rune(n))
			i += digits
		case s[i] >= '0' && s[i] <= '7':
			n, j := 0, i
			for ; j < len(s) && j < i+3 && s[j] >= '0' && s[j] <= '7'; j++ {
				n = n*8 + int(s[j]-'0')
			}
			b.WriteRune(rune(n))
			i = j - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}
