//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracer runs one program with all its threads and children.
type tracer struct {
	env    []string
	files  []*os.File // standard input, output and error
	stderr io.Writer  // for refused instructions
	count  int        // instructions emulated
	kept   int        // configurations that met tiles which nobody had released
	units  map[int]*unit
}

const follow = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC

// run returns the program's exit status.
func (t *tracer) run(argv []string) (int, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread() // only the thread that started the program may trace it
	defer runtime.UnlockOSThread()
	p, err := os.StartProcess(path, argv, &os.ProcAttr{
		Env: t.env, Files: t.files, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	var ws unix.WaitStatus
	if _, err := wait(p.Pid, &ws); err != nil {
		return 0, err
	}
	if err := unix.PtraceSetOptions(p.Pid, follow); err != nil {
		return 0, fmt.Errorf("ptrace: %w", err)
	}
	t.units = map[int]*unit{p.Pid: {}}
	resume(p.Pid, 0)
	for {
		tid, err := wait(-1, &ws)
		switch {
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case ws.Stopped():
			resume(tid, t.stopped(tid, ws))
			continue
		}
		delete(t.units, tid)
		if tid == p.Pid { // the last of its threads
			if ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return ws.ExitStatus(), nil
		}
	}
}

func wait(pid int, ws *unix.WaitStatus) (int, error) {
	for {
		tid, err := unix.Wait4(pid, ws, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return tid, err
		}
	}
}

// resume lets a thread go on with a signal, or 0. A thread that another one has
// just ended is not there any more, which its exit will tell.
func resume(tid int, s unix.Signal) { _ = unix.PtraceCont(tid, int(s)) }

// stopped returns the signal that a stopped thread shall get.
func (t *tracer) stopped(tid int, ws unix.WaitStatus) unix.Signal {
	s := ws.StopSignal()
	u := t.units[tid]
	if u == nil { // a new thread, which begins with a stop
		t.units[tid] = new(unit)
		if s == unix.SIGSTOP {
			return 0
		}
		u = t.units[tid]
	}
	switch {
	case s == unix.SIGTRAP && ws.TrapCause() > 0: // clone, fork, exec
		if ws.TrapCause() == unix.PTRACE_EVENT_EXEC {
			*u = unit{}
		}
		return 0
	case s == unix.SIGILL:
		return t.illegal(tid, u)
	}
	return s
}

// illegal emulates the AMX instructions that tid stands at, as many as follow
// one another, and returns 0, or the signal that the machine would raise.
func (t *tracer) illegal(tid int, u *unit) unix.Signal {
	var regs unix.PtraceRegsAmd64
	if unix.PtraceGetRegsAmd64(tid, &regs) != nil {
		return unix.SIGILL
	}
	r := registers{regs.Rax, regs.Rcx, regs.Rdx, regs.Rbx, regs.Rsp, regs.Rbp, regs.Rsi, regs.Rdi,
		regs.R8, regs.R9, regs.R10, regs.R11, regs.R12, regs.R13, regs.R14, regs.R15}
	var window [256]byte
	code := peek(tid, window[:], regs.Rip)
	var err error
	done := 0
	for {
		in, ok := decode(code[done:])
		if !ok {
			break
		}
		configured := u.on
		r[ripReg] = regs.Rip + uint64(done+in.size)
		if err = u.execute(in, &r, process(tid)); err != nil {
			fmt.Fprintf(t.stderr, "amxemu: %v at %#x: %v\n", in, regs.Rip+uint64(done), err)
			break
		}
		t.count++
		if in.op == ldtilecfg && configured {
			t.kept++
		}
		done += in.size
	}
	if done > 0 {
		regs.Rip += uint64(done)
		if e := unix.PtraceSetRegsAmd64(tid, &regs); e != nil {
			fmt.Fprintf(t.stderr, "amxemu: thread %d: %v\n", tid, e)
		}
	}
	var f *fault
	switch {
	case errors.As(err, &f) && f.kind == undefined, err == nil && done == 0:
		return unix.SIGILL
	case err != nil:
		setFault(tid, f)
		return unix.SIGSEGV
	}
	return 0
}

// peek reads what is there of dst from addr on.
func peek(tid int, dst []byte, addr uint64) []byte {
	local := []unix.Iovec{{Base: &dst[0], Len: uint64(len(dst))}}
	// Two pieces: if the second lies on a page that is not there, the first is read.
	first := min(len(dst), 4096-int(addr&4095))
	remote := []unix.RemoteIovec{{Base: uintptr(addr), Len: first}, {Base: uintptr(addr) + uintptr(first), Len: len(dst) - first}}
	n, err := unix.ProcessVMReadv(tid, local, remote, 0)
	if err != nil {
		return nil
	}
	return dst[:n]
}

// process is the memory of the process that a thread belongs to. Its pages are
// read and written with the rights the program has.
type process int

func (p process) read(rows [][]byte, addr, stride uint64) error {
	return p.move(unix.ProcessVMReadv, rows, addr, stride)
}

func (p process) write(rows [][]byte, addr, stride uint64) error {
	return p.move(unix.ProcessVMWritev, rows, addr, stride)
}

func (p process) move(f func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), rows [][]byte, addr, stride uint64) error {
	var local [maxRows]unix.Iovec
	var remote [maxRows]unix.RemoteIovec
	size := len(rows[0])
	for i, row := range rows {
		local[i] = unix.Iovec{Base: &row[0], Len: uint64(size)}
		remote[i] = unix.RemoteIovec{Base: uintptr(addr + uint64(i)*stride), Len: size}
	}
	n, err := f(int(p), local[:len(rows)], remote[:len(rows)], 0)
	if err == nil && n == size*len(rows) {
		return nil
	}
	done := max(0, n) / size
	at := addr + uint64(done)*stride
	return &fault{page, at, fmt.Sprintf("row %d, %d bytes at %#x, is not all there", done, size, at)}
}

// setFault makes the signal that stopped a thread the one of a memory fault.
func setFault(tid int, f *fault) {
	const setSigInfo = 0x4203 // PTRACE_SETSIGINFO
	const mapErr, fromKernel = 1, 0x80
	var info [128]byte // siginfo_t
	code := uint32(fromKernel)
	if f.kind == page {
		code = mapErr
	}
	binary.LittleEndian.PutUint32(info[0:], uint32(unix.SIGSEGV))
	binary.LittleEndian.PutUint32(info[8:], code)
	binary.LittleEndian.PutUint64(info[16:], f.addr)
	// Without it the program still gets the signal, but as if somebody had sent it.
	_, _, _ = unix.Syscall6(unix.SYS_PTRACE, setSigInfo, uintptr(tid), 0, uintptr(unsafe.Pointer(&info)), 0, 0)
}
