package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/cdrelay/cdrelay/internal/spelling"
)

// fault is one thing that is wrong with a text of the configuration.
type fault struct {
	line, column int // within the text, from 1; 0 is unknown
	text         string
}

// faults is the error of everything in this package that compiles a text. It
// quotes names and literals of an expression, never the text around one.
type faults []fault

// orNil returns the error; nil where nothing is wrong.
func (f faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// problem makes the error of a single fault without a place.
func problem(text string) faults { return faults{{text: text}} }

func (f faults) Error() string {
	texts := make([]string, len(f))
	for i, one := range f {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Error gives the fault with its place in the text.
func (f fault) Error() string {
	switch {
	case f.column == 0:
		return f.text
	case f.line > 1:
		return fmt.Sprintf("line %d, column %d: %s", f.line, f.column, f.text)
	default:
		return fmt.Sprintf("column %d: %s", f.column, f.text)
	}
}

// maxListed is how many fields of an object an error lists.
const maxListed = 10

var (
	undefinedField = regexp.MustCompile(`^undefined field '(.*)'$`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	variableName   = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
)

// explain puts CEL's issues in words for whoever wrote the configuration. root
// is the parsed expression, nil when it did not parse.
func (e *environment) explain(issues *cel.Issues, root ast.Expr) faults {
	var all faults
	for _, issue := range issues.Errors() {
		f := fault{text: e.words(issue, root)}
		if l := issue.Location; l != nil && l.Line() > 0 {
			f.line, f.column = l.Line(), l.Column()+1
		}
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return problem(issues.Err().Error())
	}
	return all
}

func (e *environment) words(issue *common.Error, root ast.Expr) string {
	if m := undefinedField.FindStringSubmatch(issue.Message); m != nil {
		return e.undefinedField(m[1], find(root, issue.ExprID))
	}
	if m := noOverload.FindStringSubmatch(issue.Message); m != nil {
		name := m[1]
		if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
			name = symbol
		}
		return fmt.Sprintf("%s cannot be applied to %s%s", name, m[2], operandAdvice(m[2]))
	}
	if m := undeclared.FindStringSubmatch(issue.Message); m != nil {
		if text := e.undeclared(m[1]); text != "" {
			return text
		}
	}
	if strings.Contains(issue.Message, "mismatched input '<EOF>'") {
		return "the expression ends too early: something is missing behind its last word"
	}
	// CEL lists every token that it would have taken.
	text, _, _ := strings.Cut(issue.Message, " expecting {")
	return strings.ReplaceAll(text, "Syntax error: ", "syntax error: ")
}

// undeclared says what a name that stands alone probably means; "" where CEL's
// own words are better.
func (e *environment) undeclared(name string) string {
	switch {
	case slices.Contains(e.schema.kinds[recordType].names, name):
		return fmt.Sprintf("%q is not known alone: write call.%s", name, name)
	case variableName.MatchString(name):
		return fmt.Sprintf("there is no %s here, and no variable is filled in: a secret is written {env: %s}, as the whole value", name, name)
	case slices.Contains([]string{"true", "false", "null"}, strings.ToLower(name)):
		return fmt.Sprintf("%s is written %s", name, strings.ToLower(name))
	case slices.Contains(recordWords(), name):
		return fmt.Sprintf("%s is a text: put quotes around it, as in %q", name, name)
	}
	return ""
}

// operandAdvice says how two operands become comparable.
func operandAdvice(types string) string {
	switch {
	case strings.Contains(types, "null") && strings.Contains(types, "string"):
		return `: an absent text is empty, compare it with ""`
	case strings.Contains(types, "null"):
		return ": write has(…) to ask whether there is a value"
	case strings.Contains(types, "int") && strings.Contains(types, "string"):
		return ": a number has no quotes around it, int(…) makes one of a text"
	case strings.Contains(types, "timestamp") && strings.Contains(types, "string"):
		return `: write timestamp("2026-01-31T00:00:00Z")`
	}
	return ""
}

// undefinedField says which object lacks the field, and what it has instead.
func (e *environment) undefinedField(name string, selection ast.Expr) string {
	var k *kind
	var path string
	if selection != nil && selection.Kind() == ast.SelectKind {
		k, path = e.kindOf(selection.AsSelect().Operand())
	}
	if k == nil {
		return fmt.Sprintf("there is no field %q", name)
	}
	text := fmt.Sprintf("%s has no field %q: ", path, name)
	if near, ok := spelling.Nearest(name, k.names); ok {
		return text + fmt.Sprintf("did you mean %q?", near)
	}
	if len(k.names) > maxListed {
		return text + "`cdrelay schema call` prints them all"
	}
	return text + "it has " + strings.Join(k.names, ", ")
}

// kindOf gives the object type of a plain selection such as call.from, and its
// spelling.
func (e *environment) kindOf(x ast.Expr) (k *kind, path string) {
	switch x.Kind() {
	case ast.IdentKind:
		switch x.AsIdent() {
		case recordVariable:
			return e.schema.kinds[recordType], recordVariable
		case responseVariable:
			return e.schema.kinds[responseType], responseVariable
		}
	case ast.SelectKind:
		parent, path := e.kindOf(x.AsSelect().Operand())
		if parent == nil {
			return nil, ""
		}
		name := x.AsSelect().FieldName()
		if f, ok := parent.fields[name]; ok && f.Type.Kind() == types.StructKind {
			return e.schema.kinds[f.Type.TypeName()], path + "." + name
		}
	default:
	}
	return nil, ""
}

// find gives the expression with an id.
func find(root ast.Expr, id int64) ast.Expr {
	var found ast.Expr
	if root != nil {
		ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
			if e.ID() == id {
				found = e
			}
		}))
	}
	return found
}
