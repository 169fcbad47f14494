package chat

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpen(t *testing.T) {
	const tokens = `"bos_token": {"__type": "AddedToken", "content": "<s>"}, "eos_token": "</s>", "pad_token": null, "add_bos_token": true, "additional_special_tokens": ["<a>", {"content": "<b>"}]`
	list := `{` + tokens + `, "chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}`
	vars := map[string]any{"bos_token": "<s>", "eos_token": "</s>", "additional_special_tokens": []any{"<a>", "<b>"}}
	for _, c := range []struct {
		what, name string
		files      map[string]string
		want, fail string
		vars       map[string]any
	}{
		{"string", "default", map[string]string{"tokenizer_config.json": `{` + tokens + `, "chat_template": "S{{ eos_token }}"}`}, "S</s>", "", vars},
		{"list", "default", map[string]string{"tokenizer_config.json": list}, "D", "", vars},
		{"named", "tool_use", map[string]string{"tokenizer_config.json": list}, "T", "", vars},
		{"unknown name", "rag", map[string]string{"tokenizer_config.json": list}, "", "there are: default, tool_use", vars},
		{"file beside", "default", map[string]string{"tokenizer_config.json": list, "chat_template.jinja": "F{{ bos_token }}"}, "F<s>", "", vars},
		{"file alone", "default", map[string]string{"chat_template.jinja": "F\n"}, "F", "", map[string]any{}},
		{"named file", "rag", map[string]string{"tokenizer_config.json": list, "additional_chat_templates/rag.jinja": "R"}, "R", "", vars},
		{"json", "default", map[string]string{"chat_template.json": `{"chat_template": "J"}`}, "J", "", map[string]any{}},
		{"none", "default", map[string]string{"tokenizer_config.json": `{` + tokens + `}`}, "", "", vars},
		{"nothing", "default", nil, "", "", map[string]any{}},
		{"null", "default", map[string]string{"tokenizer_config.json": `{"chat_template": null}`}, "", "", map[string]any{}},
		{"bad json", "default", map[string]string{"tokenizer_config.json": `{`}, "", "tokenizer_config.json", nil},
		{"bad type", "default", map[string]string{"tokenizer_config.json": `{"chat_template": 5}`}, "", "expected a string or a list", map[string]any{}},
		{"bad token", "default", map[string]string{"tokenizer_config.json": `{"eos_token": {"x": 1}}`}, "", "eos_token", nil},
		{"bad template", "default", map[string]string{"chat_template.jinja": "{% if %}"}, "", `chat template "model", line 1`, map[string]any{}},
		{"slash", "../x", map[string]string{}, "", "slashes", map[string]any{}},
	} {
		tmpl, got, err := OpenNamed(folder(t, c.files), c.name)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) {
				t.Errorf("%s: error %v, want %q", c.what, err, c.fail)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.vars) {
			t.Errorf("%s: %v, variables %v", c.what, err, got)
			continue
		}
		if c.want == "" {
			if tmpl != nil {
				t.Errorf("%s: a template from nowhere", c.what)
			}
			continue
		}
		if s, err := tmpl.RenderMessages(nil, false, got); err != nil || s != c.want {
			t.Errorf("%s: rendered %q, %v, want %q", c.what, s, err, c.want)
		}
	}
}

func TestOpenListWithoutDefault(t *testing.T) {
	_, _, err := Open(folder(t, map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "rag", "template": "R"}]}`}))
	if err == nil || !errors.Is(err, errNoName) || !strings.Contains(err.Error(), "rag") {
		t.Errorf("got %v", err)
	}
}

func TestDecode(t *testing.T) {
	tmpl, err := Parse("x", `{{ d | tojson }}`)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Decode([]byte(`{"d": {"z": 1, "a": 1.0, "big": 9007199254740993, "e": 1e3, "z": [true, null, "\u00fc<&>"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"z": [true, null, "ü<&>"], "a": 1.0, "big": 9007199254740993, "e": 1000.0}`
	if got, err := tmpl.Render(data); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for _, bad := range []string{``, `[]`, `{"a"}`, `{"a": 1} x`, `{"a": 1`, `5`, `{"a": ` + strings.Repeat("[", 100_000)} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%.20q: no error", bad)
		}
	}
}
