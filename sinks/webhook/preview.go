package webhook

import (
	"fmt"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Preview renders every step without a request. The result of one that nobody gave
// is a placeholder.
func (s *Sink) Preview(messageID string, r *call.Record, given contract.Given) []contract.Preview {
	a := s.series(messageID, r, given.Remembered)
	var all []contract.Preview
	for a.at < len(s.steps) {
		st := s.steps[a.at]
		one := contract.Preview{Step: st.name}
		if one.Request, one.Err = a.render(st); one.Err == nil && one.Request == nil {
			one.Skipped = "when does not hold: " + st.when.Source()
		}
		all = append(all, one)
		if one.Err != nil {
			break
		}
		result, err := resultOf(st, given, one.Request != nil)
		if err != nil {
			all[len(all)-1].Err = st.wrap(err)
			break
		}
		a.pass(st, result)
	}
	return all
}

// resultOf is the result that a step has in a preview.
func resultOf(st *step, given contract.Given, made bool) (expr.Result, error) {
	if !made {
		return expr.Result{}, nil
	}
	text, known := given.Results[st.name]
	if !known {
		return placeholder(st), nil
	}
	result, err := expr.ParseResult(text)
	if err != nil {
		return result, fmt.Errorf("the result that is given: %w", err)
	}
	return result, nil
}
