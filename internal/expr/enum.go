package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spelling"
)

// enumerated returns the texts that a field of the record can have; nil for a
// field that can have any.
func enumerated(path string) []string {
	return map[string][]string{
		"call.schema":    {call.SchemaID},
		"call.direction": texts(call.Directions()),
		"call.method":    texts(call.Methods()),
		"call.outcome":   texts(call.Outcomes()),
		"call.hangup.by": append(texts(call.HangupSides()), ""), // absent is empty
	}[path]
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
	// By is startsWith, endsWith or contains, where the field need not be equal to
	// the text.
	By string
}

// Possible reports whether a field that has one of the known texts can be as the
// comparison wants it.
func (c Comparison) Possible(known []string) bool {
	return slices.ContainsFunc(known, func(name string) bool {
		switch c.By {
		case overloads.StartsWith:
			return strings.HasPrefix(name, c.Text)
		case overloads.EndsWith:
			return strings.HasSuffix(name, c.Text)
		case overloads.Contains:
			return strings.Contains(name, c.Text)
		}
		return name == c.Text
	})
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
	segments = slices.DeleteFunc(segments, func(s segment) bool { return !s.isExpr })
	if len(segments) == 0 { // no template
		segments = []segment{{text: src}}
	}
	var list []Comparison
	for _, s := range segments {
		if parsed, issues := e.record.Parse(s.text); issues.Err() == nil {
			comparisons(parsed.NativeRep(), func(_ ast.Expr, c Comparison) { list = append(list, c) })
		}
	}
	return list
}

// checkComparisons refuses comparisons of an enumerated field with a text that it
// never has: the condition would be decided before the first call.
func checkComparisons(a *ast.AST) error {
	var all faults
	comparisons(a, func(operand ast.Expr, c Comparison) {
		if known := enumerated(c.Field); known != nil && !c.Possible(known) {
			all = append(all, at(a, operand, NeverHas(c, known)))
		}
	})
	return all.orNil()
}

// NeverHas words the error of a comparison with a text that is not among those
// that its field can have.
func NeverHas(c Comparison, known []string) string {
	text := fmt.Sprintf("%s is never %q", c.Field, c.Text)
	if c.By != "" {
		text = fmt.Sprintf("%s.%s(%q) never holds", c.Field, c.By, c.Text)
	} else if near, ok := spelling.Nearest(c.Text, known); ok {
		return text + fmt.Sprintf(": did you mean %q?", near)
	}
	if len(known) == 0 {
		return text
	}
	return text + ": it is one of " + strings.Join(slices.DeleteFunc(slices.Clone(known), func(s string) bool { return s == "" }), ", ")
}

// comparisons calls found for each literal text that a field of the record is
// compared with: by ==, != or in from either side, or by a function of texts.
func comparisons(a *ast.AST, found func(operand ast.Expr, c Comparison)) {
	for _, e := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.CallKind)) {
		call := e.AsCall()
		args := call.Args()
		switch name := call.FunctionName(); name {
		case operators.Equals, operators.NotEquals:
			compared(args[0], args[1], "", found)
			compared(args[1], args[0], "", found)
		case overloads.StartsWith, overloads.EndsWith, overloads.Contains:
			if call.IsMemberFunction() && len(args) == 1 {
				compared(call.Target(), args[0], name, found)
			}
		case tableName:
			if table, ok := literal(args[0]); ok {
				found(args[0], Comparison{Field: TableField, Text: table})
			}
		case operators.In:
			for _, element := range elements(args[1]) {
				compared(args[0], element, "", found)
				compared(element, args[0], "", found)
			}
		}
	}
}

// elements are what in looks for in a list or a map that is written out.
func elements(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var keys []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			keys = append(keys, entry.AsMapEntry().Key())
		}
		return keys
	default:
		return nil
	}
}

func compared(field, operand ast.Expr, by string, found func(operand ast.Expr, c Comparison)) {
	text, ok := literal(operand)
	if path := fieldPath(field); ok && path != "" {
		found(operand, Comparison{Field: path, Text: text, By: by})
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
