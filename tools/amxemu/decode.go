//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// opcode is one of the AMX instructions.
type opcode uint8

const (
	ldtilecfg opcode = iota
	sttilecfg
	tileloadd
	tileloaddt1
	tilestored
	tilezero
	tilerelease
	tdpbf16ps
	tdpbssd
	tdpbsud
	tdpbusd
	tdpbuud
)

var opNames = [...]string{"ldtilecfg", "sttilecfg", "tileloadd", "tileloaddt1", "tilestored", "tilezero", "tilerelease",
	"tdpbf16ps", "tdpbssd", "tdpbsud", "tdpbusd", "tdpbuud"}

// instruction is a decoded one. dst, a and b are numbers of tiles; in the
// notation of the manual dst += a b.
type instruction struct {
	op        opcode
	size      int // bytes
	dst, a, b int
	mem       operand
}

// operand is an address in memory: base + index<<scale + disp.
type operand struct {
	base, index int // numbers of general registers, or noReg, or ripReg
	scale       uint
	disp        int64
}

const (
	noReg  = -1
	ripReg = 16
)

// registers holds RAX RCX RDX RBX RSP RBP RSI RDI R8 .. R15, then RIP, which is
// that of the next instruction when an address is formed.
type registers [17]uint64

// start returns the operand's address without its index.
func (o operand) start(r *registers) uint64 {
	at := uint64(o.disp)
	if o.base != noReg {
		at += r[o.base]
	}
	return at
}

// offset returns the index, scaled: the distance of the rows of a tile.
func (o operand) offset(r *registers) uint64 {
	if o.index == noReg {
		return 0
	}
	return r[o.index] << o.scale
}

// decode reads the AMX instruction that code begins with. Anything else, with
// prefixes before VEX or with bits that must be otherwise, is none: such an
// instruction is undefined on real machines too, or has a segment or an address
// size that no program of ours uses.
//
//	C4  RXBmmmmm  WvvvvLpp  opcode  ModRM [SIB] [disp]
func decode(code []byte) (instruction, bool) {
	var in instruction
	if len(code) < 5 || code[0] != 0xC4 || code[1]&0x1F != 2 { // map 0F38
		return in, false
	}
	r, x, b := int(^code[1]>>7&1)<<3, int(^code[1]>>6&1)<<3, int(^code[1]>>5&1)<<3
	wide, vvvv, long, pp := code[2]>>7, int(^code[2]>>3&15), code[2]>>2&1, code[2]&3
	mod, reg, rm := code[4]>>6, int(code[4]>>3&7), int(code[4]&7)
	if wide != 0 || long != 0 {
		return in, false
	}
	in.dst, in.size = reg, 5
	const none, p66, pF3, pF2 = 0, 1, 2, 3
	switch code[3] {
	case 0x49: // configuration
		switch {
		case vvvv != 0:
			return in, false
		case code[4] == 0xC0 && pp == none && r == 0:
			in.op = tilerelease
			return in, true
		case mod == 3 && pp == pF2 && rm == 0 && r == 0:
			in.op = tilezero
			return in, true
		case mod != 3 && reg == 0 && r == 0 && pp == none:
			in.op = ldtilecfg
		case mod != 3 && reg == 0 && r == 0 && pp == p66:
			in.op = sttilecfg
		default:
			return in, false
		}
		return in, in.address(code, mod, rm, x, b)
	case 0x4B: // memory
		if mod == 3 || rm != 4 || vvvv != 0 || r != 0 || pp == none {
			return in, false
		}
		in.op = [...]opcode{p66: tileloaddt1, pF3: tilestored, pF2: tileloadd}[pp]
		return in, in.address(code, mod, rm, x, b)
	case 0x5C:
		in.op = tdpbf16ps
		if pp != pF3 {
			return in, false
		}
	case 0x5E:
		in.op = [...]opcode{none: tdpbuud, p66: tdpbusd, pF3: tdpbsud, pF2: tdpbssd}[pp]
	default:
		return in, false
	}
	in.a, in.b = rm, vvvv
	return in, mod == 3 && r == 0 && b == 0 && vvvv < 8
}

// address decodes the memory operand after ModRM.
func (in *instruction) address(code []byte, mod byte, rm, x, b int) bool {
	at := 5
	in.mem = operand{base: rm + b, index: noReg}
	if rm == 4 {
		if len(code) < 6 {
			return false
		}
		sib := code[5]
		at++
		in.mem.scale = uint(sib >> 6)
		if i := int(sib>>3&7) + x; i != 4 {
			in.mem.index = i
		}
		rm = int(sib & 7)
		in.mem.base = rm + b
		if rm == 5 && mod == 0 {
			in.mem.base = noReg
		}
	} else if rm == 5 && mod == 0 {
		in.mem.base = ripReg
	}
	switch {
	case mod == 1:
		if len(code) < at+1 {
			return false
		}
		in.mem.disp = int64(int8(code[at]))
		at++
	case mod == 2 || rm == 5 && mod == 0:
		if len(code) < at+4 {
			return false
		}
		in.mem.disp = int64(int32(binary.LittleEndian.Uint32(code[at:])))
		at += 4
	}
	in.size = at
	return true
}

var regNames = [...]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"}

// String writes the instruction as disassemblers do, the destination first.
func (in instruction) String() string {
	name := opNames[in.op]
	switch in.op {
	case ldtilecfg, sttilecfg:
		return name + " " + in.mem.String()
	case tileloadd, tileloaddt1:
		return fmt.Sprintf("%s tmm%d,%v", name, in.dst, in.mem)
	case tilestored:
		return fmt.Sprintf("%s %v,tmm%d", name, in.mem, in.dst)
	case tilezero:
		return fmt.Sprintf("%s tmm%d", name, in.dst)
	case tilerelease:
		return name
	}
	return fmt.Sprintf("%s tmm%d,tmm%d,tmm%d", name, in.dst, in.a, in.b)
}

func (o operand) String() string {
	var parts []string
	if o.base != noReg {
		parts = append(parts, regNames[o.base])
	}
	if o.index != noReg {
		parts = append(parts, fmt.Sprintf("%s*%d", regNames[o.index], 1<<o.scale))
	}
	s := strings.Join(parts, "+")
	switch {
	case s == "":
		s = fmt.Sprintf("0x%x", uint64(o.disp))
	case o.disp < 0:
		s += fmt.Sprintf("-0x%x", -o.disp)
	default:
		s += fmt.Sprintf("+0x%x", o.disp)
	}
	return "[" + s + "]"
}
