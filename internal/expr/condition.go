package expr

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Condition is a CEL expression over call that is true or false. The zero
// Condition always holds. It is immutable and safe for concurrent use.
type Condition struct {
	src     string
	program *program
}

// CompileCondition compiles a condition.
func CompileCondition(src string) (Condition, error) {
	p, err := compileRecord(src)
	if err != nil {
		return Condition{}, err
	}
	if err := p.mustBeBool(); err != nil {
		return Condition{}, err
	}
	return Condition{src: src, program: p}, nil
}

// IsZero tells whether no condition was compiled.
func (c Condition) IsZero() bool { return c.program == nil }

// Source gives the expression as it was written.
func (c Condition) Source() string { return c.src }

// Holds reports whether the condition is true of the record of a view. A value
// that it needs and that is absent, or any other failure to evaluate, is false
// and an error; ErrCost where the conditions over the view cost too much.
func (c Condition) Holds(v *View) (bool, error) {
	if c.program == nil {
		return true, nil
	}
	return c.program.holds(&v.view)
}

func (p *program) holds(in paying) (bool, error) {
	out, err := p.eval(in)
	if err != nil {
		return false, err
	}
	return asBool(out)
}

// asBool is for dynamic values; the checker has refused all others.
func asBool(out ref.Val) (bool, error) {
	b, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the condition is %s, neither true nor false", out.Type().TypeName())
	}
	return bool(b), nil
}

func (p *program) mustBeBool() error {
	if p.output.IsExactType(cel.BoolType) || p.output.IsDyn() {
		return nil
	}
	return problem(fmt.Sprintf("the condition is of type %s: it must be true or false, compare it with something", p.output))
}
