package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// wellKnown are methods that say nothing that their interface does not.
var wellKnown = []string{"Error", "String", "Unwrap"}

func TestComments(t *testing.T) {
	report(t, checkComments(sources(t)))
}

func TestCommentsNotices(t *testing.T) {
	expect(t, checkComments([]source{
		parse(t, "a/a.go", `package a

type T struct{}
func (T) M() {}
func (t) M() {}
func (T) Error() string { return "" }
func F() {}
const C = 1
var V, w = 1, 2
`),
		parse(t, "a/a_test.go", "package a\n\nfunc TestX() {}\n"),
		parse(t, "b/b.go", `// Package b has comments everywhere.
package b

// T is one.
type T[X any] struct{}
// M is one.
func (*T[X]) M() {}
// The codes.
const (
	C = 1
	D = 2
)
var (
	// V is one.
	V = 1
	W = 1 // W is one, too.
)
func inner() {}
`),
	}),
		"a/a.go:3: T has no comment",
		"a/a.go:4: T.M has no comment",
		"a/a.go:7: F has no comment",
		"a/a.go:8: C has no comment",
		"a/a.go:9: V has no comment",
		"package a has no comment",
	)
}

// checkComments wants a comment for each package and each exported name of it.
func checkComments(all []source) []string {
	var complaints []string
	said := map[string]bool{}
	for _, s := range all {
		if s.test() {
			continue
		}
		said[s.pkg()] = said[s.pkg()] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, n := range bare(d) {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %s has no comment", s.path, s.line(n.pos), n.name))
			}
		}
	}
	var silent []string
	for pkg, ok := range said {
		if !ok {
			silent = append(silent, fmt.Sprintf("package %s has no comment that says what it owns and guarantees", pkg))
		}
	}
	slices.Sort(silent)
	return append(complaints, silent...)
}

// named is a name that is declared somewhere.
type named struct {
	name string
	pos  token.Pos
}

// bare gives the exported names of a declaration that have no comment.
func bare(d ast.Decl) []named {
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := receiverName(d)
		known := receiver != "" && slices.Contains(wellKnown, d.Name.Name)
		if d.Doc == nil && !known && d.Name.IsExported() && (receiver == "" || ast.IsExported(receiver)) {
			return []named{{strings.TrimPrefix(receiver+"."+d.Name.Name, "."), d.Pos()}}
		}
	case *ast.GenDecl:
		// A comment above a group speaks for its members, but each type has its own.
		if d.Doc != nil && (d.Tok != token.TYPE || len(d.Specs) == 1) {
			return nil
		}
		var names []named
		for _, spec := range d.Specs {
			names = append(names, bareSpec(spec)...)
		}
		return names
	}
	return nil
}

func bareSpec(spec ast.Spec) []named {
	var names []named
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, named{id.Name, id.Pos()})
		}
	}
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Doc == nil && spec.Comment == nil {
			add(spec.Name)
		}
	case *ast.ValueSpec:
		if spec.Doc == nil && spec.Comment == nil {
			for _, id := range spec.Names {
				add(id)
			}
		}
	}
	return names
}

// receiverName is the type of a method, without star and parameters.
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	for x := d.Recv.List[0].Type; ; {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}
