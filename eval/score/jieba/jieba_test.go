package jieba

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testdata/small.tar.gz is a small dictionary and model of our own, cuts.json how
// jieba itself cuts text with them (tools/golden/score.py).
func TestCut(t *testing.T) {
	s, err := Open("testdata/small.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/cuts.json")
	if err != nil {
		t.Fatal(err)
	}
	var cuts [][2]json.RawMessage
	if err := json.Unmarshal(data, &cuts); err != nil {
		t.Fatal(err)
	}
	if len(cuts) < 200 {
		t.Fatalf("%d texts", len(cuts))
	}
	checkCuts(t, s, cuts)
}

func checkCuts(t *testing.T, s *Segmenter, cuts [][2]json.RawMessage) {
	t.Helper()
	for _, c := range cuts {
		var text string
		var want []string
		if err := json.Unmarshal(c[0], &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c[1], &want); err != nil {
			t.Fatal(err)
		}
		if got := s.Cut(text); !slices.Equal(got, want) {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

// The real tables are looked for where users have them, gold cuts beside the repository.
func TestCutReal(t *testing.T) {
	file, err := DefaultFile()
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%v; tools/fetch-jieba.sh gets it", err)
	}
	s, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Cut("小明硕士毕业于中国科学院计算所"), "/"); got != "小明/硕士/毕业/于/中国科学院/计算所" {
		t.Error(got)
	}
	gold := filepath.Join("..", "..", "..", "..", "shared", "data", "measure-only", "jieba", "gold.json.gz")
	f, err := os.Open(gold)
	if err != nil {
		t.Skipf("extra data %s is absent", gold)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cuts struct{ Cut [][2]json.RawMessage }
	if err := json.NewDecoder(z).Decode(&cuts); err != nil {
		t.Fatal(err)
	}
	checkCuts(t, s, cuts.Cut)
}

func FuzzCut(f *testing.F) {
	s, err := Open("testdata/small.tar.gz")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("我们的图书馆 3.5%\r\nabc")
	f.Add("\xff河\x80")
	f.Fuzz(func(t *testing.T, text string) {
		if got := strings.Join(s.Cut(text), ""); got != text {
			t.Errorf("the words of %q make %q", text, got)
		}
	})
}

// small is a set of members that are right.
var small = map[string]string{
	dictName:  "河 3 n\n河流 2 n\n",
	startName: "P={'B': -0.2,\n 'S': -1.4}",
	transName: "P={'B': {'E': -0.5}, 'E': {'S': -1}, 'M': {}, 'S': {'B': -1e0}}",
	emitName:  "from __future__ import unicode_literals\n\nP={'B': {'\\u4e00': -3.65}, 'M': {}, 'E': {u'流': -1,}, 'S': {}}\n",
}

func writeArchive(t *testing.T, members map[string]string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range members {
		if err := w.WriteHeader(&tar.Header{Name: "jieba-1/" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	z.Close()
	file := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpenSmall(t *testing.T) {
	s, err := Open(writeArchive(t, small))
	if err != nil {
		t.Fatal(err)
	}
	if p := s.hmm.emit['一']; p[begin] != -3.65 || p[end] != never {
		t.Errorf("the table of 一 is %v", p)
	}
	if got := s.Cut("河流河"); !slices.Equal(got, []string{"河流", "河"}) {
		t.Errorf("%q", got)
	}
}

func TestOpenDamaged(t *testing.T) {
	for _, c := range []struct{ member, text, want string }{
		{dictName, "河 3 n\n河流\n", "jieba/dict.txt: line 2: want a word and its count"},
		{dictName, "河 -3 n\n", "line 1: want a word"},
		{dictName, "", "no words"},
		{startName, "P={'B': 'x'}", "offset 8: want a number"},
		{startName, "P=__import__('os')", `want "{"`},
		{startName, "P={'B': {}}", "state B has no number"},
		{transName, "P={'B': 1}", "state B: not a table by state"},
		{transName, "P={'B': {'E': -1}, 'B': {}}", "is there twice"},
		{transName, "P={}{}", "something follows"},
		{emitName, "P={'B': {'ab': 1}, 'M': {}, 'E': {}, 'S': {}}", "want one character and a number"},
		{emitName, "P={'B': {'\\x41': 1}}", "four hexadecimal digits"},
		{emitName, "P={'B': {'a", "the string has no end"},
		{emitName, strings.Repeat("{", 1000), `want "P"`},
		{emitName, "P={'B':" + strings.Repeat("{'B':", 1000), "deep"},
	} {
		members := maps.Clone(small)
		members[c.member] = c.text
		if _, err := Open(writeArchive(t, members)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.40q: %v, want %s", c.member, c.text, err, c.want)
		}
	}
	without := maps.Clone(small)
	delete(without, emitName)
	if _, err := Open(writeArchive(t, without)); err == nil || !strings.Contains(err.Error(), "there is no jieba/finalseg/prob_emit.py in it; it should be jieba-0.42.1.tar.gz") {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "no.tar.gz")
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "fetch-jieba.sh") {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("PK\x03\x04"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "source archive") {
		t.Error(err)
	}
}

func FuzzParseDict(f *testing.F) {
	for _, text := range small {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = parseDict(data) })
}
