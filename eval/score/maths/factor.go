package maths

import (
	"math/big"
	"strings"
)

// power reads a factor with its exponents and factorials.
func (p *parser) power() (*node, error) {
	n, err := p.factor()
	for err == nil {
		switch {
		case p.take("^"):
			var e *node
			if e, err = p.exponent(); err == nil {
				n = binary(powNode, n, e)
			}
		case p.take("!"):
			n = &node{kind: callNode, name: "!", args: []*node{n}}
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *parser) exponent() (*node, error) {
	if p.take("-") {
		n, err := p.exponent()
		if err != nil {
			return nil, err
		}
		return negate(n), nil
	}
	return p.factor()
}

// closing brackets, by the opening one; intervals may end in either.
var closing = map[string]string{"(": ")]", "[": ")]", "{": "}", `\{`: `\}`}

func (p *parser) factor() (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t == "" || p.depth > deepest:
		return nil, errSyntax
	case isNumber(t):
		return p.number(t)
	case closing[t] != "":
		return p.brackets(t)
	case t == "|":
		return p.absolute()
	case t == "frac":
		return p.arguments(divNode, "")
	case t == "binom":
		return p.arguments(callNode, "binom")
	case t == "sqrt":
		return p.root()
	case strings.HasPrefix(t, `\begin`):
		return p.matrix(t)
	case functions[t] != nil:
		return p.call(t)
	case t == "infty" || strings.HasPrefix("infinity", t) && len(t) > 2:
		return &node{kind: symbolNode, name: "infinity"}, nil
	case isLetter(t[0]) && relations[t] == "":
		return p.symbol(t)
	}
	return nil, errSyntax
}

func (p *parser) number(t string) (*node, error) {
	n, ok := new(big.Rat).SetString(strings.TrimSuffix("0"+t, "."))
	if !ok {
		return nil, errSyntax
	}
	if p.take("_") { // in a base: another number for the reader, so a symbol
		base, err := p.subscript()
		return &node{kind: symbolNode, name: strings.TrimLeft(t, "0") + "_" + base}, err
	}
	return &node{kind: numberNode, num: n}, nil
}

func (p *parser) symbol(t string) (*node, error) {
	if p.take("_") {
		index, err := p.subscript()
		return &node{kind: symbolNode, name: t + "_" + index}, err
	}
	return &node{kind: symbolNode, name: t}, nil
}

func (p *parser) subscript() (string, error) {
	if !p.take("{") {
		t := p.next()
		if t == "" {
			return "", errSyntax
		}
		return t, nil
	}
	var s string
	for !p.take("}") {
		t := p.next()
		if t == "" {
			return "", errSyntax
		}
		s += t
	}
	return s, nil
}

// brackets reads a group, a tuple or an interval, or a set.
func (p *parser) brackets(open string) (*node, error) {
	if open == `\{` && p.take(`\}`) {
		return &node{kind: setNode}, nil
	}
	n, err := p.list()
	if err != nil {
		return nil, err
	}
	end := p.next()
	switch {
	case end == "" || !strings.Contains(closing[open], end):
		return nil, errSyntax
	case open == `\{`:
		n.kind = setNode
		return n, nil
	case open == "{":
		if len(n.args) == 1 {
			return n.args[0], nil
		}
		return n, nil
	case len(n.args) > 1:
		n.kind, n.name = tupleNode, open+end
		return n, nil
	case open == "(" && end == ")" || open == "[" && end == "]":
		return n.args[0], nil
	}
	return nil, errSyntax
}

func (p *parser) absolute() (*node, error) {
	n, err := p.sum()
	if err != nil || !p.take("|") {
		return nil, errSyntax
	}
	return &node{kind: callNode, name: "abs", args: []*node{n}}, nil
}

// argument reads what follows \frac or \sqrt: a group, or one digit or symbol.
func (p *parser) argument() (*node, error) {
	if t := p.peek(); isNumber(t) && len(t) > 1 && t[0] != '.' { // \frac43
		p.tokens[p.at] = t[1:]
		return &node{kind: numberNode, num: big.NewRat(int64(t[0]-'0'), 1)}, nil
	}
	return p.factor()
}

// arguments reads two of them.
func (p *parser) arguments(k kind, name string) (*node, error) {
	a, err := p.argument()
	if err != nil {
		return nil, err
	}
	b, err := p.argument()
	if err != nil {
		return nil, err
	}
	return &node{kind: k, name: name, args: []*node{a, b}}, nil
}

func (p *parser) root() (*node, error) {
	degree := integer(2)
	if p.take("[") {
		var err error
		if degree, err = p.sum(); err != nil {
			return nil, err
		}
		if !p.take("]") {
			return nil, errSyntax
		}
	}
	n, err := p.argument()
	return &node{kind: callNode, name: "root", args: []*node{degree, n}}, err
}

// call reads a function: \sin x, \sin^2 x, \log_2 8. Its argument goes as far as
// factors stand side by side, up to the next function.
func (p *parser) call(name string) (*node, error) {
	n := &node{kind: callNode, name: name}
	if name == "log" && p.take("_") {
		base, err := p.argument()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, base)
	}
	var exponent *node
	if p.take("^") {
		var err error
		if exponent, err = p.exponent(); err != nil {
			return nil, err
		}
	}
	grouped := closing[p.peek()] != ""
	arg, err := p.signed()
	if err != nil {
		return nil, err
	}
	for t := p.peek(); !grouped && p.begins(t) && functions[t] == nil && closing[t] == ""; t = p.peek() {
		f, err := p.power()
		if err != nil {
			return nil, err
		}
		arg = binary(mulNode, arg, f)
	}
	n.args = append(n.args, arg)
	if exponent != nil {
		n = binary(powNode, n, exponent)
	}
	return n, nil
}

// matrix reads \begin{pmatrix} a & b \\ c & d \end{pmatrix}.
func (p *parser) matrix(begin string) (*node, error) {
	n := &node{kind: matrixNode}
	if begin == `\begin{vmatrix}` {
		n.name = "determinant"
	}
	if begin == `\begin{array}` && p.take("{") { // its columns
		for !p.take("}") {
			if p.next() == "" {
				return nil, errSyntax
			}
		}
	}
	end := `\end` + strings.TrimPrefix(begin, `\begin`)
	for cols := 0; ; {
		x, err := p.relation()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, x)
		cols++
		if p.take("&") {
			continue
		}
		if n.cols != 0 && n.cols != cols {
			return nil, errSyntax
		}
		n.cols, cols = cols, 0
		more := p.take(`\\`)
		if p.take(end) {
			return n, nil
		}
		if !more {
			return nil, errSyntax
		}
	}
}
