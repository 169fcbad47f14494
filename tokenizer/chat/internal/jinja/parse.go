package jinja

import (
	"fmt"
	"slices"
)

type parser struct {
	toks  []token
	at    int
	depth int
	loops int // enclosing for loops, for break and continue
	// The innermost macro being parsed, which learns what its body mentions.
	inMacro *macro
}

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tokEOF {
		p.at++
	}
	return t
}

func (p *parser) fail(t token, format string, a ...any) error {
	return &Error{Line: t.line, Msg: fmt.Sprintf(format, a...)}
}

func (p *parser) isOp(s string) bool   { t := p.peek(); return t.kind == tokOp && t.s == s }
func (p *parser) isName(s string) bool { t := p.peek(); return t.kind == tokName && t.s == s }

func (p *parser) acceptOp(s string) bool {
	if p.isOp(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) acceptName(s string) bool {
	if p.isName(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expectOp(s string) error {
	if !p.acceptOp(s) {
		return p.fail(p.peek(), "expected %q, got %v", s, p.peek())
	}
	return nil
}

func (p *parser) expectName() (string, error) {
	t := p.next()
	if t.kind != tokName {
		return "", p.fail(t, "expected a name, got %v", t)
	}
	return t.s, nil
}

func (p *parser) expectWord(s string) error {
	if !p.acceptName(s) {
		return p.fail(p.peek(), "expected %q, got %v", s, p.peek())
	}
	return nil
}

func (p *parser) endTag() error {
	if t := p.next(); t.kind != tokTagEnd {
		return p.fail(t, "expected the end of the tag, got %v", t)
	}
	return nil
}

// enter guards recursion; its caller defers leave.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return &Error{Line: p.peek().line, Msg: fmt.Sprintf("nested deeper than %d", maxNesting), Err: ErrLimit}
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// body parses up to a tag whose name is one of ends, and returns that name with
// the tag opened behind it. No ends: up to the end of the template.
func (p *parser) body(ends ...string) ([]stmt, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer p.leave()
	start := p.peek()
	var out []stmt
	for {
		t := p.next()
		switch t.kind {
		case tokEOF:
			if len(ends) > 0 {
				return nil, "", p.fail(start, "the template ends before the {%% %s %%} of the block that begins here", ends[len(ends)-1])
			}
			return out, "", nil
		case tokText:
			out = append(out, textStmt{t.s})
		case tokVarBegin:
			e, err := p.tupleExpr(true)
			if err != nil {
				return nil, "", err
			}
			if end := p.next(); end.kind != tokVarEnd {
				return nil, "", p.fail(end, "expected '}}', got %v", end)
			}
			out = append(out, outputStmt{t.line, e})
		case tokTagBegin:
			name, err := p.expectName()
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(ends, name) {
				return out, name, nil
			}
			s, err := p.statement(name, t)
			if err != nil {
				return nil, "", err
			}
			out = append(out, s)
		default:
			return nil, "", p.fail(t, "unexpected %v", t)
		}
	}
}

// block parses the rest of an opening tag's end, a body, and its end tag.
func (p *parser) block(end string) ([]stmt, error) {
	if err := p.endTag(); err != nil {
		return nil, err
	}
	b, _, err := p.body(end)
	if err != nil {
		return nil, err
	}
	return b, p.endTag()
}

func (p *parser) statement(name string, t token) (stmt, error) {
	switch name {
	case "if":
		return p.ifStmt(t)
	case "for":
		return p.forStmt(t)
	case "set":
		return p.setStmt(t)
	case "macro":
		return p.macroStmt(t)
	case "call":
		return p.callStmt(t)
	case "with":
		return p.withStmt(t)
	case "filter":
		f, err := p.filterChain(blockExpr{})
		if err != nil {
			return nil, err
		}
		b, err := p.block("endfilter")
		return filterStmt{t.line, b, f}, err
	case "generation":
		b, err := p.block("endgeneration")
		return blockStmt{b}, err
	case "autoescape":
		if _, err := p.expression(); err != nil {
			return nil, err
		}
		b, err := p.block("endautoescape")
		return blockStmt{b}, err
	case "block":
		if _, err := p.expectName(); err != nil {
			return nil, err
		}
		for p.acceptName("scoped") || p.acceptName("required") {
			continue
		}
		if err := p.endTag(); err != nil {
			return nil, err
		}
		b, _, err := p.body("endblock")
		if err != nil {
			return nil, err
		}
		if p.peek().kind == tokName {
			p.next()
		}
		return blockStmt{b}, p.endTag()
	case "print":
		var out []stmt
		for len(out) == 0 || p.acceptOp(",") {
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			out = append(out, outputStmt{t.line, e})
		}
		return blockStmt{out}, p.endTag()
	case "break", "continue":
		if p.loops == 0 {
			return nil, p.fail(t, "%s outside of a loop", name)
		}
		return jumpStmt{t.line, name == "break"}, p.endTag()
	case "include", "import", "from", "extends":
		return nil, p.fail(t, "{%% %s %%} is not supported: a chat template is a single file", name)
	}
	return nil, p.fail(t, "unknown tag {%% %s %%}", name)
}

func (p *parser) ifStmt(t token) (stmt, error) {
	if err := p.enter(); err != nil { // elif recurses
		return nil, err
	}
	defer p.leave()
	cond, err := p.tupleExpr(false)
	if err != nil {
		return nil, err
	}
	if err := p.endTag(); err != nil {
		return nil, err
	}
	s := ifStmt{line: t.line, cond: cond}
	end := ""
	if s.then, end, err = p.body("elif", "else", "endif"); err != nil {
		return nil, err
	}
	switch end {
	case "elif":
		alt, err := p.ifStmt(p.peek())
		if err != nil {
			return nil, err
		}
		s.alts = []stmt{alt}
		return s, nil
	case "else":
		s.alts, err = p.block("endif")
		return s, err
	}
	return s, p.endTag()
}

func (p *parser) forStmt(t token) (stmt, error) {
	s := forStmt{line: t.line}
	var err error
	if s.target, err = p.target(false); err != nil {
		return nil, err
	}
	if err := p.expectWord("in"); err != nil {
		return nil, err
	}
	if s.in, err = p.tupleExprNoCond(); err != nil {
		return nil, err
	}
	if p.acceptName("if") {
		if s.cond, err = p.expression(); err != nil {
			return nil, err
		}
	}
	s.recursive = p.acceptName("recursive")
	if err := p.endTag(); err != nil {
		return nil, err
	}
	p.loops++
	end := ""
	s.body, end, err = p.body("else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	if end == "else" {
		s.alt, err = p.block("endfor")
		return s, err
	}
	return s, p.endTag()
}

// target parses the left side of an assignment.
func (p *parser) target(attr bool) (target, error) {
	var parts []target
	isTuple := false
	for {
		one, err := p.targetItem(attr)
		if err != nil {
			return target{}, err
		}
		parts = append(parts, one)
		if !p.acceptOp(",") {
			break
		}
		isTuple = true
		if p.isName("in") || p.isOp("=") {
			break
		}
	}
	if isTuple {
		return target{tuple: parts}, nil
	}
	return parts[0], nil
}

func (p *parser) targetItem(attr bool) (target, error) {
	if err := p.enter(); err != nil {
		return target{}, err
	}
	defer p.leave()
	if p.acceptOp("(") {
		t, err := p.target(attr)
		if err != nil {
			return t, err
		}
		return t, p.expectOp(")")
	}
	tok := p.peek()
	name, err := p.expectName()
	if err != nil {
		return target{}, err
	}
	switch name {
	case "true", "false", "none", "True", "False", "None":
		return target{}, p.fail(tok, "cannot assign to %q", name)
	}
	if attr && p.acceptOp(".") {
		a, err := p.expectName()
		return target{name: name, attr: a}, err
	}
	return target{name: name}, nil
}

func (p *parser) setStmt(t token) (stmt, error) {
	tg, err := p.target(true)
	if err != nil {
		return nil, err
	}
	if p.acceptOp("=") {
		v, err := p.tupleExpr(true)
		if err != nil {
			return nil, err
		}
		return setStmt{t.line, tg, v}, p.endTag()
	}
	s := setBlockStmt{line: t.line, target: tg}
	if p.acceptOp("|") {
		if s.filters, err = p.filterChain(blockExpr{}); err != nil {
			return nil, err
		}
	}
	s.body, err = p.block("endset")
	return s, err
}

// params parses the parameter list of a macro or a caller.
func (p *parser) params(m *macro) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	for !p.acceptOp(")") {
		if len(m.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		t := p.peek()
		name, err := p.expectName()
		if err != nil {
			return err
		}
		m.params = append(m.params, name)
		if p.acceptOp("=") {
			d, err := p.expression()
			if err != nil {
				return err
			}
			m.defaults = append(m.defaults, d)
		} else if len(m.defaults) > 0 {
			return p.fail(t, "parameter %q without a default follows one with a default", name)
		}
	}
	return nil
}

func (p *parser) macroStmt(t token) (stmt, error) {
	name, err := p.expectName()
	if err != nil {
		return nil, err
	}
	m := &macro{name: name}
	if err := p.params(m); err != nil {
		return nil, err
	}
	return macroStmt{t.line, m}, p.macroBlock(m, "endmacro")
}

// macroBlock parses a macro's body; what it says about loops is its own.
func (p *parser) macroBlock(m *macro, end string) error {
	outer, loops := p.inMacro, p.loops
	p.inMacro, p.loops = m, 0
	var err error
	m.body, err = p.block(end)
	p.inMacro, p.loops = outer, loops
	return err
}

func (p *parser) callStmt(t token) (stmt, error) {
	m := &macro{name: "caller"}
	if p.isOp("(") {
		if err := p.params(m); err != nil {
			return nil, err
		}
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := e.(*callExpr)
	if !ok {
		return nil, p.fail(t, "{%% call %%} expects a call")
	}
	return callStmt{t.line, m, call}, p.macroBlock(m, "endcall")
}

func (p *parser) withStmt(t token) (stmt, error) {
	s := withStmt{line: t.line}
	for p.peek().kind != tokTagEnd {
		if len(s.names) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		n, err := p.targetItem(false)
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.names, s.values = append(s.names, n), append(s.values, v)
	}
	var err error
	s.body, err = p.block("endwith")
	return s, err
}
