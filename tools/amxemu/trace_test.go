//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// The tests start this test binary once more, under the tracer. What it does
// there is in this variable.
const childEnv = "AMXEMU_TEST_CHILD"

func TestMain(m *testing.M) {
	switch what := os.Getenv(childEnv); what {
	case "":
		os.Exit(m.Run())
	case "products":
		os.Exit(childProducts())
	case "exit":
		os.Exit(41)
	case "kept":
		os.Exit(childKept())
	default:
		childRefused(what)
	}
}

// trace runs this binary as the child that does what is named.
func trace(t *testing.T, what string) (status int, tr *tracer, output, refused string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr bytes.Buffer
	tr = &tracer{env: append(os.Environ(), childEnv+"="+what, "GOTRACEBACK=none"), files: []*os.File{nil, out, out}, stderr: &stderr}
	status, err = tr.run(os.Args[:1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return status, tr, string(text), stderr.String()
}

func TestTrace(t *testing.T) {
	if status, _, out, _ := trace(t, "exit"); status != 41 {
		t.Errorf("exit status %d, want 41: %s", status, out)
	}
	status, tr, out, refused := trace(t, "products")
	if status != 7 || tr.count < 10*childWorkers*childRounds || tr.kept != 0 || refused != "" {
		t.Errorf("products: exit status %d, want 7; %d instructions, %d times kept: %s%s", status, tr.count, tr.kept, out, refused)
	}
	if status, tr, out, _ := trace(t, "kept"); status != 0 || tr.count != 3 || tr.kept != 1 {
		t.Errorf("kept: exit status %d, %d instructions, %d times kept: %s", status, tr.count, tr.kept, out)
	}
}

func TestTraceRefuses(t *testing.T) {
	for what, want := range map[string][2]string{
		"unconfigured": {"#UD", "SIGILL"},
		"reserved":     {"#GP", "SIGSEGV"},
		"memory":       {"#PF", "addr=0x1000"},
		"readonly":     {"#PF", "SIGSEGV"},
	} {
		status, _, out, refused := trace(t, what)
		if status == 0 || !strings.Contains(refused, want[0]) || !strings.Contains(out, want[1]) {
			t.Errorf("%s: exit status %d, refused %q, output:\n%s", what, status, refused, out)
		}
	}
}

// program is machine code in the making.
type program []byte

// set loads a register (0 AX, 1 CX, 2 DX) with a constant.
func (p *program) set(reg byte, v uint64) {
	*p = binary.LittleEndian.AppendUint64(append(*p, 0x48, 0xB8+reg), v)
}

func (p *program) add(code ...byte) { *p = append(*p, code...) }

// load returns the program as a function.
func (p program) load() func() {
	mem, err := syscall.Mmap(-1, 0, (len(p)+4096)&^4095, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	copy(mem, append(p, 0xC3)) // RET
	closure := &[1]*byte{&mem[0]}
	return *(*func())(unsafe.Pointer(&closure))
}

const (
	childWorkers = 6
	childRounds  = 100
)

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// childProducts multiplies in several threads, while the garbage collector runs
// all the time, and checks each product.
func childProducts() int {
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	var wg sync.WaitGroup
	bad := make(chan string, childWorkers)
	for w := range childWorkers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // threads of their own
			if err := childWork(rand.New(rand.NewPCG(9, uint64(w)))); err != nil {
				bad <- err.Error()
			}
		}()
	}
	wg.Wait()
	close(stop)
	select {
	case what := <-bad:
		fmt.Println(what)
		return 1
	default:
		return 7
	}
}

// childWork multiplies a [5][32] by b [8][7 words] and adds it to c, by TDPBUSD.
// The operands do not move: they are not on a stack.
func childWork(r *rand.Rand) error {
	type operands struct {
		cfg [64]byte
		a   [5][32]byte
		b   [8][28]byte
		c   [5][7]int32
	}
	o := new(operands)
	o.cfg = config([2]int{5, 28}, [2]int{5, 32}, [2]int{8, 28})
	var p program
	p.set(0, address(&o.cfg))
	p.add(0xC4, 0xE2, 0x78, 0x49, 0x00) // ldtilecfg [rax]
	for i, at := range []uint64{address(&o.c), address(&o.a), address(&o.b)} {
		p.set(1, []uint64{28, 32, 28}[i])
		p.set(2, at)
		p.add(0xC4, 0xE2, 0x7B, 0x4B, byte(4|i<<3), 0x0A) // tileloadd tmm0, 1 or 2,[rdx+rcx]
	}
	p.add(0xC4, 0xE2, 0x69, 0x5E, 0xC1) // tdpbusd tmm0,tmm1,tmm2
	p.set(1, 28)
	p.set(2, address(&o.c))
	p.add(0xC4, 0xE2, 0x7A, 0x4B, 0x04, 0x0A) // tilestored [rdx+rcx],tmm0
	p.add(0xC4, 0xE2, 0x7B, 0x49, 0xC0)       // tilezero tmm0
	for range 3 {
		p.add(0xC4, 0xE2, 0x78, 0x49, 0xC0) // tilerelease
	}
	run := p.load()
	for round := range childRounds {
		for i := range o.a {
			for k := range o.a[i] {
				o.a[i][k] = byte(r.Uint32())
			}
		}
		for i := range o.b {
			for k := range o.b[i] {
				o.b[i][k] = byte(r.Uint32())
			}
		}
		want := o.c
		for i := range want {
			for j := range want[i] {
				for k := range o.a[i] {
					want[i][j] += int32(o.a[i][k]) * int32(int8(o.b[k/4][4*j+k%4]))
				}
			}
		}
		run()
		if o.c != want {
			return fmt.Errorf("round %d: %v, want %v", round, o.c, want)
		}
		if round%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	runtime.KeepAlive(o)
	return nil
}

// childKept configures twice without a release between.
func childKept() int {
	cfg := new([64]byte)
	*cfg = config([2]int{2, 8})
	var p program
	p.set(0, address(cfg))
	p.add(0xC4, 0xE2, 0x78, 0x49, 0x00) // ldtilecfg [rax]
	p.add(0xC4, 0xE2, 0x78, 0x49, 0x00)
	p.add(0xC4, 0xE2, 0x78, 0x49, 0xC0) // tilerelease
	p.load()()
	runtime.KeepAlive(cfg)
	return 0
}

// childRefused does what the machine refuses, and does not return.
func childRefused(what string) {
	cfg := new([64]byte)
	*cfg = config([2]int{2, 8})
	if what == "reserved" {
		cfg[63] = 1
	}
	var p program
	p.set(0, address(cfg))
	if what != "unconfigured" {
		p.add(0xC4, 0xE2, 0x78, 0x49, 0x00) // ldtilecfg [rax]
	}
	p.set(1, 8)
	p.set(2, 0x1000)
	load := []byte{0xC4, 0xE2, 0x7B, 0x4B, 0x04, 0x0A} // tileloadd tmm0,[rdx+rcx]
	if what == "readonly" {
		page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			panic(err)
		}
		p.set(2, address(&page[0]))
		p.add(load...)
		load[2] = 0x7A // tilestored
	}
	p.add(load...)
	p.load()()
	runtime.KeepAlive(cfg)
	fmt.Println("not refused")
	os.Exit(0)
}
