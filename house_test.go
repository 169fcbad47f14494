package lighttransfer_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules of the house: what may import what, how files look. CONTRIBUTING.md
// says what they are for.

const module = "github.com/lighttransfer/lighttransfer"

// lattice is who may import whom, from the lowest rung to the highest. A package
// imports exactly what its row names: packages of lower rows, and modules. Within
// a rung the order of the rows is the only way allowed.
var lattice = []struct {
	rung, pkg string
	imports   string
}{
	{"numbers", "internal/mem", "golang.org/x/sys"},
	{"numbers", "internal/mmap", "golang.org/x/sys"},
	{"numbers", "internal/par", ""},
	{"numbers", "internal/prof", "golang.org/x/sys"},
	{"numbers", "internal/kernel", "internal/mem internal/par internal/prof golang.org/x/sys"},

	{"files", "weights", "internal/kernel"},
	{"files", "weights/gguf", "internal/mmap weights"},
	{"files", "weights/safetensors", "internal/mmap weights"},
	{"files", "hub", "internal/mem golang.org/x/sys"},

	{"core", "tokenizer/chat/internal/jinja", ""},
	{"core", "tokenizer/chat", "tokenizer/chat/internal/jinja"},
	{"core", "tokenizer", "golang.org/x/text"},
	{"core", "sample", ""},
	{"core", "kv", "internal/kernel internal/mem"},
	{"core", "lazy", "kv"},
	{"core", "attn", "internal/kernel internal/par internal/prof kv"},
	{"core", "model", "internal/kernel internal/mem internal/par internal/prof weights weights/gguf weights/safetensors kv attn"},
	{"core", "internal/probe", ""},
	{"core", "internal/tiny", ""},

	{"face", ".", "internal/kernel internal/mem internal/mmap internal/par weights weights/gguf weights/safetensors hub " +
		"tokenizer/chat tokenizer sample kv lazy model internal/probe internal/tiny"},

	{"uses", "internal/ui", "internal/mem charm.land/lipgloss github.com/charmbracelet/colorprofile github.com/vbauerster/mpb golang.org/x/image golang.org/x/term gonum.org/v1/plot"},
	{"uses", "eval/score/jieba", ""},
	{"uses", "eval/score/maths", ""},
	{"uses", "eval/score", "eval/score/jieba eval/score/maths"},
	{"uses", "eval/task", "eval/score github.com/parquet-go/parquet-go"},
	{"uses", "eval/runs", "eval/score golang.org/x/sys"},
	{"uses", "eval/report", "eval/score eval/task eval/runs internal/mem internal/ui"},
	{"uses", "eval", "eval/score eval/task eval/runs internal/kernel tokenizer tokenizer/chat sample kv lazy golang.org/x/time ."},
	{"uses", "cmd/lighttransfer", "internal/kernel internal/mem internal/prof weights/gguf hub tokenizer/chat tokenizer sample kv lazy model internal/probe internal/tiny . eval eval/report eval/runs eval/score eval/task internal/ui github.com/spf13/cobra github.com/spf13/pflag golang.org/x/term"},
	{"uses", "bench/mkmodel", "weights weights/gguf"},
	{"uses", "bench/peers", "kv lazy"},
	{"uses", "tools/amxemu", "golang.org/x/sys"},
}

var rungs = []string{"numbers", "files", "core", "face", "uses"}

// source is a Go file of the module.
type source struct {
	path string // slashes, from the root
	pkg  string // its folder
	test bool
	file *ast.File
	fset *token.FileSet
}

// sources parses all Go files, whatever system they are for.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path, filepath.ToSlash(filepath.Dir(path)), strings.HasSuffix(path, "_test.go"), f, fset})
	})
	return all
}

