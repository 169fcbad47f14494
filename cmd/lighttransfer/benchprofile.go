package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/prof"
)

// benchProfile is where the CPU time of a case went, over all rounds.
type benchProfile struct {
	Prefill []profilePart `json:"prefill"`
	Decode  []profilePart `json:"decode"`
}

// A profilePart is one kernel's part; the last one of a list is what no kernel did.
type profilePart struct {
	Part         string   `json:"part"`
	Calls        int      `json:"calls,omitempty"`
	Seconds      float64  `json:"seconds"`
	ShareOfTime  float64  `json:"share_of_time"`
	GOps         *float64 `json:"gops_per_second,omitempty"`
	GB           *float64 `json:"gb_per_second,omitempty"`
	ShareOfLimit *float64 `json:"share_of_limit,omitempty"`
}

// addEntries adds up the entries of two rounds.
func addEntries(a, b []prof.Entry) []prof.Entry {
	for _, e := range b {
		i := slices.IndexFunc(a, func(x prof.Entry) bool { return x.Name == e.Name })
		if i < 0 {
			a = append(a, e)
			continue
		}
		a[i].Calls += e.Calls
		a[i].Seconds += e.Seconds
		a[i].Work += e.Work
	}
	return a
}

func (b *bencher) profile(cs *benchCase) *benchProfile {
	var prefill, decode float64
	for _, s := range cs.samples {
		prefill += s.prefillCPU.Seconds()
		decode += s.decodeCPU.Seconds()
	}
	return &benchProfile{b.profileParts(cs.parts[0], prefill), b.profileParts(cs.parts[1], decode)}
}

func (b *bencher) profileParts(entries []prof.Entry, all float64) []profilePart {
	var parts []profilePart
	rest := all
	for _, e := range entries {
		p := profilePart{Part: e.Name, Calls: e.Calls, Seconds: e.Seconds, ShareOfTime: e.Seconds / all}
		speed := e.Work / max(e.Seconds, 1e-9) / 1e9
		switch e.Unit {
		case prof.None:
		case prof.Read:
			p.GB = &speed
		default:
			p.GOps = &speed
		}
		if limit := b.limit(e.Unit); limit > 0 {
			share := speed / limit
			p.ShareOfLimit = &share
		}
		parts = append(parts, p)
		rest -= e.Seconds
	}
	slices.SortStableFunc(parts, func(x, y profilePart) int { return cmp.Compare(y.Seconds, x.Seconds) })
	return append(parts, profilePart{Part: "the rest", Seconds: rest, ShareOfTime: rest / all})
}

// limit is the most that one core could do in a second.
func (b *bencher) limit(u prof.Unit) float64 {
	switch u {
	case prof.FMA:
		return b.peak.FMA
	case prof.BF16:
		return b.peak.BF16
	case prof.Int8:
		return b.peak.Int8
	case prof.Read:
		return b.peak.Read
	}
	return 0
}

// profileTable prints a result's profile, if it has one.
func (a *app) profileTable(r *benchResult, peak kernel.Peak) {
	if r.Profile == nil {
		return
	}
	for _, phase := range []struct {
		name  string
		parts []profilePart
	}{{"reading the prompt", r.Profile.Prefill}, {"generating", r.Profile.Decode}} {
		fmt.Fprintf(a.table, "\n%s, %s tokens, %s\n", r.Policy, count(r.Prompt), phase.name)
		var rows [][]string
		for _, p := range phase.parts {
			row := []string{p.Part, fmt.Sprintf("%.3f", p.Seconds), fmt.Sprintf("%.1f %%", 100*p.ShareOfTime), "", ""}
			switch {
			case p.GOps != nil:
				row[3] = fmt.Sprintf("%.0f Gop/s", *p.GOps)
			case p.GB != nil:
				row[3] = fmt.Sprintf("%.1f GB/s", *p.GB)
			}
			if p.ShareOfLimit != nil {
				row[4] = fmt.Sprintf("%.0f %%", 100**p.ShareOfLimit)
			}
			rows = append(rows, row)
		}
		a.table.Table([]string{"part", "CPU seconds", "of the time", "speed", "of the limit"}, rows)
	}
	fmt.Fprintf(a.table, "\nlimits of one core: float32 %.0f, bf16 %.0f, int8 %.0f Gop/s, reading memory %.1f GB/s\n", peak.FMA, peak.BF16, peak.Int8, peak.Read)
}
