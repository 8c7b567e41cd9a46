package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

// comparers are the files that compare what a sender or an operator shows with a
// secret; each does it in constant time.
var comparers = []string{"internal/secret/secret.go", "internal/intake/doors.go", "internal/intake/digest.go"}

func TestSecretsAreComparedInConstantTime(t *testing.T) {
	all := sources(t)
	report(t, checkComparisons(all))
	for _, s := range all {
		if slices.Contains(comparers, s.path) && len(uses(s, "subtle", "ConstantTimeCompare")) == 0 {
			t.Errorf("%s compares secrets without crypto/subtle", s.path)
		}
	}
}

func TestComparisonsNotices(t *testing.T) {
	expect(t, checkComparisons([]source{
		parse(t, "a/a.go", "package a\n\nfunc f() bool { return v.Reveal() == given }\n"),
		parse(t, "a/b.go", "package a\n\nfunc f() bool { return given != string(v.Reveal()) }\n"),
		parse(t, "a/c.go", "package a\n\nfunc f() { switch v.Reveal() {\n\tcase given:\n\t}\n}\n"),
		parse(t, "a/d.go", "package a\n\nfunc f() bool { return strings.EqualFold(v.Reveal(), given) }\n"),
		parse(t, "a/e.go", "package a\n\nfunc f() bool { return v.Reveal() == \"\" }\n"),
		parse(t, "a/f.go", "package a\n\nfunc f() bool { return len(v.Reveal()) == 3 && v.Equal(given) }\n"),
	}), "a/a.go:3", "a/b.go:3", "a/c.go:3", "a/d.go:3")
}

// checkComparisons refuses ==, !=, switch and the Equals of the standard library
// on a revealed secret: how long they take tells how much of a guess is right.
func checkComparisons(all []source) []string {
	var complaints []string
	for _, s := range all {
		if s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if compares(n) {
				complaints = append(complaints, fmt.Sprintf("%s:%d: a secret is compared in a time that depends on it; use its Equal", s.path, s.line(n.Pos())))
			}
			return true
		})
	}
	return complaints
}

func compares(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op != token.EQL && n.Op != token.NEQ || isEmptyText(n.X) || isEmptyText(n.Y) {
			return false
		}
		return reveals(n.X) || reveals(n.Y)
	case *ast.SwitchStmt:
		return n.Tag != nil && reveals(n.Tag)
	case *ast.CallExpr:
		sel, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"EqualFold", "Equal", "Compare", "HasPrefix"}, sel.Sel.Name) {
			return false
		}
		pkg, ok := sel.X.(*ast.Ident)
		return ok && slices.Contains([]string{"strings", "bytes", "slices"}, pkg.Name) && slices.ContainsFunc(n.Args, reveals)
	default:
		return false
	}
}

func isEmptyText(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

// reveals tells whether an expression is the text of a secret, perhaps converted.
func reveals(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name == "Reveal"
	case *ast.Ident:
		return f.Name == "string" && len(call.Args) == 1 && reveals(call.Args[0])
	case *ast.ArrayType:
		return len(call.Args) == 1 && reveals(call.Args[0])
	default:
		return false
	}
}
