package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

const (
	firstPrompt = ">>> "
	morePrompt  = "... " // while pasted lines await Enter
)

// A keyboard reads turns from a terminal, with line editing, a history and pastes
// of several lines. The terminal is in raw mode only while it reads, so that
// ctrl-C reaches the program while it answers.
type keyboard struct {
	in, out *os.File
	keys    *keys
	lines   *term.Terminal
}

func newKeyboard(in, out *os.File) *keyboard {
	k := &keyboard{in: in, out: out, keys: &keys{Reader: in, Writer: out}}
	k.lines = term.NewTerminal(k.keys, firstPrompt)
	return k
}

// Next implements messages.
func (k *keyboard) Next() (string, error) {
	old, err := term.MakeRaw(int(k.in.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(k.in.Fd()), old)
	if width, height, err := term.GetSize(int(k.out.Fd())); err == nil && width > 0 {
		k.lines.SetSize(width, height)
	}
	k.lines.SetBracketedPasteMode(true)
	defer k.lines.SetBracketedPasteMode(false)
	text, err := readTurn(k.lines)
	if err == io.EOF {
		io.WriteString(k.out, "\r\n")
		if k.keys.interrupted {
			k.keys.interrupted = false
			history := k.lines.History
			k.lines = term.NewTerminal(k.keys, firstPrompt) // the line begun is gone
			k.lines.History = history
			err = errCancelled
		}
	}
	return text, err
}

// readTurn reads a line, or a paste of several and what is typed after it.
func readTurn(lines *term.Terminal) (string, error) {
	defer lines.SetPrompt(firstPrompt)
	var turn []string
	for {
		line, err := lines.ReadLine()
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return "", err
		}
		turn = append(turn, line)
		if err == nil {
			return strings.TrimRight(strings.Join(turn, "\n"), "\n"), nil
		}
		lines.SetPrompt(morePrompt)
	}
}

// keys notices ctrl-C, which the line editor reports as it does ctrl-D.
type keys struct {
	io.Reader
	io.Writer
	interrupted bool
}

func (k *keys) Read(p []byte) (int, error) {
	n, err := k.Reader.Read(p)
	if bytes.IndexByte(p[:n], 3) >= 0 {
		k.interrupted = true
	}
	return n, err
}
