package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// A Ref names a model on the hub: org/name, org/name@revision,
// org/name:FILE.gguf, org/name:Q4_K_M, or org/name@revision:FILE.gguf.
type Ref struct {
	Repo     string // org/name
	Revision string // branch, tag or commit; main if the text has none
	File     string // a .gguf file, or the name of a quantisation; empty: the model as it is
}

const mainBranch = "main"

var (
	namePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	revisionPattern = regexp.MustCompile(`^[A-Za-z0-9._/+-]{1,200}$`)
)

// ParseRef takes a ref apart and refuses what cannot be one.
func ParseRef(s string) (Ref, error) {
	bad := func(what string) (Ref, error) {
		return Ref{}, fmt.Errorf("%q is no model of the hub: %s; write org/name, org/name:FILE.gguf or org/name@revision", s, what)
	}
	rest, file, hasFile := strings.Cut(s, ":")
	repo, revision, hasRevision := strings.Cut(rest, "@")
	org, name, ok := strings.Cut(repo, "/")
	if !ok || !namePattern.MatchString(org) || !namePattern.MatchString(name) {
		return bad("it is not of the form org/name")
	}
	if strings.Contains(repo, "--") || strings.Contains(repo, "..") {
		return bad("names have no -- or ..")
	}
	if hasRevision && (!revisionPattern.MatchString(revision) || !localPath(revision)) {
		return bad("its revision is not the name of a branch, a tag or a commit")
	}
	if hasFile && (file == "" || !localPath(file)) {
		return bad("what follows the colon is not the name of a file or a quantisation")
	}
	if !hasRevision {
		revision = mainBranch
	}
	return Ref{repo, revision, file}, nil
}

// String writes the ref in its shortest form.
func (r Ref) String() string {
	s := r.Repo
	if r.Revision != mainBranch {
		s += "@" + r.Revision
	}
	if r.File != "" {
		s += ":" + r.File
	}
	return s
}

// folder is the name of the repository's folder in the cache.
func (r Ref) folder() string { return "models--" + strings.ReplaceAll(r.Repo, "/", "--") }

// localPath reports whether a path with slashes that came from outside stays
// inside its folder on every system.
func localPath(p string) bool {
	if p == "" || len(p) > 500 || strings.ContainsAny(p, "\\:\x00") {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
