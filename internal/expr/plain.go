package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// plainPrice is the fixed price of an expression whose steps run at most once
// each and look only at texts of the record, which are short; 0 for any other
// expression. A plain one runs without the meter, which costs several times as
// much as a simple condition.
func plainPrice(a *ast.AST) uint64 {
	price := uint64(1)
	costly := ast.MatchDescendants(ast.NavigateAST(a), func(e ast.NavigableExpr) bool {
		price++
		switch e.Kind() {
		case ast.ComprehensionKind:
			return true
		case ast.IdentKind: // the record as a whole holds call.raw
			parent, inner := e.Parent()
			return e.AsIdent() != recordVariable || !inner || parent.Kind() != ast.SelectKind
		case ast.SelectKind:
			return e.AsSelect().FieldName() == "raw" && a.GetType(e.ID()).Kind() != types.StringKind
		case ast.CallKind:
			return !plainCall(e.AsCall().FunctionName()) || e.AsCall().FunctionName() == operators.Add && !isNumber(a.GetType(e.ID()))
		default:
			return false
		}
	})
	if len(costly) > 0 {
		return 0
	}
	return price
}

func isNumber(t *types.Type) bool {
	return slices.Contains([]types.Kind{types.IntKind, types.UintKind, types.DoubleKind}, t.Kind())
}

// plainCall reports whether a function makes no text much longer than what it is
// given.
func plainCall(name string) bool {
	return slices.Contains([]string{
		operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
		operators.Greater, operators.GreaterEquals, operators.In, operators.Index,
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate,
		overloads.Size, overloads.StartsWith, overloads.EndsWith, overloads.Contains,
		"int", "double", "string", "timestamp", "duration",
		formatTimeName, "epochMillis", "epochSeconds", "mmss", "mask",
	}, name)
}
