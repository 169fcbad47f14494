package task

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/score"
)

// Held-back continuations: text, of which the next tokens are given to the model
// and their likelihood is measured. No answer is generated.
var heldOutTexts = []struct{ kind, summary string }{
	{"novel", "The next 256 tokens of a novel."},
	{"encyclopedia", "The next 256 tokens of an encyclopedia (DIR/encyclopedia/*.txt, or DIR/text/wiki*.txt such as WikiText's)."},
	{"code", "The next 256 tokens of program code (DIR/code/*, else Go source of this project)."},
}

const heldOutTokens = 256

func heldOut() []Task {
	var all []Task
	for _, t := range heldOutTexts {
		all = append(all, generator{
			name: "text_" + t.kind, group: "own", summary: t.summary, scorer: score.MatchAll, lengths: ownLengths, count: 24, least: 16,
			build: func(g *gen, n int) (Record, error) {
				text, err := g.sources.pieces(t.kind)
				if err != nil {
					return Record{}, err
				}
				return g.heldOut(text, n)
			},
		}.task())
	}
	return all
}

// heldOut is n words of a text and those that follow, which are chosen first.
func (g *gen) heldOut(text []string, n int) (Record, error) {
	first := min(2*g.length, len(text)*3/4) // a word is at least a token, and twice as many are tried
	if len(text)-first < 2*heldOutTokens {
		return Record{}, fmt.Errorf("a text of %d words is too short to take %d tokens from; give a longer one", len(text), g.length)
	}
	at := first + g.IntN(len(text)-first-heldOutTokens)
	if n > at {
		return Record{}, fmt.Errorf("a text of %d words is too short for a prompt of %d tokens; give a longer one, or ask for a smaller length", len(text), g.length)
	}
	k := heldOutTokens
	target := strings.Join(text[at:at+k], "")
	for size := g.tokens(target); size > heldOutTokens && k > 1; size = g.tokens(target) {
		k = max(1, min(k-1, k*heldOutTokens/size+1))
		target = strings.Join(text[at:at+k], "")
	}
	return Record{Prompt: strings.TrimLeft(strings.Join(text[at-n:at], ""), " \n\t"), Raw: true, Target: target}, nil
}

// pieces returns a text of a kind in words with the white space before them.
func (s *sources) pieces(kind string) ([]string, error) {
	if p := s.texts[kind]; p != nil {
		return p, nil
	}
	text, err := s.text(kind)
	if err != nil {
		return nil, err
	}
	var all []string
	start, inWord := 0, false
	for i, c := range []byte(text) {
		space := c == ' ' || c == '\n' || c == '\t' || c == '\r'
		if inWord && space {
			all = append(all, text[start:i])
			start = i
		}
		inWord = !space
	}
	if s.texts == nil {
		s.texts = map[string][]string{}
	}
	s.texts[kind] = all
	return all, nil
}

func (s *sources) text(kind string) (string, error) {
	var patterns []string
	switch kind {
	case "novel":
		return bundledText("text/novel.txt"), nil
	case "code":
		patterns = []string{"code/*"}
	default:
		patterns = []string{"encyclopedia/*.txt", "text/wiki*.txt"}
	}
	if s.data != "" {
		for _, p := range patterns {
			if text, err := readTexts(filepath.Join(s.data, p)); err != nil || strings.TrimSpace(text) != "" {
				return text, err
			}
		}
	}
	if kind == "code" {
		return bundledText("text/code.txt"), nil
	}
	return "", needsData(s.data, patterns...)
}
