package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// CEL counts what a function cost when it has returned. A function whose work or
// result can be far larger than what it is given is checked before.
const (
	// maxText bounds the text that a function makes, in bytes.
	maxText = 1 << 20
	// maxPieces bounds the list that split makes.
	maxPieces = 1 << 16
	// maxSearch bounds indexOf and lastIndexOf, which compare the one text with
	// the other at every place.
	maxSearch = 1 << 23
	// maxVerb bounds what format writes for a number.
	maxVerb = 512
)

var errLongText = fmt.Errorf("the function would make a text of more than %d bytes", maxText)

// isSearch reports whether an overload is one of indexOf and lastIndexOf.
func isSearch(overload string) bool {
	return strings.HasPrefix(overload, "string_index_of") || strings.HasPrefix(overload, "string_last_index_of")
}

// boundary returns the check of a function's arguments, nil for one that needs
// none.
func boundary(overload string) func(args []ref.Val) error {
	if isSearch(overload) {
		return checkSearch
	}
	return map[string]func(args []ref.Val) error{
		"string_replace_string_string": checkReplace, "string_replace_string_string_int": checkReplace,
		"list_join": checkJoin, "list_join_string": checkJoin,
		"string_format":       checkFormat,
		"string_split_string": checkSplit, "string_split_string_int": checkSplit,
	}[overload]
}

// bounded puts the checks before the functions of CEL's strings extension.
func bounded(env *cel.Env) (*cel.Env, error) {
	var checked []*decls.FunctionDecl
	for _, f := range env.Functions() {
		bindings, err := f.Bindings()
		if err != nil {
			return nil, fmt.Errorf("cel function %s: %w", f.Name(), err)
		}
		for _, o := range f.OverloadDecls() {
			check := boundary(o.ID())
			if check == nil {
				continue
			}
			for _, b := range bindings {
				if b.Operator == o.ID() {
					again, err := redeclared(f.Name(), o, check, callable(b.Unary, b.Binary, b.Function))
					if err != nil {
						return nil, err
					}
					checked = append(checked, again)
				}
			}
		}
	}
	return cel.FunctionDecls(checked...)(env)
}

func redeclared(name string, o *decls.OverloadDecl, check func([]ref.Val) error, call func(...ref.Val) ref.Val) (*decls.FunctionDecl, error) {
	return decls.NewFunction(name, decls.MemberOverload(o.ID(), o.ArgTypes(), o.ResultType(),
		decls.FunctionBinding(func(args ...ref.Val) ref.Val {
			if err := check(args); err != nil {
				return types.WrapErr(fmt.Errorf("%s: %w", name, err))
			}
			return call(args...)
		})))
}

// callable is a binding of any number of arguments.
func callable(unary func(ref.Val) ref.Val, binary func(a, b ref.Val) ref.Val, function func(...ref.Val) ref.Val) func(...ref.Val) ref.Val {
	switch {
	case unary != nil:
		return func(args ...ref.Val) ref.Val { return unary(args[0]) }
	case binary != nil:
		return func(args ...ref.Val) ref.Val { return binary(args[0], args[1]) }
	default:
		return function
	}
}

// textArg is an argument that the checker knows to be a text.
func textArg(args []ref.Val, i int) string { return string(arg[types.String](args[i])) }

func checkReplace(args []ref.Val) error {
	text, old, with := textArg(args, 0), textArg(args, 1), textArg(args, 2)
	places := strings.Count(text, old)
	if places > 0 && len(with) > (maxText-len(text))/places {
		return errLongText
	}
	return nil
}

func checkJoin(args []ref.Val) error {
	list, ok := args[0].(traits.Lister)
	if !ok {
		return nil // join itself says so
	}
	separator := 0
	if len(args) > 1 {
		separator = len(textArg(args, 1))
	}
	n := 0
	for it := list.Iterator(); it.HasNext() == types.True; {
		if n += separator + size(it.Next()); n > maxText {
			return errLongText
		}
	}
	return nil
}

// checkFormat bounds the text by the format and all that it may show: the verbs
// write a text at most twice as long as it is.
func checkFormat(args []ref.Val) error {
	format := textArg(args, 0)
	n := len(format) + maxVerb*strings.Count(format, "%")
	if n > maxText || !weighs(args[1], (maxText-n)/2, new(int)) {
		return errLongText
	}
	return nil
}

// weighs adds up the bytes of a value as text, and reports whether they are at
// most limit.
func weighs(v ref.Val, limit int, sum *int) bool {
	*sum += 8 + size(v)
	if *sum > limit {
		return false
	}
	switch v := v.(type) {
	case *rawObject, *rawList: // their size is that of all they hold
	case traits.Mapper:
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			if !weighs(key, limit, sum) || !weighs(v.Get(key), limit, sum) {
				return false
			}
		}
	case traits.Lister:
		for it := v.Iterator(); it.HasNext() == types.True; {
			if !weighs(it.Next(), limit, sum) {
				return false
			}
		}
	}
	return true
}

func checkSplit(args []ref.Val) error {
	text, separator := textArg(args, 0), textArg(args, 1)
	pieces := strings.Count(text, separator) + 1
	if separator == "" {
		pieces = utf8.RuneCountInString(text)
	}
	if pieces > maxPieces {
		return fmt.Errorf("the text has more than %d pieces", maxPieces)
	}
	return nil
}

func checkSearch(args []ref.Val) error {
	if sought := len(textArg(args, 1)); sought > 0 && len(textArg(args, 0)) > maxSearch/sought {
		return errors.New("the texts are too long to search one in the other: use contains")
	}
	return nil
}
