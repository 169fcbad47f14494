package maths

import (
	"hash/fnv"
	"math"
	"math/big"
	"math/cmplx"
)

var constants = map[string]complex128{"pi": math.Pi, "e": math.E, "i": 1i}

var functions = map[string]func(complex128) complex128{
	"sin": cmplx.Sin, "cos": cmplx.Cos, "tan": cmplx.Tan, "cot": cmplx.Cot,
	"sec": func(x complex128) complex128 { return 1 / cmplx.Cos(x) }, "csc": func(x complex128) complex128 { return 1 / cmplx.Sin(x) },
	"arcsin": cmplx.Asin, "arccos": cmplx.Acos, "arctan": cmplx.Atan, "sinh": cmplx.Sinh, "cosh": cmplx.Cosh, "tanh": cmplx.Tanh,
	"ln": cmplx.Log, "exp": cmplx.Exp, "log": cmplx.Log10,
}

// A value is a number: exact where it is rational and not too long, else
// approximate.
type value struct {
	exact  *big.Rat // nil: approximate
	approx complex128
}

const longest = 1 << 14 // bits of an exact number

func exactly(r *big.Rat) value {
	f, _ := r.Float64()
	v := value{approx: complex(f, 0)}
	if r.Num().BitLen()+r.Denom().BitLen() <= longest {
		v.exact = r
	}
	return v
}

// finite reports whether a value can be compared.
func (v value) finite() bool {
	return v.exact != nil || !cmplx.IsNaN(v.approx) && !cmplx.IsInf(v.approx)
}

// same compares two values: exact ones exactly, others to within what rounding does.
func (v value) same(w value) bool {
	if v.exact != nil && w.exact != nil {
		return v.exact.Cmp(w.exact) == 0
	}
	if !v.finite() || !w.finite() {
		return false
	}
	d, size := cmplx.Abs(v.approx-w.approx), max(cmplx.Abs(v.approx), cmplx.Abs(w.approx))
	return d <= 1e-10*size || size < 1e-12
}

// trials are the points at which formulas are compared: two at which every
// variable is a fraction, a positive and a negative one, and one of complex numbers.
const trials = 3

// at is a variable's value at a point.
func at(name string, trial int) value {
	h := fnv.New64a()
	h.Write([]byte(name))
	h.Write([]byte{byte(trial)})
	bits := h.Sum64()
	part := func() int64 { // 101 to 1124
		bits = bits*6364136223846793005 + 1442695040888963407
		return int64(bits>>54) + 101
	}
	x := big.NewRat(part(), 509)
	switch trial {
	case 0:
		return exactly(x)
	case 1:
		return exactly(x.Neg(x))
	}
	f, _ := x.Float64()
	return value{approx: complex(f, float64(part())/509)}
}

// eval is the value of a formula at a point; false if it is none, or has none there.
func (n *node) eval(trial int) (value, bool) {
	switch n.kind {
	case numberNode:
		return exactly(n.num), true
	case symbolNode:
		if c, ok := constants[n.name]; ok {
			return value{approx: c}, true
		}
		return at(n.name, trial), true
	case callNode, addNode, mulNode, divNode, powNode:
	default:
		return value{}, false
	}
	args := make([]value, len(n.args))
	for i, a := range n.args {
		var ok bool
		if args[i], ok = a.eval(trial); !ok {
			return value{}, false
		}
	}
	var v value
	switch n.kind {
	case callNode:
		v = call(n.name, args)
	case powNode:
		v = pow(args[0], args[1])
	default:
		v = arithmetic(n.kind, args[0], args[1])
	}
	return v, v.finite()
}

var undefined = value{approx: cmplx.NaN()}

func arithmetic(k kind, a, b value) value {
	if a.exact != nil && b.exact != nil {
		r := new(big.Rat)
		switch {
		case k == addNode:
			return exactly(r.Add(a.exact, b.exact))
		case k == mulNode:
			return exactly(r.Mul(a.exact, b.exact))
		case b.exact.Sign() == 0:
			return undefined
		}
		return exactly(r.Quo(a.exact, b.exact))
	}
	switch k {
	case addNode:
		return value{approx: a.approx + b.approx}
	case mulNode:
		return value{approx: a.approx * b.approx}
	}
	return value{approx: a.approx / b.approx}
}

func pow(a, b value) value {
	if a.exact != nil && b.exact != nil && b.exact.IsInt() {
		n := b.exact.Num()
		size := a.exact.Num().BitLen() + a.exact.Denom().BitLen()
		if a.exact.Sign() == 0 && n.Sign() <= 0 {
			return undefined
		}
		if n.IsInt64() && n.BitLen() < 32 && int64(size)*max(n.Int64(), -n.Int64()) <= longest {
			e := new(big.Int).Abs(n)
			p, q := new(big.Int).Exp(a.exact.Num(), e, nil), new(big.Int).Exp(a.exact.Denom(), e, nil)
			if n.Sign() < 0 {
				p, q = q, p
			}
			return exactly(new(big.Rat).SetFrac(p, q))
		}
	}
	return value{approx: cmplx.Pow(a.approx, b.approx)}
}

// call is a function's value. Roots of numbers that are squares, cubes, ... are exact.
func call(name string, args []value) value {
	last := args[len(args)-1]
	switch name {
	case "root":
		return root(args[0], last)
	case "abs":
		if last.exact != nil {
			return exactly(new(big.Rat).Abs(last.exact))
		}
		return value{approx: complex(cmplx.Abs(last.approx), 0)}
	case "!":
		if n, ok := small(last); ok {
			return exactly(new(big.Rat).SetInt(new(big.Int).MulRange(1, n)))
		}
		return undefined
	case "binom":
		n, ok1 := small(args[0])
		k, ok2 := small(last)
		if !ok1 || !ok2 {
			return undefined
		}
		return exactly(new(big.Rat).SetInt(new(big.Int).Binomial(n, k)))
	}
	v := value{approx: functions[name](last.approx)}
	if len(args) == 2 { // the logarithm in a base
		v.approx = cmplx.Log(last.approx) / cmplx.Log(args[0].approx)
	}
	return v
}

// small is a value that is a natural number with factorials of a sensible length.
func small(v value) (int64, bool) {
	if v.exact == nil || !v.exact.IsInt() || !v.exact.Num().IsInt64() {
		return 0, false
	}
	n := v.exact.Num().Int64()
	return n, n >= 0 && n <= 1000
}

// root is the real root where there is one, else the principal one.
func root(degree, x value) value {
	n, ok := small(degree)
	if !ok || n < 1 {
		return undefined
	}
	if x.exact != nil && n == 2 && x.exact.Sign() >= 0 {
		p, q := new(big.Int).Sqrt(x.exact.Num()), new(big.Int).Sqrt(x.exact.Denom())
		r := new(big.Rat).SetFrac(p, q)
		if new(big.Rat).Mul(r, r).Cmp(x.exact) == 0 {
			return exactly(r)
		}
	}
	if re := real(x.approx); n%2 == 1 && imag(x.approx) == 0 && re < 0 {
		return value{approx: complex(-math.Pow(-re, 1/float64(n)), 0)}
	}
	return value{approx: cmplx.Pow(x.approx, complex(1/float64(n), 0))}
}
