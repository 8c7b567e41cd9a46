package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spelling"
)

// enumerated returns the texts that a field of the record can have; nil for a
// field that can have any.
func enumerated(path string) []string {
	switch path {
	case "call.schema":
		return []string{call.SchemaID}
	case "call.direction":
		return texts(call.Directions())
	case "call.method":
		return texts(call.Methods())
	case "call.outcome":
		return texts(call.Outcomes())
	case "call.hangup.by":
		return append(texts(call.HangupSides()), "") // absent is empty
	}
	return nil
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// recordWords are the texts of all enumerated fields.
func recordWords() []string {
	return slices.Concat(texts(call.Directions()), texts(call.Methods()), texts(call.Outcomes()), texts(call.HangupSides()))
}

// Comparison is a literal text that an expression compares a field with.
type Comparison struct {
	// Field is the field's path, such as call.source.
	Field string
	// Text is the literal.
	Text string
}

// TableField is the Field of a table that an expression looks into.
const TableField = "table"

// Comparisons returns the comparisons in a condition, or in the expressions of a
// text with ${…}, and the tables that it looks into. It has none for what does not compile.
func Comparisons(src string) []Comparison {
	e, err := environments()
	segments, splitErr := split(src)
	if err != nil || splitErr != nil {
		return nil
	}
	if !slices.ContainsFunc(segments, func(s segment) bool { return s.isExpr }) {
		segments = []segment{{text: src}}
	} else {
		segments = slices.DeleteFunc(segments, func(s segment) bool { return !s.isExpr })
	}
	var list []Comparison
	for _, s := range segments {
		if parsed, issues := e.record.Parse(s.text); issues.Err() == nil {
			comparisons(parsed.NativeRep(), func(field string, _ ast.Expr, text string) {
				list = append(list, Comparison{Field: field, Text: text})
			})
		}
	}
	return list
}

// checkComparisons refuses comparisons of an enumerated field with a text that it
// never has: the condition would be decided before the first call.
func checkComparisons(a *ast.AST) error {
	var all faults
	comparisons(a, func(field string, operand ast.Expr, text string) {
		known := enumerated(field)
		if known == nil || slices.Contains(known, text) {
			return
		}
		all = append(all, at(a, operand, NeverHas(Comparison{Field: field, Text: text}, known)))
	})
	if len(all) > 0 {
		return all
	}
	return nil
}

// NeverHas words the error of a comparison with a text that is not among those
// that its field can have.
func NeverHas(c Comparison, known []string) string {
	text := fmt.Sprintf("%s is never %q", c.Field, c.Text)
	if near, ok := spelling.Nearest(c.Text, known); ok {
		return text + fmt.Sprintf(": did you mean %q?", near)
	}
	if len(known) == 0 {
		return text
	}
	return text + ": it is one of " + strings.Join(slices.DeleteFunc(slices.Clone(known), func(s string) bool { return s == "" }), ", ")
}

// comparisons calls found for each literal text that a field of the record is
// compared with: by ==, != or in, from either side.
func comparisons(a *ast.AST, found func(field string, operand ast.Expr, text string)) {
	for _, e := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.CallKind)) {
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			for i, other := range []ast.Expr{args[1], args[0]} {
				compared(args[i], other, found)
			}
		case tableName:
			if name, ok := literal(args[0]); ok {
				found(TableField, args[0], name)
			}
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				for _, element := range args[1].AsList().Elements() {
					compared(args[0], element, found)
				}
			}
		}
	}
}

func compared(field, operand ast.Expr, found func(field string, operand ast.Expr, text string)) {
	text, ok := literal(operand)
	if path := fieldPath(field); ok && path != "" {
		found(path, operand, text)
	}
}

// fieldPath spells a plain selection such as call.hangup.by; "" for all else.
func fieldPath(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if parent := fieldPath(e.AsSelect().Operand()); parent != "" && !e.AsSelect().IsTestOnly() {
			return parent + "." + e.AsSelect().FieldName()
		}
	default:
	}
	return ""
}
