package maths

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
)

// A node is a formula, or a structure of formulas.
type node struct {
	kind kind
	name string   // of a symbol or function; brackets of a tuple; operators of a relation, one byte each
	num  *big.Rat // of a number
	args []*node
	cols int // of a matrix; args are its rows, one after the other
}

type kind int

const (
	numberNode   kind = iota
	symbolNode        // a variable, or what is taken for one: infinity, a number in a base
	callNode          // a function of args
	addNode           // a + b
	plusMinus         // a + b and a - b
	minusPlus         // a - b and a + b
	mulNode           // a * b
	divNode           // a / b
	powNode           // a ^ b
	tupleNode         // (a, b), [a, b), ...
	setNode           // {a, b}
	listNode          // a, b
	unionNode         // a or b, of intervals and sets
	relationNode      // a = b, a < b <= c, a in b
	matrixNode
)

var errSyntax = errors.New("not a formula")

var token = regexp.MustCompile(`\d+(?:\.\d+)?|\.\d+|\\begin\s*\{[a-z*]+\}|\\end\s*\{[a-z*]+\}|\\[A-Za-z]+|\\.|[A-Za-z]+|\S`)

const (
	mostTokens = 2000
	deepest    = 100
)

// parse reads a cleaned answer.
func parse(s string) (*node, error) {
	p := &parser{}
	for _, t := range token.FindAllString(s, -1) {
		switch {
		case !isLetter(t[0]) || known(t):
			p.tokens = append(p.tokens, strings.ReplaceAll(t, " ", ""))
		default: // a product of variables
			for _, c := range t {
				p.tokens = append(p.tokens, string(c))
			}
		}
	}
	if len(p.tokens) == 0 || len(p.tokens) > mostTokens {
		return nil, errSyntax
	}
	n, err := p.list()
	if err != nil || p.at < len(p.tokens) {
		return nil, errSyntax
	}
	if len(n.args) == 1 {
		return n.args[0], nil
	}
	return n, nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isNumber(t string) bool {
	return t != "" && (t[0] >= '0' && t[0] <= '9' || t[0] == '.' && len(t) > 1)
}

// known reports whether plain letters are a name that the parser knows.
func known(t string) bool {
	return functions[t] != nil || constants[t] != 0 || t == "sqrt" || strings.HasPrefix("infinity", t) && len(t) > 2 || t == "infty"
}

type parser struct {
	tokens []string
	at     int
	depth  int
}

// peek is the next token, without the backslash of a command.
func (p *parser) peek() string {
	if p.at == len(p.tokens) {
		return ""
	}
	if t := p.tokens[p.at]; len(t) > 1 && t[0] == '\\' && isLetter(t[1]) && !strings.Contains(t, "{") {
		return t[1:]
	}
	return p.tokens[p.at]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "" {
		p.at++
	}
	return t
}

func (p *parser) take(t string) bool {
	if t == "" || p.peek() != t {
		return false
	}
	p.at++
	return true
}

// list reads items separated by commas.
func (p *parser) list() (*node, error) {
	list := &node{kind: listNode}
	for {
		n, err := p.relation()
		if err != nil {
			return nil, err
		}
		list.args = append(list.args, n)
		if !p.take(",") && !p.take(";") {
			return list, nil
		}
	}
}

var relations = map[string]string{"=": "=", "<": "<", ">": ">", "le": "l", "leq": "l", "leqslant": "l", "ge": "g", "geq": "g", "geqslant": "g",
	"lt": "<", "gt": ">", "ne": "!", "neq": "!", "in": "i"}

func (p *parser) relation() (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > deepest {
		return nil, errSyntax
	}
	n, err := p.union()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := relations[p.peek()]
		if !ok {
			return n, nil
		}
		p.next()
		right, err := p.union()
		if err != nil {
			return nil, err
		}
		if n.kind != relationNode {
			n = &node{kind: relationNode, args: []*node{n}}
		}
		n.name += op
		n.args = append(n.args, right)
	}
}

func (p *parser) union() (*node, error) {
	n, err := p.sum()
	for err == nil && p.take("cup") {
		var right *node
		right, err = p.sum()
		if n.kind != unionNode {
			n = &node{kind: unionNode, args: []*node{n}}
		}
		n.args = append(n.args, right)
	}
	return n, err
}

func (p *parser) sum() (*node, error) {
	var n *node
	for first := true; ; first = false {
		k := addNode
		negative := false
		switch p.peek() {
		case "+":
			p.next()
		case "-":
			p.next()
			negative = true
		case "pm":
			p.next()
			k = plusMinus
		case "mp":
			p.next()
			k = minusPlus
		default:
			if !first {
				return n, nil
			}
		}
		t, err := p.product()
		if err != nil {
			return nil, err
		}
		if negative {
			t = negate(t)
		}
		switch {
		case first && k == addNode:
			n = t
		case first:
			n = &node{kind: k, args: []*node{integer(0), t}}
		default:
			n = &node{kind: k, args: []*node{n, t}}
		}
	}
}

func integer(n int64) *node           { return &node{kind: numberNode, num: big.NewRat(n, 1)} }
func negate(n *node) *node            { return binary(mulNode, integer(-1), n) }
func binary(k kind, a, b *node) *node { return &node{kind: k, args: []*node{a, b}} }

// product reads factors; what stands side by side is multiplied.
func (p *parser) product() (*node, error) {
	n, err := p.signed()
	for err == nil {
		k := mulNode
		switch t := p.peek(); {
		case t == "*":
			p.next()
		case t == "/":
			p.next()
			k = divNode
		case p.begins(t) && !isNumber(t):
			if t == "frac" && isMixed(n) {
				var f *node
				if f, err = p.power(); err == nil {
					n = mixedNumber(n, f)
				}
				continue
			}
			var f *node
			if f, err = p.power(); err == nil {
				n = binary(mulNode, n, f)
			}
			continue
		default:
			return n, nil
		}
		var f *node
		if f, err = p.signed(); err == nil {
			n = binary(k, n, f)
		}
	}
	return nil, err
}

func isMixed(n *node) bool {
	return n.kind == numberNode && n.num.IsInt() && n.num.Sign() > 0
}

// mixedNumber is 1 4/5 for an integer before a proper fraction of integers, else the product.
func mixedNumber(n, f *node) *node {
	if f.kind == divNode && isMixed(f.args[0]) && isMixed(f.args[1]) && f.args[0].num.Cmp(f.args[1].num) < 0 {
		return binary(addNode, n, f)
	}
	return binary(mulNode, n, f)
}

// signed is a factor that may have signs: 2 * -3, 2^-1.
func (p *parser) signed() (*node, error) {
	if p.take("+") {
		return p.signed()
	}
	if p.take("-") {
		n, err := p.signed()
		if err != nil {
			return nil, err
		}
		return negate(n), nil
	}
	return p.power()
}

// begins reports whether a factor can begin with a token.
func (p *parser) begins(t string) bool {
	switch {
	case t == "":
		return false
	case isNumber(t) || isLetter(t[0]):
		return relations[t] == "" && t != "cup" && t != "pm" && t != "mp"
	}
	return t == "(" || t == "[" || t == "{" || t == `\{` || strings.HasPrefix(t, `\begin`)
}
