package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// settings are what the command line says.
type settings struct {
	llama, model, log, page string
	depths, flash           string
	core, rounds, generate  int
	policies                string
}

func main() {
	var s settings
	flag.StringVar(&s.llama, "llama", "", "folder that install.sh has filled")
	flag.StringVar(&s.model, "model", "", "GGUF file to measure with")
	flag.StringVar(&s.log, "log", "peers.jsonl", "what was measured; more is appended")
	flag.StringVar(&s.page, "page", "docs/performance.md", "page to write")
	flag.StringVar(&s.depths, "depths", "512,4096,16384", "lengths of the prompts")
	flag.StringVar(&s.flash, "flash", "1,0", "llama.cpp's flash attention: on, off, or both; empty: ours only")
	flag.StringVar(&s.policies, "policies", "full,lazy,default,compact,compact8", "which of our runs")
	flag.IntVar(&s.core, "core", 0, "the core to run on")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds to measure")
	flag.IntVar(&s.generate, "generate", 128, "tokens to generate at each depth")
	flag.Parse()
	if err := run(&s); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(s *settings) error {
	if s.rounds > 0 {
		if err := measure(s); err != nil {
			return err
		}
	}
	return writePage(s.log, s.page)
}

// A record is one line of the log: one program at one depth.
type record struct {
	Who       string `json:"who"` // "llama.cpp", or a run of ours
	Setting   string `json:"setting"`
	Model     string `json:"model"`
	Commit    string `json:"commit"`
	Processor string `json:"processor"`

	Prompt     int     `json:"prompt_tokens"`
	Prefill    float64 `json:"prefill_tokens_per_second"`
	Decode     float64 `json:"decode_tokens_per_second"`
	PrefillCPU float64 `json:"prefill_tokens_per_cpu_second"`
	DecodeCPU  float64 `json:"decode_tokens_per_cpu_second"`
	PeakRSS    int64   `json:"peak_rss_bytes"`
	KVPeak     int64   `json:"kv_peak_bytes"`
	Kernels    string  `json:"kernels"`
}

// measure does the rounds.
func measure(s *settings) error {
	if s.llama == "" || s.model == "" {
		return errors.New("give -llama and -model, or -rounds 0")
	}
	dir, err := os.MkdirTemp("", "peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "lighttransfer")
	if err := command("go", "build", "-o", program, "./cmd/lighttransfer").Run(); err != nil {
		return fmt.Errorf("run this in the project's folder: %w", err)
	}
	script := filepath.Join("bench", "peers", "bench.py")
	runs, err := ours(program, s, dir)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	base := record{Model: strings.TrimSuffix(filepath.Base(s.model), ".gguf"), Commit: commit(), Processor: processor()}
	for round := range s.rounds {
		for flash := range strings.SplitSeq(s.flash, ",") {
			if flash == "" {
				continue
			}
			r := base
			r.Who, r.Setting = "llama.cpp", "flash attention "+map[string]string{"1": "on", "0": "off"}[flash]
			if err := s.pinned(log, r, filepath.Join(s.llama, "bin", "python"), script, s.model, s.depths, fmt.Sprint(s.generate), flash); err != nil {
				return err
			}
		}
		for _, o := range runs {
			r := base
			r.Who, r.Setting = o.name, o.setting
			args := []string{"bench", s.model, "--json", "--threads", "1", "--prompt", s.depths, "--gen", fmt.Sprint(s.generate)}
			if err := s.pinned(log, r, program, append(args, o.args...)...); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, s.rounds)
	}
	return log.Close()
}

// pinned runs a program on the core and adds the lines it prints to the log.
func (s *settings) pinned(log *os.File, r record, name string, args ...string) error {
	touch()
	c := command("taskset", append([]string{"-c", fmt.Sprint(s.core), name}, args...)...)
	c.Stdout = nil
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(c.Args, " "), err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		line := r
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			return fmt.Errorf("%s printed %q: %w", name, sc.Text(), err)
		}
		line.Model = r.Model // the file, whatever each calls it
		data, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err := log.Write(append(data, '\n')); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%-10s %-24s %6d tokens: prefill %.1f, decode %.1f per CPU second\n", line.Who, line.Setting, line.Prompt, line.PrefillCPU, line.DecodeCPU)
	}
	return nil
}

// touch uses 2 GiB and gives them back, so that the program that comes next finds
// memory which the machine has used before. What a virtual machine has never used,
// its host must find first: 4 ms for 2 MiB instead of 0.2, in the middle of a token.
func touch() {
	b := make([]byte, 2<<30)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	debug.FreeOSMemory()
}

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}

// commit names the version measured, with a mark when it is not quite that.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// processor is its name, and how many there are.
func processor() string {
	out, err := exec.Command("lscpu").Output()
	if err != nil {
		return "unknown"
	}
	field := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(line, ":")
		field[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return fmt.Sprintf("%s (family %s, model %s), %s cores, L2 %s, L3 %s", field["Model name"], field["CPU family"], field["Model"],
		field["CPU(s)"], field["L2 cache"], field["L3 cache"])
}
