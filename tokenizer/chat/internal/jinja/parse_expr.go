package jinja

import (
	"slices"
	"strconv"
)

// expression parses one expression, a conditional one included.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	e, err := p.orExpr()
	if err != nil {
		return nil, err
	}
	for n := 0; p.acceptName("if"); n++ {
		if n > maxNesting {
			return nil, p.chainTooLong()
		}
		c := &condExpr{then: e}
		if c.cond, err = p.orExpr(); err != nil {
			return nil, err
		}
		if p.acceptName("else") {
			if c.alt, err = p.expression(); err != nil {
				return nil, err
			}
		}
		e = c
	}
	return e, nil
}

// tupleExpr parses "a" or "a, b": without brackets a tuple.
func (p *parser) tupleExpr(allowTuple bool) (expr, error) {
	return p.tupleOf(p.expression, allowTuple)
}

// tupleExprNoCond is for the list of a for loop, whose "if" is a filter.
func (p *parser) tupleExprNoCond() (expr, error) { return p.tupleOf(p.orExpr, true) }

func (p *parser) tupleOf(one func() (expr, error), allowTuple bool) (expr, error) {
	e, err := one()
	if err != nil || !allowTuple || !p.isOp(",") {
		return e, err
	}
	items := []expr{e}
	for p.acceptOp(",") {
		if t := p.peek(); t.kind == tokTagEnd || t.kind == tokVarEnd || t.kind == tokOp && t.s == ")" {
			break
		}
		if e, err = one(); err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return &listExpr{items: items, tuple: true}, nil
}

func (p *parser) chainTooLong() error {
	return &Error{Line: p.peek().line, Msg: "the expression is too long", Err: ErrLimit}
}

// chain parses operand (op operand)*, to the left.
func (p *parser) chain(operand func() (expr, error), isName bool, ops ...string) (expr, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		t := p.peek()
		if !(t.kind == tokOp && !isName || t.kind == tokName && isName) || !slices.Contains(ops, t.s) {
			return l, nil
		}
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		p.next()
		r, err := operand()
		if err != nil {
			return nil, err
		}
		l = &binExpr{t.line, t.s, l, r}
	}
}

func (p *parser) orExpr() (expr, error)  { return p.chain(p.andExpr, true, "or") }
func (p *parser) andExpr() (expr, error) { return p.chain(p.notExpr, true, "and") }

func (p *parser) notExpr() (expr, error) {
	if !p.isName("not") {
		return p.compareExpr()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.next()
	x, err := p.notExpr()
	return &unExpr{"not", x}, err
}

func (p *parser) compareExpr() (expr, error) {
	line := p.peek().line
	x, err := p.sumExpr()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{line: line, x: x}
	for {
		t := p.peek()
		op := ""
		switch {
		case t.kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.s):
			op = t.s
			p.next()
		case t.kind == tokName && t.s == "in":
			op = "in"
			p.next()
		case t.kind == tokName && t.s == "not" && p.toks[p.at+1].kind == tokName && p.toks[p.at+1].s == "in":
			op = "not in"
			p.at += 2
		}
		if op == "" {
			break
		}
		r, err := p.sumExpr()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, r)
	}
	if len(c.ops) == 0 {
		return x, nil
	}
	return c, nil
}

// Jinja's precedence: ~ binds tighter than + and -, looser than *.
func (p *parser) sumExpr() (expr, error)     { return p.chain(p.concatExpr, false, "+", "-") }
func (p *parser) productExpr() (expr, error) { return p.chain(p.powExpr, false, "*", "/", "//", "%") }
func (p *parser) powExpr() (expr, error)     { return p.chain(p.unary, false, "**") }

func (p *parser) concatExpr() (expr, error) {
	line := p.peek().line
	e, err := p.productExpr()
	if err != nil || !p.isOp("~") {
		return e, err
	}
	c := &concatExpr{line: line, parts: []expr{e}}
	for p.acceptOp("~") {
		if e, err = p.productExpr(); err != nil {
			return nil, err
		}
		c.parts = append(c.parts, e)
	}
	return c, nil
}

func (p *parser) unary() (expr, error) {
	e, err := p.signed()
	if err != nil {
		return nil, err
	}
	return p.filters(e)
}

// signed parses a primary with its postfixes and signs; filters bind to the
// whole of it: -1|abs is 1.
func (p *parser) signed() (expr, error) {
	t := p.peek()
	if t.kind == tokOp && (t.s == "-" || t.s == "+") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer p.leave()
		p.next()
		x, err := p.signed()
		return &unExpr{t.s, x}, err
	}
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.postfix(e)
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokName:
		switch t.s {
		case "true", "True":
			return constExpr{true}, nil
		case "false", "False":
			return constExpr{false}, nil
		case "none", "None":
			return constExpr{nil}, nil
		}
		if m := p.inMacro; m != nil {
			m.varargs = m.varargs || t.s == "varargs"
			m.kwargs = m.kwargs || t.s == "kwargs"
			m.caller = m.caller || t.s == "caller"
		}
		return nameExpr{t.line, t.s}, nil
	case tokString:
		s := t.s
		for p.peek().kind == tokString {
			s += p.next().s
		}
		return constExpr{lit(s)}, nil
	case tokInt:
		n, err := strconv.ParseInt(t.s, 0, 64)
		if err != nil {
			return nil, p.fail(t, "the number %s is too large", t.s)
		}
		return constExpr{n}, nil
	case tokFloat:
		f, err := strconv.ParseFloat(t.s, 64)
		if err != nil {
			return nil, p.fail(t, "the number %s is out of range", t.s)
		}
		return constExpr{f}, nil
	case tokOp:
		switch t.s {
		case "(":
			if p.acceptOp(")") {
				return &listExpr{tuple: true}, nil
			}
			e, err := p.tupleExpr(true)
			if err != nil {
				return nil, err
			}
			return e, p.expectOp(")")
		case "[":
			l := &listExpr{}
			for !p.acceptOp("]") {
				if len(l.items) > 0 {
					if err := p.expectOp(","); err != nil {
						return nil, err
					}
					if p.acceptOp("]") {
						break
					}
				}
				e, err := p.expression()
				if err != nil {
					return nil, err
				}
				l.items = append(l.items, e)
			}
			return l, nil
		case "{":
			return p.dictLiteral()
		}
	}
	return nil, p.fail(t, "unexpected %v", t)
}

