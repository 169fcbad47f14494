package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is cut: steps in order.
type normalizer []func(string) string

func (n normalizer) apply(s string) string {
	for _, step := range n {
		s = step(s)
	}
	return s
}

// nfc composes characters (Unicode Normalization Form C), as Qwen 2 does.
func nfc(s string) string { return norm.NFC.String(s) }

// prepend puts prefix before any text that is not empty.
func prepend(prefix string) func(string) string {
	return func(s string) string {
		if s == "" {
			return s
		}
		return prefix + s
	}
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, new) }
}

// block is SentencePiece's visible space, U+2581.
const block = "▁"

// prefixSpace says which texts get a block in front, unless they have one:
// Metaspace's prepend_scheme.
type prefixSpace uint8

const (
	prefixNever  prefixSpace = iota
	prefixFirst              // the text at the very start of the input
	prefixAlways             // also the texts after added tokens
)

// metaspace turns spaces into blocks.
type metaspace struct {
	on     bool
	prefix prefixSpace
}

func (m metaspace) apply(s string, first bool) string {
	if !m.on {
		return s
	}
	s = strings.ReplaceAll(s, " ", block)
	if (m.prefix == prefixAlways || m.prefix == prefixFirst && first) && !strings.HasPrefix(s, block) {
		s = block + s
	}
	return s
}
