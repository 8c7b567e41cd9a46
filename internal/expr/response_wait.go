package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// ResponseWait is a CEL expression over response that says how long a sink asks to
// be left alone: a number of seconds, a text that is one (as headers are), or a
// duration. It is immutable and safe for concurrent use.
type ResponseWait struct{ program *program }

// compileResponseWait compiles an expression over response.
func compileResponseWait(src string) (ResponseWait, error) {
	p, err := compileResponse(src)
	if err != nil {
		return ResponseWait{}, err
	}
	waits := []*cel.Type{cel.IntType, cel.UintType, cel.DoubleType, cel.DurationType, cel.StringType, cel.NullType, cel.DynType}
	if !slices.ContainsFunc(waits, p.output.IsExactType) {
		return ResponseWait{}, problem(fmt.Sprintf("the expression is of type %s: it must be a number of seconds or a duration", p.output))
	}
	return ResponseWait{p}, nil
}

// IsZero reports whether no expression was compiled.
func (w ResponseWait) IsZero() bool { return w.program == nil }

// Seconds returns what an answer asks for; 0 where the expression has no value,
// fails, or has a value that is no number.
func (w ResponseWait) Seconds(r Response) float64 {
	if w.program == nil {
		return 0
	}
	out, err := w.program.eval(newAnswer(r))
	if err != nil {
		return 0
	}
	switch v := out.(type) {
	case types.Int:
		return float64(v)
	case types.Uint:
		return float64(v)
	case types.Double:
		return float64(v)
	case types.Duration:
		return time.Duration(v.Duration).Seconds()
	case types.String:
		if n, err := strconv.ParseFloat(strings.TrimSpace(string(v)), 64); err == nil {
			return n
		}
	}
	return 0
}
