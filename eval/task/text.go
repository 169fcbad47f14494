package task

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

//go:embed text/*.txt words/*.txt
var bundled embed.FS

func bundledText(name string) string {
	data, err := bundled.ReadFile(name)
	if err != nil {
		panic(err) // embedded
	}
	return string(data)
}

// wordList reads a list of words, one a line, as RULER does.
func wordList(name string) func() []string {
	return sync.OnceValue(func() []string {
		var words []string
		for line := range strings.Lines(bundledText("words/" + name + ".txt")) {
			if w := strings.TrimSpace(line); w != "" {
				words = append(words, w)
			}
		}
		return words
	})
}

var (
	nouns      = wordList("nounlist")
	adjectives = wordList("adjectivelist")
	verbs      = wordList("verblist")
)

// allWords are those of the three lists, each once, sorted.
var allWords = sync.OnceValue(func() []string {
	words := slices.Concat(nouns(), adjectives(), verbs())
	slices.Sort(words)
	return slices.Compact(words)
})

// novel is the bundled text in sentences.
var novel = sync.OnceValue(func() []string { return sentences(bundledText("text/novel.txt")) })

// sources are the texts that tasks read from the folder of data, each once.
type sources struct {
	data   string
	essays []string // sentences
	qa     map[string]*corpus
	texts  map[string][]string // pieces, by kind
}

// essay returns the sentences RULER hides needles in: Paul Graham's essays where
// the folder of data has them, else the bundled novels.
func (s *sources) essay() ([]string, error) {
	if s.essays != nil {
		return s.essays, nil
	}
	text, err := s.publishedEssays()
	if err != nil {
		return nil, err
	}
	if s.essays = sentences(text); s.essays == nil {
		s.essays = novel()
	}
	return s.essays, nil
}

// publishedEssays is empty where the folder of data has none.
func (s *sources) publishedEssays() (string, error) {
	if s.data == "" {
		return "", nil
	}
	file := filepath.Join(s.data, "PaulGrahamEssays.json") // as RULER's script stores them
	if !exists(file) {
		return readTexts(filepath.Join(s.data, "PaulGrahamEssays", "*.txt"))
	}
	var essays struct{ Text string }
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &essays)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return essays.Text, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// readTexts joins the files of a pattern, in the order of their names.
func readTexts(pattern string) (string, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && st.IsDir() {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		b.Write(data)
		b.WriteByte('\n')
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD"), nil
}

// titles are words whose full stop ends no sentence.
var titles = []string{"Mr.", "Mrs.", "Dr.", "St.", "Rev.", "Col.", "Capt.", "Hon."}

// sentences cuts a text after full stops, question and exclamation marks that are
// followed by white space and no small letter. White space becomes one space.
func sentences(text string) []string {
	var all []string
	var s []string
	words := strings.Fields(text)
	for i, w := range words {
		s = append(s, w)
		end := strings.TrimRight(w, `"')]`)
		stop := strings.ContainsAny(end[max(len(end)-1, 0):], ".!?") && !slices.Contains(titles, strings.TrimLeft(end, `"'([-`))
		if last := i+1 == len(words); last || stop && !('a' <= words[i+1][0] && words[i+1][0] <= 'z') {
			all = append(all, strings.Join(s, " "))
			s = s[:0]
		}
	}
	return all
}

// take returns n sentences from one on; they begin anew when used up.
func take(sentences []string, from, n int) []string {
	out := make([]string, 0, n)
	for len(out) < n {
		from %= len(sentences)
		k := min(n-len(out), len(sentences)-from)
		out = append(out, sentences[from:from+k]...)
		from += k
	}
	return out
}

// insert puts texts[i] before sentence at[i]; at ascends.
func insert(sentences, texts []string, at []int) []string {
	out := make([]string, 0, len(sentences)+len(texts))
	last := 0
	for i, t := range texts {
		out = append(append(out, sentences[last:at[i]]...), t)
		last = at[i]
	}
	return append(out, sentences[last:]...)
}
