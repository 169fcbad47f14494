package maths

import (
	"regexp"
	"slices"
	"strings"
)

// longer than this no answer is more than its letters.
const longestAnswer = 5000 // bytes

// Equal reports whether two answers are the same.
func Equal(a, b string) bool {
	if len(a) > longestAnswer || len(b) > longestAnswer {
		return strings.TrimSpace(a) == strings.TrimSpace(b)
	}
	if same := equal(a, b, true); same || !strings.Contains(a+b, ",") {
		return same
	}
	return equal(a, b, false) // 1,234 may be two numbers
}

func equal(a, b string, joinThousands bool) bool {
	x, xWords := clean(a, joinThousands)
	y, yWords := clean(b, joinThousands)
	if xWords != "" || yWords != "" {
		return sameWords(x, xWords, y, yWords)
	}
	if x == "" || y == "" {
		return false
	}
	if strings.ReplaceAll(x, " ", "") == strings.ReplaceAll(y, " ", "") {
		return true
	}
	m, err := parse(x)
	if err != nil {
		return false
	}
	n, err := parse(y)
	if err != nil {
		return false
	}
	return same(simplify(m), simplify(n))
}

// sameWords compares answers at least one of which has words. A formula beside
// words stands for its own letters: "C" is the same as "(C)".
func sameWords(x, xWords, y, yWords string) bool {
	if xWords == "" {
		xWords = x
	}
	if yWords == "" {
		yWords = y
	}
	return bare(xWords) != "" && bare(xWords) == bare(yWords)
}

// simplify brings structures into one form: a matrix times a number into the
// matrix, x in S and bounds of a variable into the set.
func simplify(n *node) *node {
	for i := range n.args {
		n.args[i] = simplify(n.args[i])
	}
	switch n.kind {
	case mulNode, divNode:
		for i, m := range n.args {
			if m.kind != matrixNode || m.name != "" || i == 1 && n.kind == divNode {
				continue
			}
			scaled := &node{kind: matrixNode, cols: m.cols}
			for _, x := range m.args {
				pair := slices.Clone(n.args)
				pair[i] = x
				scaled.args = append(scaled.args, &node{kind: n.kind, args: pair})
			}
			return scaled
		}
	case relationNode:
		if interval := n.interval(); interval != nil {
			return interval
		}
	}
	return n
}

// interval is the interval that a relation keeps a variable in, if it is of that kind.
func (n *node) interval() *node {
	infinity := &node{kind: symbolNode, name: "infinity"}
	below := func(op byte) string { return map[byte]string{'<': "(", 'l': "["}[op] }
	above := func(op byte) string { return map[byte]string{'<': ")", 'l': "]"}[op] }
	args, ops := n.args, n.name
	if ops != "" && strings.Trim(ops, ">g") == "" { // the other way round
		args = slices.Clone(args)
		slices.Reverse(args)
		ops = map[string]string{">": "<", "g": "l", ">>": "<<", "gg": "ll", ">g": "l<", "g>": "<l"}[ops]
	}
	switch {
	case ops == "i" && args[0].isVariable():
		return args[1]
	case ops == "" || strings.Trim(ops, "<l") != "":
		return nil
	case len(ops) == 2 && args[1].isVariable():
		return &node{kind: tupleNode, name: below(ops[0]) + above(ops[1]), args: []*node{args[0], args[2]}}
	case len(ops) == 1 && args[0].isVariable():
		return &node{kind: tupleNode, name: "(" + above(ops[0]), args: []*node{negate(infinity), args[1]}}
	case len(ops) == 1 && args[1].isVariable():
		return &node{kind: tupleNode, name: below(ops[0]) + ")", args: []*node{args[0], infinity}}
	}
	return nil
}

func (n *node) isVariable() bool {
	return n.kind == symbolNode && constants[n.name] == 0 && n.name != "infinity" && isLetter(n.name[0])
}

// isName reports whether a side of an equation only names what the other side is:
// x, AB, f(x), (x, y).
func (n *node) isName() bool {
	if n.kind != mulNode && n.kind != tupleNode {
		return n.isVariable()
	}
	return !slices.ContainsFunc(n.args, func(a *node) bool { return !a.isName() })
}

