package expr

import (
	"fmt"
	"regexp"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// maxMatched is how much of a text a regular expression sees, in bytes: all
	// of every text of the record, and the beginning of a long one in call.raw or
	// of an answer.
	maxMatched = 2 << 10
	// maxProgram bounds a regular expression that is written in the
	// configuration, in the instructions that it compiles to.
	maxProgram = 5_000
	// maxOtherProgram bounds one that is only known when it is used.
	maxOtherProgram = 1_000
	// maxOtherPattern bounds its text.
	maxOtherPattern = 512
	// knownRegex begins the overload of a match with a known regular expression;
	// the number of its instructions follows, for its price.
	knownRegex = "matches_known_"
)

// matchesFunction declares matches, which sees at most maxMatched bytes of a
// text: CEL counts the cost of a match only when it has ended.
func matchesFunction() cel.EnvOption {
	args := []*cel.Type{cel.StringType, cel.StringType}
	return cel.Function(overloads.Matches,
		cel.Overload(overloads.Matches, args, cel.BoolType),
		cel.MemberOverload(overloads.MatchesString, args, cel.BoolType),
		cel.SingletonBinaryBinding(matchOther))
}

// compiledRegexes compiles the regular expressions of a program with it.
func compiledRegexes() cel.ProgramOption {
	var all []*interpreter.RegexOptimization
	for _, id := range []string{overloads.Matches, overloads.MatchesString} {
		all = append(all, &interpreter.RegexOptimization{Function: overloads.Matches, OverloadID: id, RegexIndex: 1, Factory: knownMatch})
	}
	return cel.OptimizeRegex(all...)
}

func knownMatch(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
	steps, err := types.RegexProgramSize(pattern)
	if err != nil {
		return nil, fmt.Errorf("matches: %w", err)
	}
	if steps > maxProgram {
		return nil, fmt.Errorf("matches: the regular expression is too large: write it with fewer alternatives and smaller repetitions")
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("matches: %w", err)
	}
	return interpreter.NewCall(call.ID(), call.Function(), knownRegex+strconv.Itoa(steps), call.Args(), func(args ...ref.Val) ref.Val {
		return match(compiled, args[0])
	}), nil
}

// matchOther matches a text with a regular expression that was computed.
func matchOther(text, pattern ref.Val) ref.Val {
	source, ok := pattern.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(pattern)
	}
	if len(source) > maxOtherPattern {
		return types.NewErr("matches: a computed regular expression has at most %d bytes", maxOtherPattern)
	}
	compiled, err := types.CompileRegexWithLimit(string(source), maxOtherProgram)
	if err != nil {
		return types.WrapErr(fmt.Errorf("matches: %w", err))
	}
	return match(compiled, text)
}

func match(compiled *regexp.Regexp, text ref.Val) ref.Val {
	value, ok := text.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(text)
	}
	s := string(value)
	return types.Bool(compiled.MatchString(s[:plaintext.Boundary(s, maxMatched)]))
}
