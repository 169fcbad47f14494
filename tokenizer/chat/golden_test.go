package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// golden is one case of testdata/goldens.json, which tools/golden/chat.py wrote
// with Python's Jinja.
type golden struct {
	Template string          // a file of testdata, rendered with Data
	Source   string          // or a template, rendered with the common variables
	Name     string          // of the conversation
	Data     json.RawMessage // of the conversation
	Want     *string         // nil: rendering must fail
}

func readGoldens(t testing.TB) (cases []golden, vars map[string]any, now time.Time) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "goldens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Now   string
		Vars  json.RawMessage
		Cases []golden
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if vars, err = Decode(file.Vars); err != nil {
		t.Fatal(err)
	}
	if now, err = time.Parse("2006-01-02T15:04:05", file.Now); err != nil {
		t.Fatal(err)
	}
	return file.Cases, vars, now
}

func parseFile(t *testing.T, name string) *Template {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := Parse(name, string(src))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestGoldens(t *testing.T) {
	cases, vars, now := readGoldens(t)
	if len(cases) < 100 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		name, src, data := c.Template+" "+c.Name, c.Source, vars
		if c.Template != "" {
			src = parseFile(t, c.Template).Source()
			var err error
			if data, err = Decode(c.Data); err != nil {
				t.Fatal(err)
			}
		}
		got := ""
		tmpl, err := Parse("golden", src)
		if err == nil {
			got, err = tmpl.WithClock(func() time.Time { return now }).Render(data)
		}
		switch {
		case c.Want == nil && err == nil:
			t.Errorf("%s %s: no error, got %q", name, c.Source, got)
		case c.Want != nil && err != nil:
			t.Errorf("%s %s: %v", name, c.Source, err)
		case c.Want != nil && got != *c.Want:
			t.Errorf("%s %s:\n got %q\nwant %q", name, c.Source, got, *c.Want)
		}
	}
}
