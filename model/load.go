package model

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/weights"
)

// loader reads weights until the first error, which it keeps. Matrices wait to be
// packed together, on all threads.
type loader struct {
	src         Source
	opts        Options
	done, total int64
	waiting     []func() error
	kept        *packed    // read from a file; nil: nothing
	all         []packable // matrices, in the order of the model
	fresh       bool       // some were packed
	err         error
}

func (l *loader) fail(format string, a ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, a...)
	}
}

// find returns a tensor of exactly this shape.
func (l *loader) find(name string, shape ...int) (weights.Tensor, []int, bool) {
	if l.err != nil {
		return weights.Tensor{}, nil, false
	}
	t, order, ok := l.src.Tensor(name)
	if !ok {
		l.fail("the model has no tensor %s", cmp.Or(t.Name, name))
		return t, nil, false
	}
	same := len(t.Shape) == len(shape)
	for i := 0; same && i < len(shape); i++ {
		same = t.Shape[i] == shape[i]
	}
	if !same {
		l.fail("tensor %s has shape %v; the model's configuration asks for %v", t.Name, t.Shape, shape)
		return t, nil, false
	}
	n := 1
	for _, s := range shape {
		n *= s
	}
	if want, whole := t.Type.Bytes(n); !whole || want != len(t.Data) {
		l.fail("tensor %s: %d bytes for %d values of %s", t.Name, len(t.Data), n, t.Type)
		return t, nil, false
	}
	l.done += int64(len(t.Data))
	return t, order, true
}

// raw returns a matrix as it lies in the file.
func (l *loader) raw(name string, rows, cols int) weights.Tensor {
	t, order, ok := l.find(name, rows, cols)
	if !ok {
		return t
	}
	if _, whole := t.Type.Bytes(cols); !whole {
		l.fail("tensor %s: rows of %d values do not fit the blocks of %s", name, cols, t.Type)
	}
	if order != nil {
		l.fail("tensor %s: permuted rows where none are expected", name)
	}
	return t
}

// matrix has *m packed by the next call of pack, unless it has been kept.
func (l *loader) matrix(m **kernel.Matrix, name string, rows, cols int) {
	t, order, ok := l.find(name, rows, cols)
	if !ok {
		return
	}
	typ := t.Type
	if to := l.opts.Quantize; to != kernel.F32 && (typ == kernel.F32 || typ == kernel.F16 || typ == kernel.BF16) {
		typ = to
	}
	l.all = append(l.all, packable{name, m})
	if *m = l.kept.matrix(name, typ, rows, cols); *m != nil {
		return
	}
	l.fresh = true
	l.waiting = append(l.waiting, func() (err error) {
		data := t.Data
		if typ != t.Type {
			if data, err = requantize(typ, t.Type, data, rows, cols); err != nil {
				return fmt.Errorf("tensor %s: %w", t.Name, err)
			}
		}
		if *m, err = kernel.NewMatrix(typ, rows, cols, data, order); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		return nil
	})
}

// pack does what waits, and lets go of the file's memory.
func (l *loader) pack() error {
	if l.err != nil {
		return l.err
	}
	errs := make([]error, len(l.waiting))
	l.opts.Pool.Run(len(l.waiting), func(i int) { errs[i] = l.waiting[i]() })
	packed := len(l.waiting) > 0
	l.waiting = l.waiting[:0]
	l.src.Forget()
	if packed && l.opts.Progress != nil {
		l.opts.Progress(l.done, l.total)
	}
	return errors.Join(errs...)
}

// keep writes what has been packed to the file of packed weights. A model is as
// good without it.
func (l *loader) keep(from string) {
	if !l.fresh {
		return
	}
	mode := fs.FileMode(0o600)
	if st, err := os.Stat(l.src.Paths()[0]); err == nil {
		mode |= st.Mode().Perm() // who may read the model may read this
	}
	if n, err := savePacked(l.opts.Packed, from, mode, l.all, l.opts.Pool); err != nil {
		l.opts.notice("the packed weights could not be kept: %v", err)
	} else {
		l.opts.notice("packed weights kept in %s (%d MiB) for the next start", l.opts.Packed, (n+1<<20-1)>>20)
	}
}

func (l *loader) linear(to *linear, name string, rows, cols int, bias bool) {
	l.matrix(&to.w, name+".weight", rows, cols)
	to.b = l.vector(name+".bias", rows, bias)
}

// vector reads n float32 values; nil when it is not wanted. A file that has one
// which the configuration does not speak of is refused: it would change results.
func (l *loader) vector(name string, n int, want bool) []float32 {
	if l.err != nil {
		return nil
	}
	if !want {
		if t, _, ok := l.src.Tensor(name); ok {
			l.fail("the model has a tensor %s that its configuration does not announce", t.Name)
		}
		return nil
	}
	t, order, ok := l.find(name, n)
	if !ok {
		return nil
	}
	v := make([]float32, n)
	if err := kernel.Dequantize(v, t.Type, t.Data); err != nil {
		l.fail("tensor %s: %w", name, err)
		return nil
	}
	if order != nil {
		p := make([]float32, n)
		for i, from := range order {
			p[i] = v[from]
		}
		return p
	}
	return v
}

// requantize turns float rows into blocks of another type.
func requantize(to, from kernel.DType, data []byte, rows, cols int) ([]byte, error) {
	in, _ := from.Bytes(cols)
	out, whole := to.Bytes(cols)
	if !whole {
		return nil, fmt.Errorf("rows of %d values do not fit the blocks of %s; load it without quantisation", cols, to)
	}
	row, q := make([]float32, cols), make([]byte, rows*out)
	for i := range rows {
		if err := kernel.Dequantize(row, from, data[i*in:][:in]); err != nil {
			return nil, err
		}
		if err := kernel.Quantize(q[i*out:][:out], to, row); err != nil {
			return nil, err
		}
	}
	return q, nil
}
