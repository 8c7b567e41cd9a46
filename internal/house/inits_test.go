package house

import (
	"fmt"
	"go/ast"
	"testing"
)

func TestNoInit(t *testing.T) {
	report(t, checkInits(sources(t)))
}

func TestNoInitNotices(t *testing.T) {
	expect(t, checkInits([]source{
		parse(t, "a/a.go", "package a\n\nfunc init() {}\n\ntype t struct{}\n\nfunc (t) init() {}\n"),
	}), "a/a.go:3")
}

// checkInits wants no function that runs behind one's back.
func checkInits(all []source) []string {
	var complaints []string
	for _, s := range all {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				complaints = append(complaints, fmt.Sprintf("%s:%d: an init function; make it explicit", s.path, s.line(f.Pos())))
			}
		}
	}
	return complaints
}
