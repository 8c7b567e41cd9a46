package expr

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// program is one compiled expression. It is immutable.
type program struct {
	schema *schema
	cel    cel.Program
	output *cel.Type
	path   *rawPath // set when the expression is only a path into call.raw
	ofCall bool     // the expression reads call, or what steps took for one
	ofNow  bool     // the expression reads now
	plain  uint64   // the fixed price, 0 where the cost depends on the record
	secret bool     // the expression reads a secret
	steps  []StepUse
	asks   Subject
}

// uses returns the results of steps that a program reads; p may be nil.
func (p *program) uses() []StepUse {
	if p == nil {
		return nil
	}
	return p.steps
}

// subject returns what of a call a program asks for; p may be nil.
func (p *program) subject() Subject {
	if p == nil {
		return 0
	}
	return p.asks
}

// compileRecord compiles an expression over call. The error is a faults.
func compileRecord(src string) (*program, error) {
	return compileIn(func(e *environment) *cel.Env { return e.record }, src)
}

// compileTemplate compiles an expression over call and now.
func compileTemplate(src string) (*program, error) {
	return compileIn(func(e *environment) *cel.Env { return e.template }, src)
}

// compileResponse compiles an expression over response.
func compileResponse(src string) (*program, error) {
	return compileIn(func(e *environment) *cel.Env { return e.response }, src)
}

func compileIn(variables func(*environment) *cel.Env, src string) (*program, error) {
	e, err := environments()
	if err != nil {
		return nil, err
	}
	return e.compile(variables(e), src)
}

func (e *environment) compile(env *cel.Env, src string) (*program, error) {
	if strings.TrimSpace(src) == "" {
		return nil, problem("the expression is empty")
	}
	if len(src) > maxSource {
		return nil, problem(fmt.Sprintf("the expression is longer than %d bytes: split it", maxSource))
	}
	parsed, issues := env.Parse(src)
	if issues.Err() != nil {
		if wrong := syntaxFault(src); wrong != nil {
			return nil, wrong
		}
		return nil, e.explain(issues, nil)
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, e.explain(issues, parsed.NativeRep().Expr())
	}
	if err := e.checkLiterals(checked.NativeRep()); err != nil {
		return nil, err
	}
	if err := checkComparisons(checked.NativeRep()); err != nil {
		return nil, err
	}
	steps, err := stepsIn(checked.NativeRep())
	if err != nil {
		return nil, err
	}
	prg, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), compiledRegexes())
	if err != nil {
		return nil, problem(err.Error())
	}
	return &program{
		schema: e.schema, cel: prg, output: checked.OutputType(),
		path:   rawPathOf(checked.NativeRep().Expr()),
		ofCall: len(steps) > 0 || reads(checked.NativeRep(), recordVariable),
		ofNow:  reads(checked.NativeRep(), nowVariable),
		plain:  plainPrice(checked.NativeRep()),
		secret: readsSecret(checked.NativeRep()),
		steps:  steps, asks: subjectOf(checked.NativeRep()),
	}, nil
}

// reads reports whether a variable stands in an expression.
func reads(a *ast.AST, variable string) bool {
	return len(ast.MatchDescendants(ast.NavigateAST(a), func(e ast.NavigableExpr) bool {
		return e.Kind() == ast.IdentKind && e.AsIdent() == variable
	})) > 0
}

// noValue tells an error that says "there is nothing here" from one that says
// "this went wrong".
func noValue(err error) bool {
	if _, ok := errors.AsType[*absentError](err); ok {
		return true
	}
	// CEL's own errors for a missing key and index have no type that can be
	// named from outside; a test holds these texts.
	text := err.Error()
	return strings.HasPrefix(text, "no such key: ") || strings.HasPrefix(text, "index out of bounds: ")
}
