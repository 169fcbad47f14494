package lazy

import (
	"embed"
	"fmt"
	"strings"
)

// One plan.json per preset, named after it.
//
//go:embed presets/*.json
var presetFiles embed.FS

// Presets are the names of the plans that come with the package.
func Presets() []string {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(fmt.Sprintf("embedded presets: %v", err)) // cannot be: the folder is compiled in
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// Preset is a plan that comes with the package.
func Preset(name string) (*Plan, bool) {
	f, err := presetFiles.Open("presets/" + name + ".json")
	if err != nil {
		return nil, false
	}
	defer f.Close()
	p, err := ReadPlan(f)
	if err != nil {
		panic(fmt.Sprintf("embedded preset %s: %v", name, err)) // cannot be: a test reads them all
	}
	return p, true
}
