package chat

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// allowed names the cases of the shared goldens that are known to differ.
var allowed = map[string]string{}

// goldenDate is the day on which the goldens were made; templates that print the
// date show it.
var goldenDate = time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC)

// TestSharedGoldens renders real templates of the hub against what Hugging
// Face's renderer made of them. The data lies outside of the project.
func TestSharedGoldens(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "measure-only", "chat_templates", "cases.json.gz")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no shared goldens beside the project: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Template, Target string
		Data                   json.RawMessage
	}
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	right, total := [2]int{}, [2]int{} // plain, with tools
	for _, c := range cases {
		data, err := Decode(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		kind := 0
		if tools, _ := data["tools"].([]any); len(tools) > 0 {
			kind = 1
		}
		total[kind]++
		got := ""
		tmpl, err := Parse(c.Name, c.Template)
		if err == nil {
			got, err = tmpl.WithClock(func() time.Time { return goldenDate }).Render(data)
		}
		if ok := err == nil && got == c.Target || err != nil && c.Target == "ERROR"; ok {
			right[kind]++
			continue
		}
		if _, ok := allowed[c.Name]; !ok {
			t.Errorf("%s: %v\n got %q\nwant %q", c.Name, err, got, c.Target)
		}
	}
	t.Logf("plain chat %d of %d, with tools %d of %d", right[0], total[0], right[1], total[1])
}
