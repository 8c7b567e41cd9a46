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

// arg is an argument whose type CEL has checked: it calls no function with another
// one.
func arg[T ref.Val](v ref.Val) T {
	value, _ := v.(T)
	return value
}

// textOrErr is the result of a function that makes a text.
func textOrErr(text string, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(text)
}

func toJSON(v ref.Val) ref.Val { return textOrErr(jsonOf(v)) }