// same compares two parsed answers.
func same(a, b *node) bool {
	a, b = named(a, b), named(b, a)
	if parts := a.parts(); parts != nil || b.parts() != nil {
		return parts != nil && unordered(parts, b.parts())
	}
	if a.kind != b.kind && (structured[a.kind] || structured[b.kind]) {
		return false
	}
	switch a.kind {
	case relationNode:
		return sameRelation(a, b)
	case tupleNode, matrixNode:
		return a.name == b.name && a.cols == b.cols && slices.EqualFunc(a.args, b.args, same)
	case setNode:
		return len(a.args)+len(b.args) == 0
	}
	return sameValue(a, b)
}

var structured = map[kind]bool{tupleNode: true, setNode: true, listNode: true, unionNode: true, relationNode: true, matrixNode: true}

// named is the last side of an equation that gives something a name, or says that a
// calculation comes to something, if the other answer is not an equation.
func named(n, other *node) *node {
	if n.kind != relationNode || other.kind == relationNode || strings.Trim(n.name, "=") != "" {
		return n
	}
	if last := n.args[len(n.args)-1]; n.args[0].isName() || sameValue(n.args[0], last) {
		return last
	}
	return n
}

// parts are the items of a list, a set or a union, whose order does not matter;
// a plus-or-minus is two. nil if the answer is one thing.
func (n *node) parts() []*node {
	var parts []*node
	switch n.kind {
	case listNode, setNode, unionNode:
		for _, a := range n.args {
			parts = append(parts, expand(a)...)
		}
		if n.kind == unionNode { // not a list of its intervals
			parts = append(parts, &node{kind: symbolNode, name: `\cup`})
		}
		return parts
	}
	if parts = expand(n); len(parts) > 1 {
		return parts
	}
	return nil
}

// expand is both readings of a formula with plus-or-minus, or the formula.
func expand(n *node) []*node {
	plus, found := n.read(plusMinus, minusPlus)
	if !found {
		return []*node{n}
	}
	minus, _ := n.read(minusPlus, plusMinus)
	return []*node{plus, minus}
}

// read is a formula with one kind of sign read as plus, the other as minus.
func (n *node) read(plus, minus kind) (*node, bool) {
	c := *n
	found := n.kind == plusMinus || n.kind == minusPlus
	c.args = nil
	for _, a := range n.args {
		x, in := a.read(plus, minus)
		c.args = append(c.args, x)
		found = found || in
	}
	switch n.kind {
	case plus:
		c.kind = addNode
	case minus:
		c.kind = addNode
		c.args[1] = negate(c.args[1])
	}
	return &c, found
}

// unordered reports whether every item of a has its own equal in b.
func unordered(a, b []*node) bool {
	if len(a) != len(b) {
		return false
	}
	taken := make([]bool, len(b))
next:
	for _, x := range a {
		for i, y := range b {
			if !taken[i] && same(x, y) {
				taken[i] = true
				continue next
			}
		}
		return false
	}
	return true
}

var chain = regexp.MustCompile(`^=+$`)

// sameRelation compares equations by what their sides differ by, up to a factor,
// and other relations side by side.
func sameRelation(a, b *node) bool {
	if chain.MatchString(a.name) && chain.MatchString(b.name) && len(a.args) == 2 && len(b.args) == 2 {
		if p, q := difference(a), difference(b); p.isValue() && q.isValue() {
			return proportional(p, q)
		}
	}
	return a.name == b.name && slices.EqualFunc(a.args, b.args, same)
}

func difference(n *node) *node { return binary(addNode, n.args[0], negate(n.args[1])) }

func (n *node) isValue() bool {
	_, ok := n.eval(0)
	return ok
}

func sameValue(a, b *node) bool {
	for t := range trials {
		x, ok := a.eval(t)
		y, ok2 := b.eval(t)
		if !ok || !ok2 || !x.same(y) {
			return false
		}
	}
	return true
}

// proportional reports whether a is b times a constant other than zero.
func proportional(a, b *node) bool {
	var factor value
	for t := range trials {
		x, ok := a.eval(t)
		y, ok2 := b.eval(t)
		if !ok || !ok2 {
			return false
		}
		f := arithmetic(divNode, x, y)
		if !f.finite() || f.same(exactly(integer(0).num)) || t > 0 && !f.same(factor) {
			return false
		}
		factor = f
	}
	return true
}
