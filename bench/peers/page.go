package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// What is between the marks in the page is ours to replace.
const (
	beginMark = "<!-- measured by bench/peers -->"
	endMark   = "<!-- end of what bench/peers wrote -->"
)

// writePage puts the log's figures into the page.
func writePage(log, page string) error {
	records, err := readLog(log)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %s and %s between which figures go", page, beginMark, endMark)
	}
	return os.WriteFile(page, []byte(before+beginMark+"\n\n"+figures(records)+"\n"+endMark+after), 0o644)
}

var runOrder = []string{"llama.cpp", "full", "lazy", "default", "compact", "compact8"}

func readLog(path string) ([]record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []record
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var r record
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(all)+1, err)
		}
		all = append(all, r)
	}
	// Runs are listed in one order, whichever was measured first.
	slices.SortStableFunc(all, func(a, b record) int {
		return cmp.Compare(slices.Index(runOrder, a.Who), slices.Index(runOrder, b.Who))
	})
	if len(all) == 0 {
		return nil, errors.Join(sc.Err(), fmt.Errorf("%s is empty", path))
	}
	return all, sc.Err()
}

// A figure is a median.
type figure struct {
	wall, cpu float64
	rounds    int
}

// phases of a run, and where a record has them.
var phases = []struct {
	name string
	wall func(r record) float64
	cpu  func(r record) float64
}{
	{"prefill", func(r record) float64 { return r.Prefill }, func(r record) float64 { return r.PrefillCPU }},
	{"decode", func(r record) float64 { return r.Decode }, func(r record) float64 { return r.DecodeCPU }},
}

// targets are what was aimed at: times llama.cpp, by tier, phase, run and depth.
var targets = map[string]map[string]string{
	"amx": {"prefill full 512": "2.5", "prefill full 4096": "8", "prefill full 16384": "15", "prefill default 16384": "22", "prefill compact 16384": "30",
		"decode full 4096": "2", "decode full 16384": "2.5", "decode lazy 16384": "4", "decode default 16384": "4.5", "decode compact 16384": "6", "decode compact8 16384": "7"},
	"avx512": {"prefill full 512": "3", "prefill full 4096": "4", "prefill full 16384": "5", "prefill default 16384": "10", "prefill compact 16384": "14",
		"decode full 4096": "2.5", "decode full 16384": "4", "decode lazy 16384": "5.5", "decode default 16384": "6.5", "decode compact 16384": "9", "decode compact8 16384": "10"},
	"avx2": {"prefill full 512": "1.1", "prefill full 4096": "1.5", "prefill full 16384": "2", "prefill default 16384": "3", "prefill compact 16384": "5",
		"decode full 4096": "1.2", "decode full 16384": "1.5", "decode lazy 16384": "2.5", "decode default 16384": "3", "decode compact 16384": "4", "decode compact8 16384": "5"},
}

// figures is the measured part of the page: a section per model and tier.
func figures(all []record) string {
	var b strings.Builder
	for _, model := range distinct(all, func(r record) string { return r.Model }) {
		of := keep(all, func(r record) bool { return r.Model == model })
		peer := keep(of, func(r record) bool { return r.Who == "llama.cpp" })
		for _, tier := range distinct(keep(of, func(r record) bool { return r.Who != "llama.cpp" }), func(r record) string { return r.Kernels }) {
			section(&b, model, tier, peer, keep(of, func(r record) bool { return r.Kernels == tier }))
		}
	}
	return b.String()
}

