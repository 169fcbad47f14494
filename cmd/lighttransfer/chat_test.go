package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/term"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// testTalk is a talk with the embedded model; output is what it wrote since.
func testTalk(t *testing.T, o *runFlags) (talk *talk, output func() string) {
	t.Helper()
	t.Setenv("LIGHTTRANSFER_HOME", t.TempDir())
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	a := &app{in: file, out: file, table: ui.NewTerm(file, nil), err: ui.NewTerm(file, nil)}
	m, _, err := a.open("tiny", &o.loading)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	talk, err = a.talk(m, "tiny", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { talk.close() })
	return talk, func() string {
		data, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.Truncate(0), seek(file)); err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

func seek(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// script is a user who types; after each turn, seen gets what was shown since.
type script struct {
	turns  []string
	output func() string
	seen   []string
}

func (s *script) Next() (string, error) {
	s.seen = append(s.seen, s.output())
	if len(s.turns) == 0 {
		return "", io.EOF
	}
	turn := s.turns[0]
	s.turns = s.turns[1:]
	if turn == "^C" {
		return "", errCancelled
	}
	return turn, nil
}

func uncancelled() (context.Context, func()) { return context.Background(), func() {} }

func TestChat(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "talk.kv")
	o := &runFlags{maxTokens: 8}
	o.policy = "auto"
	talk, output := testTalk(t, o)
	user := &script{output: output, turns: []string{"  ", "/help", "/stats", "^C", "/what", "/save",
		"The magic number of bridge is 1234567. The magic number of bridge is", "/stats", ". The magic number of bridge is", "/save " + saved, "/clear", "/stats",
		"/etc/hosts", "/bye", "never read"}}
	if err := talk.turns(user, uncancelled); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{""}, {""}, {"/clear", "/save FILE", "ctrl-C"}, {"0 of 4,096 tokens", "full attention"}, {"ctrl-D or /bye"}, {"/what is no command"}, {"a file is missing"},
		{"1234567"}, {"context ", "with full attention", " read", "8 written"}, {"1234567"}, {"lighttransfer run tiny --session " + saved}, {"forgotten"}, {"0 of 4,096 tokens"}, {"\n"}}
	if len(user.seen) != len(want) {
		t.Fatalf("%d turns, want %d", len(user.seen), len(want))
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(user.seen[i], part) {
				t.Errorf("before turn %d: %q was not shown in %q", i, part, user.seen[i])
			}
		}
	}

	o.session = saved
	talk, output = testTalk(t, o)
	talk.greet()
	if text := output(); !strings.Contains(text, "going on from") || !strings.Contains(text, "/help") {
		t.Errorf("greeting %q", text)
	}
	user = &script{output: output, turns: []string{". The magic number of bridge is"}}
	if err := talk.turns(user, uncancelled); err != nil {
		t.Fatal(err)
	}
	if r := talk.s.Report(); !strings.Contains(user.seen[1], "1234567") || r.ReusedTokens < 20 {
		t.Errorf("resumed: %q, %d tokens reused", user.seen[1], r.ReusedTokens)
	}
}

// ctrl-C ends the answer and not the chat; what was written stays.
func TestChatStop(t *testing.T) {
	o := &runFlags{ignoreEOS: true}
	o.policy = "auto"
	talk, output := testTalk(t, o)
	user := &script{output: output, turns: []string{"It was", "/stats"}}
	begin := func() (context.Context, func()) {
		ctx, cancel := context.WithCancel(context.Background())
		return &afterTokens{talk: talk, n: 10, Context: ctx}, cancel
	}
	if err := talk.turns(user, begin); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(user.seen[1], "(stopped)") {
		t.Errorf("stopping shows %q", user.seen[1])
	}
	if n := len(talk.s.IDs()); n < 10 || n > 20 {
		t.Errorf("%d tokens are kept", n)
	}
}

// afterTokens is cancelled once a session has n tokens.
type afterTokens struct {
	context.Context
	talk *talk
	n    int
}

func (c *afterTokens) Err() error {
	if len(c.talk.s.IDs()) >= c.n {
		return context.Canceled
	}
	return nil
}

// An answer that is interrupted is kept in the session file; a prompt is not.
func TestInterrupt(t *testing.T) {
	o := &runFlags{ignoreEOS: true, raw: true, session: filepath.Join(t.TempDir(), "s.kv")}
	o.policy = "auto"
	talk, output := testTalk(t, o)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := talk.once(ctx, "It was"); !errors.Is(err, errInterrupted) {
		t.Errorf("while reading: %v", err)
	}
	if _, err := os.Stat(o.session); err == nil {
		t.Error("half a prompt has been saved")
	}
	output()
	err := talk.once(&afterTokens{talk: talk, n: 10, Context: context.Background()}, "It was")
	if talk.status(nil, err) != exitInterrupted {
		t.Errorf("while writing: %v", err)
	}
	if text := output(); !strings.Contains(text, "KV cache") || !strings.HasSuffix(text, "interrupted\n") {
		t.Errorf("shown: %q", text)
	}
	again, _ := testTalk(t, o)
	if n := len(again.s.IDs()); n < 10 || n > 12 {
		t.Errorf("the file holds %d tokens", n)
	}
}

// A paste of several lines is one turn, ended by Enter.
func TestReadTurn(t *testing.T) {
	const paste, end = "\x1b[200~", "\x1b[201~"
	input := "one\r" + paste + "two\rthree\r" + end + "\r" + paste + "four\rfi" + end + "ve\r" + "\x1b[A\r"
	lines := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{strings.NewReader(input), io.Discard}, "")
	lines.SetBracketedPasteMode(true)
	for _, want := range []string{"one", "two\nthree", "four\nfive", "five"} {
		if got, err := readTurn(lines); err != nil || got != want {
			t.Errorf("turn %q, %v; want %q", got, err, want)
		}
	}
	if _, err := readTurn(lines); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestKeysNoticeInterrupt(t *testing.T) {
	k := &keys{Reader: strings.NewReader("half\x03")}
	if _, err := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, io.Discard}, "").ReadLine(); err != io.EOF || !k.interrupted {
		t.Errorf("%v, interrupted: %v", err, k.interrupted)
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q", n, got)
		}
	}
	for n, want := range map[int]string{2: "2nd", 3: "3rd", 8: "8th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("ordinal(%d) = %q", n, got)
		}
	}
	if got := fmt.Sprint(rate(lighttransfer.Speed{Tokens: 2, TokensPerSecond: 2.25}), rate(lighttransfer.Speed{Tokens: 9, TokensPerSecond: 1234.5})); got != " at 2.2/s at 1,235/s" {
		t.Errorf("rates:%s", got)
	}
}
