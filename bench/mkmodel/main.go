package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/lighttransfer/lighttransfer/weights/gguf"
)

func main() {
	shape := flag.String("shape", "smollm2-135m", "smollm2-135m or llama-3.2-1b")
	format := flag.String("type", "q8_0", "number format of the matrices: q8_0, q4_0, f16, bf16 or f32")
	out := flag.String("o", "", "the file to write")
	flag.Parse()
	if err := run(*shape, *format, *out, flag.NArg()); err != nil {
		fmt.Fprintln(os.Stderr, "mkmodel:", err)
		os.Exit(1)
	}
}

func run(shape, format, out string, more int) error {
	s, ok := shapes[shape]
	if !ok {
		return fmt.Errorf("shape %q: use smollm2-135m or llama-3.2-1b", shape)
	}
	f, ok := formats[format]
	if !ok {
		return fmt.Errorf("type %q: use q8_0, q4_0, f16, bf16 or f32", format)
	}
	if out == "" || more > 0 {
		return errors.New("give the file to write, with -o, and nothing else")
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file, shape, s, f), file.Close()); err != nil {
		os.Remove(out)
		return err
	}
	return nil
}

func write(w io.Writer, name string, s shape, f format) error {
	b := bufio.NewWriterSize(w, 1<<20)
	if err := gguf.Write(b, s.meta(name, f), s.tensors(f)); err != nil {
		return err
	}
	return b.Flush()
}
