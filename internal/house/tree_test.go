package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path; what comes after it names a package here.
const module = "github.com/cdrelay/cdrelay"

// source is one Go file of the tree.
type source struct {
	path string // from the root, with slashes
	text string
	file *ast.File
	fset *token.FileSet
}

func (s source) test() bool           { return strings.HasSuffix(s.path, "_test.go") }
func (s source) pkg() string          { return path.Dir(s.path) }
func (s source) lines() int           { return strings.Count(s.text, "\n") }
func (s source) line(n token.Pos) int { return s.fset.Position(n).Line }

// imports gives the paths of what the file imports.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser lets no such import pass
		}
		paths = append(paths, p)
	}
	return paths
}

// root is the top of the repository.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		tb.Fatalf("the top of the repository is not where it should be: %v", err)
	}
	return dir
}

// tree is what sources has parsed; the tests of this package run one by one.
var tree []source

// sources parses every Go file of the tree once, whatever its build tags.
func sources(tb testing.TB) []source {
	tb.Helper()
	if tree == nil {
		for _, name := range files(tb, ".go") {
			tree = append(tree, parse(tb, name, read(tb, name)))
		}
	}
	if len(tree) == 0 {
		tb.Fatal("there is no Go file to look at")
	}
	return tree
}

// parse reads one Go file, real or made up.
func parse(tb testing.TB, name, text string) source {
	tb.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		tb.Fatal(err)
	}
	return source{path: name, text: text, file: file, fset: fset}
}

// files lists the files of the tree with the ending, without what git ignores,
// test data and hidden folders.
func files(tb testing.TB, ending string) []string {
	tb.Helper()
	top := os.DirFS(root(tb))
	var names []string
	err := fs.WalkDir(top, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (skipped(d.Name()) || name == "bin" || name == "data"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ending):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

// skipped tells the folders that the go command does not look into, either.
func skipped(folder string) bool {
	hidden := folder != "." && (strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_"))
	return hidden || folder == "testdata" || folder == "node_modules"
}

// read gives the text of a file of the repository.
func read(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(root(tb), filepath.FromSlash(name)))
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// report fails the test with each complaint.
func report(tb testing.TB, complaints []string) {
	tb.Helper()
	for _, c := range complaints {
		tb.Error(c)
	}
}

// expect fails the test unless there is one complaint for each text, in order,
// that contains it.
func expect(tb testing.TB, complaints []string, texts ...string) {
	tb.Helper()
	if len(complaints) != len(texts) {
		tb.Fatalf("%d complaints, want %d: %q", len(complaints), len(texts), complaints)
	}
	for i, text := range texts {
		if !strings.Contains(complaints[i], text) {
			tb.Errorf("complaint %q says nothing of %q", complaints[i], text)
		}
	}
}
