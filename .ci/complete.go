package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkComplete compares the tests of the modules in these folders with the ends
// that the runs have left. A test that ended in no run is an error; those that
// every run skipped are named.
func checkComplete(out io.Writer, folder string, modules []string) error {
	ended, err := readEnds(folder)
	if err != nil {
		return err
	}
	var never, skipped []string
	total := 0
	for _, module := range modules {
		tests, err := listTests(module)
		if err != nil {
			return err
		}
		total += len(tests)
		for _, test := range tests {
			switch how := ended[test]; {
			case len(how) == 0:
				never = append(never, test)
			case !slices.ContainsFunc(how, func(h string) bool { return h != "skip" }):
				skipped = append(skipped, test)
			}
		}
	}
	report := strings.Builder{}
	fmt.Fprintf(&report, "complete: %d tests, %d of them skipped by every run, %d in no run\n", total, len(skipped), len(never))
	for _, test := range skipped {
		fmt.Fprintln(&report, "skipped:", test)
	}
	for _, test := range never {
		fmt.Fprintln(&report, "in no run:", test)
	}
	if _, err := io.WriteString(out, report.String()); err != nil {
		return err
	}
	if len(never) > 0 {
		return fmt.Errorf("%d tests ran in no part of make verify: see -run and -skip in the Makefile", len(never))
	}
	return nil
}

// readEnds returns how each test ended, by "<package> <test>".
func readEnds(folder string) (map[string][]string, error) {
	runs, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return nil, err
	}
	ended := map[string][]string{}
	for _, name := range runs {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			// "<how> <package> <test> <seconds>"; the first line has the counts.
			if words := strings.Fields(line); len(words) == 4 {
				test := words[1] + " " + words[2]
				ended[test] = append(ended[test], words[0])
			}
		}
	}
	return ended, nil
}

// listTests returns what `go test -list` would for all packages of a module, but
// links nothing: tests and fuzz targets, as "<package> <test>".
func listTests(module string) ([]string, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "./...") //nolint:noctx // ends by itself
	cmd.Dir, cmd.Stderr = module, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", module, err)
	}
	var tests []string
	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return tests, nil
		} else if err != nil {
			return nil, err
		}
		for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			found, err := testsOf(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			for _, test := range found {
				tests = append(tests, p.ImportPath+" "+test)
			}
		}
	}
}

// testsOf returns the names that `go test` runs in a file.
func testsOf(name string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var tests []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Recv == nil && f.Name.Name != "TestMain" && (runs(f.Name.Name, "Test") || runs(f.Name.Name, "Fuzz")) {
			tests = append(tests, f.Name.Name)
		}
	}
	return tests, nil
}

// runs reports whether `go test` takes a function for a test of a kind: what
// follows the kind is not a lower-case letter.
func runs(name, kind string) bool {
	rest, ok := strings.CutPrefix(name, kind)
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
}