func (p *parser) dictLiteral() (expr, error) {
	d := &dictExpr{}
	for !p.acceptOp("}") {
		if len(d.keys) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.acceptOp("}") {
				break
			}
		}
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.vals = append(d.keys, k), append(d.vals, v)
	}
	return d, nil
}

func (p *parser) postfix(e expr) (expr, error) {
	for n := 0; ; n++ {
		t := p.peek()
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		var err error
		switch {
		case p.acceptOp("."):
			switch a := p.next(); a.kind {
			case tokName:
				e = &attrExpr{t.line, e, a.s}
			case tokInt:
				i, err := strconv.ParseInt(a.s, 10, 64)
				if err != nil {
					return nil, p.fail(a, "the index %s is too large", a.s)
				}
				e = &indexExpr{t.line, e, constExpr{i}}
			default:
				return nil, p.fail(a, "expected a name after '.', got %v", a)
			}
		case p.acceptOp("["):
			e, err = p.subscript(e, t.line)
		case p.isOp("("):
			e, err = p.callOf(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// subscript parses what stands in x[...].
func (p *parser) subscript(x expr, line int) (expr, error) {
	var first expr
	var err error
	if !p.isOp(":") {
		if first, err = p.tupleExpr(true); err != nil {
			return nil, err
		}
		if p.acceptOp("]") {
			return &indexExpr{line, x, first}, nil
		}
	}
	s := &sliceExpr{line: line, x: x, from: first}
	for _, bound := range []*expr{&s.to, &s.step} {
		if !p.acceptOp(":") {
			break
		}
		if !p.isOp(":") && !p.isOp("]") {
			if *bound, err = p.expression(); err != nil {
				return nil, err
			}
		}
	}
	return s, p.expectOp("]")
}

func (p *parser) callOf(f expr) (expr, error) {
	c := &callExpr{line: p.peek().line, f: f}
	var err error
	c.a, err = p.args()
	return c, err
}

func (p *parser) args() (callArgs, error) {
	var a callArgs
	if err := p.expectOp("("); err != nil {
		return a, err
	}
	for first := true; !p.acceptOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return a, err
			}
			if p.acceptOp(")") {
				break
			}
		}
		t := p.peek()
		var err error
		switch {
		case p.acceptOp("**"):
			a.kw, err = p.expression()
		case p.acceptOp("*"):
			a.star, err = p.expression()
		case t.kind == tokName && p.toks[p.at+1].kind == tokOp && p.toks[p.at+1].s == "=":
			p.at += 2
			var v expr
			v, err = p.expression()
			a.names, a.vals = append(a.names, t.s), append(a.vals, v)
		default:
			if len(a.names) > 0 || a.kw != nil {
				return a, p.fail(t, "a positional argument follows a named one")
			}
			var v expr
			v, err = p.expression()
			a.pos = append(a.pos, v)
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

// filters parses the "| filter" and "is test" that follow an operand.
func (p *parser) filters(e expr) (expr, error) {
	for n := 0; ; n++ {
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		var err error
		switch {
		case p.acceptOp("|"):
			e, err = p.filterStep(e)
		case p.isName("is"):
			e, err = p.test(e)
		case p.isOp("("):
			e, err = p.callOf(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// filterStep parses one filter, after its "|".
func (p *parser) filterStep(x expr) (*filterExpr, error) {
	f := &filterExpr{line: p.peek().line, x: x}
	var err error
	if f.name, err = p.dottedName(); err != nil {
		return nil, err
	}
	if p.isOp("(") {
		f.a, err = p.args()
	}
	return f, err
}

// filterChain parses "a | b(c)" for filter and set blocks.
func (p *parser) filterChain(x expr) (*filterExpr, error) {
	f, err := p.filterStep(x)
	for err == nil && p.acceptOp("|") {
		f, err = p.filterStep(f)
	}
	return f, err
}

func (p *parser) dottedName() (string, error) {
	name, err := p.expectName()
	for err == nil && p.acceptOp(".") {
		var more string
		more, err = p.expectName()
		name += "." + more
	}
	return name, err
}

func (p *parser) test(x expr) (expr, error) {
	t := p.next()
	e := &testExpr{line: t.line, x: x}
	e.not = p.acceptName("not")
	var err error
	if e.name, err = p.dottedName(); err != nil {
		return nil, err
	}
	a := p.peek()
	switch {
	case p.isOp("("):
		e.a, err = p.args()
	case a.kind == tokName && !slices.Contains([]string{"else", "or", "and", "is", "if", "not", "in", "recursive"}, a.s),
		a.kind == tokString, a.kind == tokInt, a.kind == tokFloat,
		a.kind == tokOp && (a.s == "[" || a.s == "{"):
		arg, perr := p.primary()
		if perr != nil {
			return nil, perr
		}
		if arg, err = p.postfix(arg); err != nil {
			return nil, err
		}
		e.a.pos = []expr{arg}
	}
	return e, err
}
