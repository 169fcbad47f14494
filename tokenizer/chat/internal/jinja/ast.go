package jinja

// Statements.
type (
	textStmt   struct{ text string }
	outputStmt struct {
		line int
		e    expr
	}
	ifStmt struct {
		line       int
		cond       expr
		then, alts []stmt
	}
	forStmt struct {
		line      int
		target    target
		in, cond  expr // cond may be nil
		body, alt []stmt
		recursive bool
	}
	setStmt struct {
		line   int
		target target
		value  expr
	}
	setBlockStmt struct {
		line    int
		target  target
		body    []stmt
		filters *filterExpr // nil, or a chain that ends in a blockExpr
	}
	macroStmt struct {
		line int
		m    *macro
	}
	callStmt struct {
		line int
		m    *macro // the caller
		call *callExpr
	}
	filterStmt struct {
		line    int
		body    []stmt
		filters *filterExpr
	}
	withStmt struct {
		line   int
		names  []target
		values []expr
		body   []stmt
	}
	blockStmt struct{ body []stmt } // block, autoescape, generation: run in a scope
	jumpStmt  struct {
		line int
		stop bool // break, else continue
	}
	stmt any
)

// macro is the parsed form of {% macro %} and of the body of {% call %}.
type macro struct {
	name     string
	params   []string
	defaults []expr // of the last len(defaults) parameters
	body     []stmt
	varargs  bool // the body mentions varargs, kwargs, caller
	kwargs   bool
	caller   bool
}

// target is the left side of an assignment: a name, name.attr, or a tuple.
type target struct {
	name, attr string
	tuple      []target
}

// Expressions.
type (
	constExpr struct{ v Value }
	nameExpr  struct {
		line int
		name string
	}
	listExpr struct {
		items []expr
		tuple bool
	}
	dictExpr struct{ keys, vals []expr }
	unExpr   struct {
		op string
		x  expr
	}
	binExpr struct {
		line int
		op   string
		l, r expr
	}
	concatExpr struct {
		line  int
		parts []expr
	}
	compareExpr struct {
		line int
		x    expr
		ops  []string
		rest []expr
	}
	condExpr struct{ cond, then, alt expr } // alt may be nil
	attrExpr struct {
		line int
		x    expr
		name string
	}
	indexExpr struct {
		line int
		x, i expr
	}
	sliceExpr struct {
		line              int
		x, from, to, step expr // each bound may be nil
	}
	callExpr struct {
		line int
		f    expr
		a    callArgs
	}
	filterExpr struct {
		line int
		name string
		x    expr // blockExpr in filter and set blocks
		a    callArgs
	}
	testExpr struct {
		line int
		name string
		x    expr
		a    callArgs
		not  bool
	}
	blockExpr struct{} // the text of the block that is being filtered
	expr      any
)

type callArgs struct {
	pos      []expr
	names    []string
	vals     []expr
	star, kw expr // *star, **kw; may be nil
}
