package ui

import (
	"io"
	"os"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"
)

// A Term is an output and what it can show. As an io.Writer it takes text with
// colours and passes on those that the output can show.
type Term struct {
	out   *colorprofile.Writer
	file  *os.File // the terminal; nil when it is none
	width int      // columns
}

const plainWidth = 80 // columns of an output that is no terminal

// NewTerm looks at an output and at the environment (TERM, COLORTERM, NO_COLOR,
// CLICOLOR_FORCE), given as [os.Environ] does.
func NewTerm(w io.Writer, env []string) *Term {
	t := &Term{out: colorprofile.NewWriter(w, env), width: plainWidth}
	for _, e := range env {
		if len(e) > len("NO_COLOR=") && e[:len("NO_COLOR=")] == "NO_COLOR=" {
			t.out.Profile = min(t.out.Profile, colorprofile.ASCII)
		}
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		lipgloss.EnableLegacyWindowsANSI(f)
		t.file = f
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.width = width
		}
	}
	return t
}

func (t *Term) Write(p []byte) (int, error) { return t.out.Write(p) }

// IsTerminal reports whether somebody is looking.
func (t *Term) IsTerminal() bool { return t.file != nil }

// Width is the number of columns; 80 when the output is no terminal.
func (t *Term) Width() int { return t.width }

// colors reports whether colours are shown.
func (t *Term) colors() bool { return t.out.Profile > colorprofile.ASCII }
