package expr

import (
	"encoding/json"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// rawPath is a path of names and indexes into call.raw. It is followed in the
// JSON itself, so that what it leads to stays as the vendor spelled it.
type rawPath struct {
	steps []any // string: a key; int64: an index
}

// rawPathOf gives the path that an expression is, nil if it is anything else.
func rawPathOf(e ast.Expr) *rawPath {
	var backwards []any
	for {
		operand, step := rawStep(e)
		if operand == nil {
			return nil
		}
		if operand.Kind() == ast.IdentKind {
			if operand.AsIdent() != recordVariable || step != "raw" {
				return nil
			}
			break
		}
		backwards = append(backwards, step)
		e = operand
	}
	slices.Reverse(backwards)
	return &rawPath{steps: backwards}
}

// rawStep splits off the last field or constant index of an expression.
func rawStep(e ast.Expr) (operand ast.Expr, step any) {
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			return s.Operand(), s.FieldName()
		}
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index || c.Args()[1].Kind() != ast.LiteralKind {
			return nil, nil
		}
		switch index := c.Args()[1].AsLiteral().(type) {
		case types.String:
			return c.Args()[0], string(index)
		case types.Int:
			return c.Args()[0], int64(index)
		}
	default:
	}
	return nil, nil
}

// find follows the path from call.raw; false when it leads nowhere.
func (p *rawPath) find(raw ref.Val) (json.RawMessage, bool) {
	src, found := sourceOf(raw)
	for i, step := range p.steps {
		if i > 0 {
			raw = decodeStep(raw, p.steps[i-1])
		}
		if src, found = sourceOfStep(raw, step); !found {
			return nil, false
		}
	}
	return src, found
}

// sourceOf gives the JSON that a decoded object or list came from.
func sourceOf(v ref.Val) (json.RawMessage, bool) {
	switch v := v.(type) {
	case *rawObject:
		return v.src, true
	case *rawList:
		return v.src, true
	}
	return nil, false
}

// sourceOfStep gives the JSON of one member of an object or list.
func sourceOfStep(v ref.Val, step any) (json.RawMessage, bool) {
	switch v := v.(type) {
	case *rawObject:
		if name, ok := step.(string); ok {
			src, found := v.fields[name]
			return src, found
		}
	case *rawList:
		if i, ok := step.(int64); ok && i >= 0 && i < int64(len(v.items)) {
			return v.items[i], true
		}
	}
	return nil, false
}

// decodeStep decodes a member that sourceOfStep found.
func decodeStep(v ref.Val, step any) ref.Val {
	switch s := step.(type) {
	case string:
		if o, ok := v.(*rawObject); ok {
			member, _ := o.Find(types.String(s))
			return member
		}
	case int64:
		if l, ok := v.(*rawList); ok {
			return l.Get(types.Int(s))
		}
	}
	return nil
}
