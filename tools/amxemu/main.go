//go:build linux && amd64

// Command amxemu runs a program on a machine without Intel's AMX as if it had it:
//
//	amxemu PROGRAM [ARGUMENT...]
//
// The project's tests of the tier amx run under it where no machine has AMX
// (.ci/run amx). It starts the program under ptrace(2). An AMX instruction raises
// SIGILL there; amxemu does what the manual says it does, to the program's memory
// and to tile registers that it keeps for each thread, and lets the program go on
// behind it. What real machines refuse it refuses too, with the signal that they
// would raise, and says why: tiles that are not configured, shapes that do not
// fit, reserved bytes that are not zero, memory that is not there.
//
// It emulates LDTILECFG, STTILECFG, TILELOADD, TILELOADDT1, TILESTORED, TILEZERO,
// TILERELEASE, TDPBF16PS, TDPBSSD, TDPBSUD, TDPBUSD and TDPBUUD, in 64-bit mode.
// An instruction costs some 10 microseconds: the results say what the program
// computes, and nothing about its speed.
//
// CPUID still tells the truth about the machine. For this project's programs
// amxemu sets LIGHTTRANSFER_AMX=assume, which makes them believe that AMX is there.
//
// The exit status is the program's; 128 + n if signal n ended it; 2 if amxemu
// could not run it, or if it succeeds but used no AMX, or left tiles configured,
// which no machine refuses but which makes every change of threads slower.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: amxemu PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	// The last of two settings counts.
	t := tracer{
		env:    append(os.Environ(), "LIGHTTRANSFER_AMX=assume"),
		files:  []*os.File{os.Stdin, os.Stdout, os.Stderr},
		stderr: os.Stderr,
	}
	status, err := t.run(os.Args[1:])
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = fmt.Errorf("%w; ptrace(2) must be allowed here, as it is not in some containers", err)
		}
		fmt.Fprintf(os.Stderr, "amxemu: %s: %v\n", strings.Join(os.Args[1:], " "), err)
		os.Exit(2)
	}
	fmt.Fprintf(os.Stderr, "amxemu: %d AMX instructions emulated\n", t.count)
	switch {
	case status != 0:
	case t.count == 0:
		fmt.Fprintln(os.Stderr, "amxemu: the program uses no AMX; does it ask CPUID?")
		status = 2
	case t.kept > 0:
		fmt.Fprintf(os.Stderr, "amxemu: tiles were not released before %d of the configurations\n", t.kept)
		status = 2
	}
	os.Exit(status)
}
