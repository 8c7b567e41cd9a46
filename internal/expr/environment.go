package expr

import (
	"fmt"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	celenv "cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/ext"
)

const (
	// maxSource is the longest expression, in bytes.
	maxSource = 8192
	// maxNesting bounds the depth of an expression.
	maxNesting = 100
)

// environment is all that compiling needs.
type environment struct {
	schema   *schema
	zones    *zones
	markups  markups
	record   *cel.Env // of conditions
	template *cel.Env
	response *cel.Env
}

// environments gives the one environment, made on first use. It takes some
// milliseconds to make, is immutable and serves every expression.
//
//nolint:gochecknoglobals // a constant that needs computing
var environments = sync.OnceValues(newEnvironment)

func newEnvironment() (*environment, error) {
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	e := &environment{schema: s, zones: &zones{}, markups: newMarkups()}
	if e.record, err = e.declare(recordVariable, recordType, tableFunction()); err != nil {
		return nil, err
	}
	outcomes := cel.Variable(stepsVariable, s.kinds[outcomesType].typ)
	remembered := cel.Variable(rememberedVariable, s.kinds[outcomesType].typ)
	if e.template, err = e.record.Extend(cel.Variable(nowVariable, cel.TimestampType), outcomes, remembered); err != nil {
		return nil, fmt.Errorf("cel environment: %w", err)
	}
	if e.response, err = e.declare(responseVariable, responseType); err != nil {
		return nil, err
	}
	return e, nil
}

// declare makes a CEL environment with one variable.
func (e *environment) declare(variable, typ string, more ...cel.EnvOption) (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(celenv.NewLibrarySubset().AddExcludedFunctions(celenv.NewFunction(overloads.Matches)))),
		matchesFunction(),
		cel.CustomTypeProvider(e.schema),
		cel.CustomTypeAdapter(e.schema),
		cel.Variable(variable, e.schema.kinds[typ].typ),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxNesting),
		cel.EnableMacroCallTracking(), // Explain writes parts of expressions out again
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
		ext.Strings(),
		bounded,
	}
	env, err := cel.NewCustomEnv(slices.Concat(opts, e.functions(), more)...)
	if err != nil {
		return nil, fmt.Errorf("cel environment: %w", err)
	}
	return env, nil
}
