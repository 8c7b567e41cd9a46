package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// The limits, in lines.
const (
	longFile     = 400
	longFunction = 100 // none is longer
	fullFunction = 60  // 95 % are not longer
)

func TestLengths(t *testing.T) {
	all := functions(sources(t))
	lengths := make([]int, len(all))
	for i, f := range all {
		lengths[i] = f.length
	}
	slices.Sort(lengths)
	at := func(share float64) int { return lengths[int(share*float64(len(lengths)-1))] }
	t.Logf("%d functions: median %d lines, 95 %% at most %d, longest %d", len(lengths), at(0.5), at(0.95), at(1))
	report(t, checkFunctions(all))
	report(t, checkFiles(sources(t)))
}

func TestLengthsNotices(t *testing.T) {
	function := func(statements int) source {
		return parse(t, "a/a.go", "package a\n\nfunc f() {\n"+strings.Repeat("\tf()\n", statements)+"}\n")
	}
	expect(t, checkFunctions(functions([]source{function(58)})))
	expect(t, checkFunctions(functions([]source{function(59)})), "f has 61")
	expect(t, checkFunctions(functions([]source{function(99)})), "a/a.go:3: f has 101")

	rows := parse(t, "a/a.go", "package a\n\nfunc f() []int {\n\treturn []int{\n"+strings.Repeat("\t\t1,\n", 200)+"\t}\n}\n")
	expect(t, checkFunctions(functions([]source{rows})))
	code := parse(t, "a/a.go", "package a\n\nvar x = 1\n\nfunc f() []func() {\n\treturn []func(){func() {\n"+strings.Repeat("\t\tf()\n", 200)+"\t}}\n}\n")
	expect(t, checkFunctions(functions([]source{code})), "f has 204")

	long := strings.Repeat("\n", longFile)
	expect(t, checkFiles([]source{parse(t, "a/a.go", "package a\n"+long), parse(t, "a/a_test.go", "package a\n"+long)}), "a/a.go has 401 lines")
}

// function is one function with the lines it takes, tables aside.
type function struct {
	place, name string
	length      int
}

func functions(all []source) []function {
	var found []function
	for _, s := range all {
		if s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				length := s.line(f.End()) - s.line(f.Pos()) + 1 - tables(s, f.Body)
				place := fmt.Sprintf("%s:%d", s.path, s.line(f.Pos()))
				found = append(found, function{place, f.Name.Name, length})
			}
		}
	}
	return found
}

// tables counts the lines within composite literals that hold no code.
func tables(s source, body ast.Node) int {
	lines := 0
	ast.Inspect(body, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || holdsCode(literal) {
			return true
		}
		lines += s.line(literal.End()) - s.line(literal.Pos())
		return false
	})
	return lines
}

func holdsCode(literal *ast.CompositeLit) bool {
	found := false
	ast.Inspect(literal, func(n ast.Node) bool {
		_, code := n.(*ast.FuncLit)
		found = found || code
		return !found
	})
	return found
}

// checkFunctions names the functions that are too long, and where more than one
// in twenty is full, all of those.
func checkFunctions(all []function) []string {
	var complaints []string
	var full []function
	for _, f := range all {
		switch {
		case f.length > longFunction:
			complaints = append(complaints, fmt.Sprintf("%s: %s has %d lines, over %d", f.place, f.name, f.length, longFunction))
		case f.length > fullFunction:
			full = append(full, f)
		}
	}
	if (len(full)+len(complaints))*20 > len(all) {
		for _, f := range full {
			complaints = append(complaints, fmt.Sprintf("%s: %s has %d lines; more than 5 %% of the functions are over %d", f.place, f.name, f.length, fullFunction))
		}
	}
	return complaints
}

func checkFiles(all []source) []string {
	var complaints []string
	for _, s := range all {
		if !s.test() && s.lines() > longFile {
			complaints = append(complaints, fmt.Sprintf("%s has %d lines, over %d: one concern a file", s.path, s.lines(), longFile))
		}
	}
	return complaints
}
