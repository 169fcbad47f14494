package runs

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// readConfig reads a folder's configuration.
func readConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, configName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it is no run: %w; give a folder that eval has written (--out, else one in eval-runs)", err)
	}
	if err != nil {
		return nil, err
	}
	c := new(Config)
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; mend it, or give another --out", path, err)
	}
	return c, nil
}

// beside are the fields that do not say what is asked, but who computes and why no
// more is asked; they may change while a run goes on, or from shard to shard.
var beside = []string{"Skipped", "Endpoints", "CPU", "Kernels", "Version", "Command"}

// Asks is what a run asks, and nothing beside: the same for all its shards, wherever
// the model's file lies.
func (c Config) Asks() Config {
	for _, name := range beside {
		reflect.ValueOf(&c).Elem().FieldByName(name).SetZero()
	}
	if c.ModelHash != "" {
		c.Model = ""
	}
	return c
}

// differs is nil when both ask for the same, else an error with what they do not agree in.
func (c *Config) differs(other *Config) error {
	a, b := reflect.ValueOf(*c), reflect.ValueOf(*other)
	var list []string
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if slices.Contains(beside, field.Name) || field.Name == "Model" && c.ModelHash != "" && c.ModelHash == other.ModelHash {
			continue
		}
		x, y := a.Field(i).Interface(), b.Field(i).Interface()
		if have, now := inJSON(x), inJSON(y); have != now {
			if field.Name == "Policies" && policyNames(c) != policyNames(other) {
				have, now = policyNames(c), policyNames(other)
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			list = append(list, fmt.Sprintf("%s was %s, is %s", name, have, now))
		}
	}
	if list == nil {
		return nil
	}
	return fmt.Errorf("it holds a run that asks for something else (%s); give another --out, or the options it began with", strings.Join(list, "; "))
}

// policyNames are the policies in short.
func policyNames(c *Config) string {
	var names []string
	for _, p := range c.Policies {
		names = append(names, p.Name)
	}
	return inJSON(names)
}

func inJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// Slug is a name for the run's folder: the same for what goes on with it, another
// for any other run.
func (c *Config) Slug() string {
	sum := sha256.Sum256([]byte(inJSON(c.Asks())))
	model := strings.TrimSuffix(filepath.Base(c.Model), ".gguf")
	name := model + "-" + strings.Join(c.Tasks, "-")
	plain := func(r rune) rune {
		if r == '-' || r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}
	if name = strings.Map(plain, name); len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "")
	}
	return fmt.Sprintf("%s-%x", name, sum[:4])
}
