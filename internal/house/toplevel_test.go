package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// toplevel is all that lies at the top of the repository, hidden files aside.
var toplevel = []string{
	"Dockerfile", "LICENSE", "Makefile", "README.md",
	"adapter", "charts", "cmd", "config.example.yaml", "docs", "go.mod", "go.sum", "internal", "sinks",
}

// untracked is what git ignores: what was built, and the data of a trial.
var untracked = []string{"bin", "data"}

func TestTopLevel(t *testing.T) {
	for _, name := range toplevel {
		if _, err := os.Stat(filepath.Join(root(t), name)); err != nil {
			t.Errorf("%s is missing at the top of the repository", name)
		}
	}
	report(t, checkTopLevel(topEntries(t)))
}

func TestTopLevelNotices(t *testing.T) {
	expect(t, checkTopLevel(append([]string{".golangci.yml", "notes.txt"}, toplevel...)), "notes.txt")
}

func checkTopLevel(entries []string) []string {
	var complaints []string
	for _, e := range entries {
		if !strings.HasPrefix(e, ".") && !slices.Contains(toplevel, e) {
			complaints = append(complaints, e+" does not belong at the top of the repository")
		}
	}
	return complaints
}

// topEntries asks git, which knows what is part of the repository, and looks
// into the folder where there is no git.
func topEntries(tb testing.TB) []string {
	tb.Helper()
	var entries []string
	if names := tracked(tb); len(names) > 0 {
		for _, name := range names {
			top, _, _ := strings.Cut(name, "/")
			entries = append(entries, top)
		}
		slices.Sort(entries)
		return slices.Compact(entries)
	}
	dir, err := os.ReadDir(root(tb))
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range dir {
		if !slices.Contains(untracked, e.Name()) {
			entries = append(entries, e.Name())
		}
	}
	return entries
}

// tracked lists the files that git knows; none where there is no git.
func tracked(tb testing.TB) []string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "git", "ls-files", "-z")
	cmd.Dir = root(tb)
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}