func section(b *strings.Builder, model, tier string, peer, ours []record) {
	fmt.Fprintf(b, "### %s, %s kernels\n\n", model, tier)
	fmt.Fprintf(b, "- machine: %s\n", ours[0].Processor)
	fmt.Fprintf(b, "- commit: %s\n", strings.Join(distinct(ours, func(r record) string { return r.Commit }), ", "))
	for _, k := range distinct(peer, func(r record) string { return r.Kernels }) {
		fmt.Fprintf(b, "- llama.cpp: llama-cpp-python %s\n", k)
	}
	b.WriteString("\n| what | prompt | run | llama.cpp | ours | times | times by the clock | aim | rounds |\n|---|---:|---|---:|---:|---:|---:|---:|---:|\n")
	for _, p := range phases {
		for _, depth := range distinct(ours, func(r record) int { return r.Prompt }) {
			at := func(all []record) []record { return keep(all, func(r record) bool { return r.Prompt == depth }) }
			best, flash := better(at(peer), p.cpu, p.wall)
			for _, run := range distinct(ours, func(r record) string { return r.Who }) {
				rs := keep(at(ours), func(r record) bool { return r.Who == run })
				if len(rs) == 0 {
					continue
				}
				f := medians(rs, p.cpu, p.wall)
				aim := ""
				if t := targets[tier][fmt.Sprintf("%s %s %d", p.name, run, depth)]; t != "" {
					aim = "≥ " + t
				}
				theirs, times, clock := "", "", ""
				if best.rounds > 0 {
					theirs = fmt.Sprintf("%s (%s)", digits(best.cpu), strings.TrimPrefix(flash, "flash attention "))
					times, clock = fmt.Sprintf("%.2f", f.cpu/best.cpu), fmt.Sprintf("%.2f", f.wall/best.wall)
				}
				fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s | %s | %s | %d |\n", p.name, depth, rs[0].Setting, theirs, digits(f.cpu), times, clock, aim, f.rounds)
			}
		}
	}
	memory(b, peer, ours)
}

// memory is the table of what was held at the longest prompt.
func memory(b *strings.Builder, peer, ours []record) {
	depth := 0
	for _, r := range ours {
		depth = max(depth, r.Prompt)
	}
	fmt.Fprintf(b, "\nMost memory resident during a prompt of %d tokens, and in the KV cache:\n\n| run | memory, MiB | of llama.cpp's | KV cache, MiB |\n|---|---:|---:|---:|\n", depth)
	held := func(rs []record) (most int64) {
		for _, r := range rs {
			most = max(most, r.PeakRSS)
		}
		return most
	}
	least := int64(0) // of llama.cpp's settings
	for _, s := range distinct(peer, func(r record) string { return r.Setting }) {
		if m := held(keep(peer, func(r record) bool { return r.Setting == s && r.Prompt == depth })); m > 0 && (least == 0 || m < least) {
			least = m
		}
	}
	all := append(slices.Clone(peer), ours...)
	all = keep(all, func(r record) bool { return r.Prompt == depth })
	for _, setting := range distinct(all, func(r record) string { return r.Who + "|" + r.Setting }) {
		rs := keep(all, func(r record) bool { return r.Who+"|"+r.Setting == setting })
		rss, name := held(rs), rs[0].Setting
		if rs[0].Who == "llama.cpp" {
			name = "llama.cpp, " + name
		}
		times, cache := "", ""
		if least > 0 {
			times = fmt.Sprintf("%.2f", float64(rss)/float64(least))
		}
		if rs[0].KVPeak > 0 {
			cache = fmt.Sprint(rs[0].KVPeak >> 20)
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", name, rss>>20, times, cache)
	}
	b.WriteString("\n")
}

// better is the setting whose median is higher.
func better(rs []record, cpu, wall func(record) float64) (best figure, setting string) {
	for _, s := range distinct(rs, func(r record) string { return r.Setting }) {
		if f := medians(keep(rs, func(r record) bool { return r.Setting == s }), cpu, wall); f.cpu > best.cpu {
			best, setting = f, s
		}
	}
	return best, setting
}

func medians(rs []record, cpu, wall func(record) float64) figure {
	median := func(of func(record) float64) float64 {
		var all []float64
		for _, r := range rs {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	return figure{wall: median(wall), cpu: median(cpu), rounds: len(rs)}
}

func keep(rs []record, want func(record) bool) []record {
	var kept []record
	for _, r := range rs {
		if want(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// distinct lists the values of a field in the order in which they come up.
func distinct[T comparable](rs []record, field func(record) T) []T {
	var all []T
	for _, r := range rs {
		if v := field(r); !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// digits is a speed to three digits.
func digits(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
