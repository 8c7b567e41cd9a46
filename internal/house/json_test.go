package house

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// ownEncoders are the files that may call encoding/json to write: what they write
// is not stored, sent or shown, or must be spelled with the escapes.
var ownEncoders = map[string]string{
	"internal/plainjson/plainjson.go":  "the one place",
	"internal/call/identity.go":        "a content hash is over the spelling with escapes",
	"internal/outbound/spelling.go":    "looks for secrets in all spellings",
	"internal/expr/json.go":            "numbers",
	"internal/ruletest/check.go":       "reads the text again",
	"internal/dashboard/playground.go": "reads the text again",
	"sinks/webhook/token_answer.go":    "reads the text again",
}

// TestMarkupIsWrittenPlainly: encoding/json writes `<` in six bytes, so that a
// record of one megabyte becomes six, and everybody forgets it.
func TestMarkupIsWrittenPlainly(t *testing.T) {
	all := sources(t)
	report(t, checkEncoders(all))
	for path := range ownEncoders {
		if !slices.ContainsFunc(all, func(s source) bool { return s.path == path }) {
			t.Errorf("there is no file %s", path)
		}
	}
}

func TestMarkupIsWrittenPlainlyNotices(t *testing.T) {
	file := func(path, call string) []source {
		return []source{parse(t, path, "package p\n\nfunc f() { "+call+" }\n")}
	}
	expect(t, checkEncoders(file("internal/admin/a.go", "json.Marshal(v)")), "json.Marshal")
	expect(t, checkEncoders(file("internal/admin/a.go", "json.NewEncoder(w)")), "json.NewEncoder")
	expect(t, checkEncoders(file("internal/admin/a.go", "json.Unmarshal(b, &v)")))
	expect(t, checkEncoders(file("internal/admin/a_test.go", "json.Marshal(v)")))
	expect(t, checkEncoders(file("internal/plainjson/plainjson.go", "json.NewEncoder(w)")))
}

func checkEncoders(all []source) []string {
	var complaints []string
	for _, s := range all {
		if r, ok := find(s.pkg()); s.test() || ownEncoders[s.path] != "" || ok && r.support {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			f, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := f.X.(*ast.Ident); ok && x.Name == "json" && slices.Contains([]string{"Marshal", "MarshalIndent", "NewEncoder"}, f.Sel.Name) {
				complaints = append(complaints, fmt.Sprintf("%s:%d: json.%s escapes markup: use internal/plainjson", s.path, s.line(f.Pos()), f.Sel.Name))
			}
			return true
		})
	}
	return complaints
}
