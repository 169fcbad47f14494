package weights

import (
	"fmt"
	"strings"
)

// A FormatError reports a malformed file: what it says about itself cannot be
// true. Use errors.As to tell it from an [UnsupportedError].
type FormatError struct {
	Path   string
	Offset int64  // byte of the file where the fault was noticed; -1 when it has no place
	Tensor string // name of the tensor concerned, or empty
	Msg    string // what is wrong
}

func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ": byte %d", e.Offset)
	}
	if e.Tensor != "" {
		fmt.Fprintf(&b, ": tensor %s", Quote(e.Tensor))
	}
	return b.String() + ": " + e.Msg
}

// An UnsupportedError reports a well-formed file with something this program
// cannot use.
type UnsupportedError struct {
	Path   string
	Tensor string // name of the tensor concerned, or empty
	What   string // what is not supported, by its name
	Hint   string // what to do instead
}

func (e *UnsupportedError) Error() string {
	s := e.Path
	if e.Tensor != "" {
		s += ": tensor " + Quote(e.Tensor)
	}
	s += ": " + e.What + " is not supported"
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Quote quotes a name found in a file for an error message: control characters
// escaped, and cut when it is long, so that a hostile file cannot flood or
// steer a terminal.
func Quote(name string) string {
	const most = 80
	if len(name) > most {
		return fmt.Sprintf("%+q... (%d bytes)", name[:most], len(name))
	}
	return fmt.Sprintf("%q", name)
}
