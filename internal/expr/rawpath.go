package expr

import (
	"encoding/json"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// rawPath is a path of names and indexes into call.raw. It is followed in the
// JSON itself, so that what it leads to stays as the vendor spelled it.
type rawPath struct {
	steps []ref.Val // types.String: a key; types.Int: an index
}

// rawPathOf gives the path that an expression is, nil if it is anything else.
func rawPathOf(e ast.Expr) *rawPath {
	var backwards []ref.Val
	for {
		operand, step := rawStep(e)
		switch {
		case operand == nil:
			return nil
		case operand.Kind() != ast.IdentKind:
			backwards, e = append(backwards, step), operand
		case operand.AsIdent() == recordVariable && step == types.String("raw"):
			slices.Reverse(backwards)
			return &rawPath{steps: backwards}
		default:
			return nil
		}
	}
}

// rawStep splits off the last field or constant index of an expression.
func rawStep(e ast.Expr) (operand ast.Expr, step ref.Val) {
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			return s.Operand(), types.String(s.FieldName())
		}
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index || c.Args()[1].Kind() != ast.LiteralKind {
			return nil, nil
		}
		switch index := c.Args()[1].AsLiteral().(type) {
		case types.String, types.Int:
			return c.Args()[0], index
		}
	default:
	}
	return nil, nil
}

// find follows the path from call.raw; false when it leads nowhere.
func (p *rawPath) find(raw ref.Val) (json.RawMessage, bool) {
	src, found := sourceOf(raw)
	for i, step := range p.steps {
		if container, ok := raw.(traits.Indexer); ok && i > 0 {
			raw = container.Get(p.steps[i-1])
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
func sourceOfStep(v, step ref.Val) (json.RawMessage, bool) {
	switch v := v.(type) {
	case *rawObject:
		if name, ok := step.(types.String); ok {
			src, found := v.fields[string(name)]
			return src, found
		}
	case *rawList:
		if i, ok := step.(types.Int); ok && i >= 0 && int64(i) < int64(len(v.items)) {
			return v.items[i], true
		}
	}
	return nil, false
}