// walk visits the files of the project but those of git.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "dist"):
			return filepath.SkipDir
		case d.Type().IsRegular():
			visit(filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsPointDownward(t *testing.T) {
	row := map[string]int{}
	for i, r := range lattice {
		row[r.pkg] = i
		if i > 0 && slices.Index(rungs, r.rung) < slices.Index(rungs, lattice[i-1].rung) {
			t.Errorf("%s: rung %s stands above a higher rung", r.pkg, r.rung)
		}
		for _, to := range strings.Fields(r.imports) {
			if j, ours := row[to]; ours && j >= i {
				t.Errorf("%s imports %s, which is not below it", r.pkg, to)
			}
		}
	}
	seen := map[string]bool{}
	for _, s := range sources(t) {
		at, ok := row[s.pkg]
		if !ok {
			t.Errorf("%s: package %s has no row in the lattice; give it one (and a place in ARCHITECTURE.md)", s.path, s.pkg)
			continue
		}
		seen[s.pkg] = true
		for _, spec := range s.file.Imports {
			to := strings.Trim(spec.Path.Value, `"`)
			if to == module {
				to = "."
			}
			to = strings.TrimPrefix(to, module+"/")
			switch j, ours := row[to]; {
			case !ours && !strings.Contains(strings.Split(to, "/")[0], "."): // the standard library
			case s.test && ours && j > at && lattice[j].rung != lattice[at].rung:
				t.Errorf("%s: test imports %s of a higher rung", s.path, to)
			case !s.test && !allowed(lattice[at].imports, to):
				t.Errorf("%s: package %s must not import %s", s.path, s.pkg, to)
			}
		}
	}
	for _, r := range lattice {
		if !seen[r.pkg] {
			t.Errorf("the lattice names %s, which is not there", r.pkg)
		}
	}
}

// allowed reports whether a row names an import: a package of ours, or the
// module that a foreign one belongs to.
func allowed(row, to string) bool {
	return slices.ContainsFunc(strings.Fields(row), func(a string) bool {
		return a == to || strings.Contains(strings.Split(a, "/")[0], ".") && a != "." && strings.HasPrefix(to, a+"/")
	})
}

func TestEveryPackageExplainsItself(t *testing.T) {
	doc := map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		doc[s.pkg] += "" // a package without a comment counts too
		if s.file.Doc != nil {
			if doc[s.pkg] != "" {
				t.Errorf("%s: package %s has a second package comment", s.path, s.pkg)
			}
			doc[s.pkg] = s.file.Doc.Text()
		}
	}
	for pkg, text := range doc {
		if len(strings.Fields(text)) < 10 {
			t.Errorf("package %s has no comment that says what it is", pkg)
		}
	}
}

func TestExportedNamesHaveComments(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown[d.Name.Name] {
					t.Errorf("%s: %s has no comment", s.fset.Position(d.Pos()), d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil && ts.Comment == nil {
						t.Errorf("%s: type %s has no comment", s.fset.Position(ts.Pos()), ts.Name)
					}
				}
			}
		}
	}
}

// wellKnown methods say nothing new.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "String": true, "Write": true, "Read": true, "Close": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "Len": true, "Less": true, "Swap": true, "Push": true, "Pop": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func TestFilesAreSmall(t *testing.T) {
	const most = 600 // lines
	walk(t, func(path string) {
		switch filepath.Ext(path) {
		case ".go", ".s", ".h", ".py", ".sh", ".md":
			if strings.Contains(path, "/testdata/") {
				return
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(data, []byte("\n")); n > most {
				t.Errorf("%s has %d lines; cut it where its concepts part (at most %d)", path, n, most)
			}
		}
	})
}

func TestAssemblyIntroducesItself(t *testing.T) {
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".s") {
			return
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(data), "\n\n")
		for _, want := range []string{"// What:", "// Layout:", "// Tested by:"} {
			if !strings.Contains(head, want) {
				t.Errorf("%s does not open with a line %q", path, want)
			}
		}
		if loops := strings.Count(string(data), "\nTEXT "); loops > 1 && strings.Contains(path, "_amd64") && !strings.Contains(path, "cpu_") && !strings.Contains(head, "// Algorithm:") {
			t.Errorf("%s does not open with a line %q", path, "// Algorithm:")
		}
		for _, name := range regexp.MustCompile(`(?s)// Tested by:.*`).FindAllString(head, 1) {
			for _, test := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*`).FindAllString(name, -1) {
				if !hasTest(t, filepath.Dir(path), test) {
					t.Errorf("%s names the test %s, which is not there", path, test)
				}
			}
		}
	})
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("func "+name+"(")) {
			return true
		}
	}
	return false
}

func TestNothingIsLeftOver(t *testing.T) {
	word := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|/wo` + `rk/|/tm` + `p/`)
	walk(t, func(path string) {
		switch filepath.Ext(path) {
		case ".go", ".s", ".h", ".py", ".sh", ".md", ".txtar", "":
		default:
			return
		}
		if strings.Contains(path, "/testdata/") && filepath.Ext(path) != ".md" {
			return
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if m := word.FindString(line); m != "" {
				t.Errorf("%s:%d: %q", path, i+1, m)
			}
		}
	})
}

func TestLinksInDocs(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	name := regexp.MustCompile("`((?:[a-z0-9_.-]+/)+[A-Za-z0-9_.-]+\\.(?:go|md|sh|py|json|s|h|txt))`")
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".md") || strings.Contains(path, "testdata/") {
			return
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: the link %s leads nowhere", path, m[1])
			}
		}
		for _, m := range name.FindAllStringSubmatch(string(data), -1) { // `folder/file.go`
			if _, err := os.Stat(m[1]); err != nil {
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
					t.Errorf("%s names the file %s, which is not there", path, m[1])
				}
			}
		}
	})
}

func TestDocsAreComplete(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	index := read("docs/README.md")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if base := filepath.Base(p); base != "README.md" && !strings.Contains(index, "("+base+")") {
			t.Errorf("docs/README.md does not list %s", base)
		}
	}
	arch := read("ARCHITECTURE.md")
	for _, r := range lattice {
		if r.pkg != "." && !strings.Contains(arch, "`"+r.pkg+"`") {
			t.Errorf("ARCHITECTURE.md does not say what `%s` is for", r.pkg)
		}
	}
}
