package expr

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

const toJSONOverload = "to_json_dyn"

// functions declares what there is beside CEL's own functions.
func (e *environment) functions() []cel.EnvOption {
	return slices.Concat(e.timeFunctions(), e.textFunctions(), byteFunctions(), []cel.EnvOption{
		e.summaryFunction(),
		unary("toJSON", toJSONOverload, cel.DynType, cel.StringType, toJSON),
	})
}

func unary(name, overload string, arg, result *cel.Type, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(overload, []*cel.Type{arg}, result, cel.UnaryBinding(f)))
}

func binary(name, overload string, a, b, result *cel.Type, f func(a, b ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(overload, []*cel.Type{a, b}, result, cel.BinaryBinding(f)))
}

func toJSON(v ref.Val) ref.Val {
	text, err := jsonOf(v)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(text)
}
