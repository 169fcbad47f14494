package jieba

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// archive is the file that holds the tables: the package's source archive.
const archive = "jieba-0.42.1.tar.gz"

// DefaultFile is where the archive is looked for: $LIGHTTRANSFER_JIEBA, or
// lighttransfer/jieba-0.42.1.tar.gz in the user's cache folder.
func DefaultFile() (string, error) {
	if file := os.Getenv("LIGHTTRANSFER_JIEBA"); file != "" {
		return file, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder to look for %s in: %w; set LIGHTTRANSFER_JIEBA to the file", archive, err)
	}
	return filepath.Join(dir, "lighttransfer", archive), nil
}

// The members of the archive that hold the tables, and the most bytes each may have.
const (
	dictName  = "jieba/dict.txt"
	startName = "jieba/finalseg/prob_start.py"
	transName = "jieba/finalseg/prob_trans.py"
	emitName  = "jieba/finalseg/prob_emit.py"

	mostBytes   = 64 << 20
	mostMembers = 1 << 16
)

// Open reads the tables from the archive of the package. An empty name is DefaultFile.
func Open(file string) (*Segmenter, error) {
	if file == "" {
		var err error
		if file, err = DefaultFile(); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("finding words in Chinese text needs the tables of jieba, and %s is not there: get it with tools/fetch-jieba.sh, or with: pip download --no-deps --no-binary :all: jieba==0.42.1", file)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	members, err := extract(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; it should be %s, the source archive of the Python package jieba (tools/fetch-jieba.sh gets it)", file, err, archive)
	}
	s, err := build(members)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// extract reads the members that are needed, by name.
func extract(r io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	members := map[string][]byte{}
	missing := []string{dictName, startName, transName, emitName}
	for t, n := tar.NewReader(z), 0; n < mostMembers; n++ {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(path.Clean(h.Name), "/") // without jieba-0.42.1
		for i, want := range missing {
			if name != want {
				continue
			}
			if h.Size > mostBytes {
				return nil, fmt.Errorf("%s has %d bytes, more than such a table can have (%d)", h.Name, h.Size, mostBytes)
			}
			data, err := io.ReadAll(t)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", h.Name, err)
			}
			members[name] = data
			if missing = append(missing[:i], missing[i+1:]...); len(missing) == 0 {
				return members, nil
			}
			break
		}
	}
	return nil, fmt.Errorf("there is no %s in it", missing[0])
}

// build makes a segmenter of the members.
func build(members map[string][]byte) (*Segmenter, error) {
	s := &Segmenter{}
	if err := s.dictionary(members[dictName]); err != nil {
		return nil, fmt.Errorf("%s: %w", dictName, err)
	}
	for _, table := range []struct {
		name string
		read func(any) error
	}{{startName, s.hmm.readStart}, {transName, s.hmm.readTrans}, {emitName, s.hmm.readEmit}} {
		v, err := parseDict(members[table.name])
		if err == nil {
			err = table.read(v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table.name, err)
		}
	}
	return s, nil
}

// dictionary reads lines of a word, its count and its part of speech.
func (s *Segmenter) dictionary(data []byte) error {
	counts := make(map[string]float64, bytes.Count(data, []byte("\n")))
	total := 0.0
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		digits, _, _ := strings.Cut(rest, " ")
		count, err := strconv.ParseUint(digits, 10, 32)
		if word == "" || err != nil || !utf8.ValidString(word) {
			return fmt.Errorf("line %d: want a word and its count, got %.60q", n, line)
		}
		counts[word] = float64(count)
		total += float64(count)
	}
	if total == 0 {
		return errors.New("no words")
	}
	s.words = make(map[string]float64, 2*len(counts))
	logTotal := math.Log(total)
	s.rare = -logTotal
	for word, count := range counts {
		s.words[word] = math.Log(count) - logTotal
	}
	for word := range counts {
		for i := range word {
			if _, ok := s.words[word[:i]]; !ok && i > 0 {
				s.words[word[:i]] = math.Inf(-1)
			}
		}
	}
	return nil
}

func (m *markov) readStart(v any) (err error) {
	m.start, err = perState(v)
	return err
}

func (m *markov) readTrans(v any) error {
	rows, ok := v.(map[string]any)
	if !ok {
		return errors.New("not a table by state")
	}
	for from := range states {
		row, err := perState(rows[stateNames[from:from+1]])
		if err != nil {
			return fmt.Errorf("state %c: %w", stateNames[from], err)
		}
		m.trans[from] = row
	}
	return nil
}

// perState is a table of numbers by state; what it leaves out was never seen.
func perState(v any) (p [states]float64, err error) {
	table, ok := v.(map[string]any)
	if !ok {
		return p, errors.New("not a table by state")
	}
	for y := range p {
		p[y] = never
		if x, ok := table[stateNames[y:y+1]]; ok {
			if p[y], ok = x.(float64); !ok {
				return p, fmt.Errorf("state %c has no number", stateNames[y])
			}
		}
	}
	return p, nil
}

func (m *markov) readEmit(v any) error {
	rows, ok := v.(map[string]any)
	if !ok {
		return errors.New("not a table by state")
	}
	m.emit = map[rune][states]float64{}
	for y := range states {
		row, ok := rows[stateNames[y:y+1]].(map[string]any)
		if !ok {
			return fmt.Errorf("state %c: not a table by character", stateNames[y])
		}
		for char, x := range row {
			p, isNumber := x.(float64)
			r, size := utf8.DecodeRuneInString(char)
			if !isNumber || size == 0 || size != len(char) {
				return fmt.Errorf("state %c: %q: want one character and a number", stateNames[y], char)
			}
			all, ok := m.emit[r]
			if !ok {
				all = [states]float64{never, never, never, never}
			}
			all[y] = p
			m.emit[r] = all
		}
	}
	return nil
}
