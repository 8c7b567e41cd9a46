package house

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

func TestSleeps(t *testing.T) {
	report(t, checkSleeps(sources(t)))
}

func TestSleepsNotices(t *testing.T) {
	sleep := "package a\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nfunc f() { time.Sleep(1) }\n"
	awake := "package a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"
	expect(t, checkSleeps([]source{
		parse(t, "a/a_test.go", sleep),
		parse(t, "a/b_test.go", awake),
		parse(t, "a/b.go", awake),
	}), "a/b_test.go:5")
}

// checkSleeps wants synctest in the file of a test that sleeps: in real time a
// sleep is either too short or too long. Code outside tests is the linter's
// (forbidigo).
func checkSleeps(all []source) []string {
	var complaints []string
	for _, s := range all {
		if !s.test() || slices.Contains(s.imports(), "testing/synctest") {
			continue
		}
		for _, line := range uses(s, "time", "Sleep") {
			complaints = append(complaints, fmt.Sprintf("%s:%d: time.Sleep outside a synctest bubble", s.path, line))
		}
	}
	return complaints
}

// uses gives the lines where a file speaks of pkg.Name for one of the names.
func uses(s source, pkg string, names ...string) []int {
	var lines []int
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(names, sel.Sel.Name) {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg {
			lines = append(lines, s.line(sel.Pos()))
		}
		return true
	})
	return lines
}
