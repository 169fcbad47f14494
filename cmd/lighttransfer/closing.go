package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/kv"
)

// closing says in a line what was read and written, and what the policy did and
// saved.
func (t *talk) closing() string {
	r := t.s.Report()
	return t.policyWords(&r) + t.hint(&r) + ": " + speeds(&r) + ", " + kvWords(&r.KV)
}

// policyWords is "full attention", or which part of the model is lazy.
func (t *talk) policyWords(r *lighttransfer.Report) string {
	name := t.policyName(r)
	switch {
	case r.Policy == "full":
		return "full attention"
	case r.Policy == "plan" && r.Auto:
		name = "calibrated plan"
	}
	c := t.m.Config()
	switch {
	case len(r.LazyHeads) > 0:
		n := len(r.LazyHeads) + len(r.LazyLayers)*c.KVHeads
		return fmt.Sprintf("%s, %d of %d KV heads lazy (%s)", name, n, c.Layers*c.KVHeads, keptWords(r))
	case len(r.LazyLayers) > 0:
		return fmt.Sprintf("%s, %d of %d layers lazy (%s)", name, len(r.LazyLayers), c.Layers, keptWords(r))
	case r.PromptTokens <= r.Window.Sink+r.Window.Recent:
		return fmt.Sprintf("%s, nothing lazy yet (a prompt within the window of %s tokens needs no choice)", name, count(r.Window.Sink+r.Window.Recent))
	}
	return name + ", nothing lazy"
}

// hint says how there could be a plan to use.
func (t *talk) hint(r *lighttransfer.Report) string {
	if r.Policy != "full" || !r.Auto {
		return ""
	}
	return fmt.Sprintf(" (no calibrated plan; `lighttransfer calibrate %s` makes one)", t.path)
}

// policyName is the policy as it was asked for, or as the session has it.
func (t *talk) policyName(r *lighttransfer.Report) string {
	switch {
	case t.o.policy != "auto":
		return t.o.policy
	case r.PolicyArgs != "":
		return r.Policy + ":" + r.PolicyArgs
	}
	return r.Policy
}

// keptWords is what most lazy heads keep.
func keptWords(r *lighttransfer.Report) string {
	switch {
	case r.PickedHeads > 0:
		return "picked tokens kept"
	case r.MergedHeads > 0:
		return "merged in pairs"
	case r.OwnWindows:
		return ownWindows
	}
	return keeps(r.Window)
}

// ownWindows stands for what heads keep that do not keep the same.
const ownWindows = "each keeps a window of its own"

// keeps is "first 4, last 252 and every 8th token".
func keeps(w kv.Window) string {
	s := fmt.Sprintf("last %s tokens", count(w.Recent))
	switch {
	case w.Sink > 0 && w.Stride > 0:
		s = fmt.Sprintf("first %s, last %s and every %s token", count(w.Sink), count(w.Recent), ordinal(w.Stride))
	case w.Stride > 0:
		s = fmt.Sprintf("last %s and every %s token", count(w.Recent), ordinal(w.Stride))
	case w.Sink > 0:
		s = fmt.Sprintf("first %s and last %s tokens", count(w.Sink), count(w.Recent))
	}
	return s + " kept"
}

// speeds is "6,012 tokens read at 410/s, 47 written at 38/s".
func speeds(r *lighttransfer.Report) string {
	s := fmt.Sprintf("%s tokens read%s", count(r.Prefill.Tokens), rate(r.Prefill))
	if r.ReusedTokens > 0 {
		s += fmt.Sprintf(" (%s more were in the cache)", count(r.ReusedTokens))
	}
	return s + fmt.Sprintf(", %s written%s", count(r.Decode.Tokens), rate(r.Decode))
}

func rate(s lighttransfer.Speed) string {
	switch {
	case s.Tokens < 2: // the first token costs no step of its own
		return ""
	case s.TokensPerSecond < 10:
		return fmt.Sprintf(" at %.1f/s", s.TokensPerSecond)
	}
	return fmt.Sprintf(" at %s/s", count(int(s.TokensPerSecond+0.5)))
}

// kvWords is "KV cache 41.2 MiB instead of 112 MiB (peak 60.1 MiB)".
func kvWords(k *lighttransfer.KVReport) string {
	s := "KV cache " + mem.FormatBytes(k.Bytes)
	if k.Bytes < k.FullBytes {
		s += " instead of " + mem.FormatBytes(k.FullBytes)
	}
	if k.PeakBytes > k.Bytes+k.Bytes/20 {
		s += fmt.Sprintf(" (peak %s)", mem.FormatBytes(k.PeakBytes))
	}
	return s
}

// count writes a whole number with commas, 6,012.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > strings.Count(s, "-"); i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ordinal is "8th".
func ordinal(n int) string {
	end := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return count(n) + end
}
