package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/route"
)

// rules says of each rule what became of it.
func (e *Explainer) rules(record *call.Record, d route.Decision) []Rule {
	out := make([]Rule, len(d.Rules))
	stopper := ""
	for i, result := range d.Rules {
		rule := e.config.Rules[i]
		out[i] = Rule{
			Name: result.Rule, Outcome: outcome(result), When: rule.When.Source(),
			To: append([]string{}, rule.To...), Stop: rule.Stop,
		}
		if result.Skipped {
			out[i].Why = fmt.Sprintf("rule %q ended the reading", stopper)
			continue
		}
		out[i].Terms = rule.When.Explain(expr.NewView(record, e.config.Lookup))
		out[i].Why = why(result, out[i].Terms)
		if result.Matched && rule.Stop || errors.Is(result.Err, expr.ErrCost) {
			stopper = result.Rule
		}
	}
	return out
}

func outcome(r route.RuleResult) Outcome {
	switch {
	case r.Skipped:
		return Skipped
	case r.Err != nil:
		return Failed
	case r.Matched:
		return Matched
	default:
		return NotMatched
	}
}

// why is the values of the terms that decided.
func why(r route.RuleResult, terms []expr.Term) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	if len(terms) == 0 {
		return "it has no condition"
	}
	var facts []string
	for _, t := range terms {
		if !t.Decided {
			continue
		}
		for _, fact := range factsOf(t) {
			if !slices.Contains(facts, fact) {
				facts = append(facts, fact)
			}
		}
	}
	return strings.Join(facts, ", ")
}

func factsOf(t expr.Term) []string {
	if len(t.Operands) == 0 {
		return []string{t.Text + " is " + t.Value}
	}
	facts := make([]string, len(t.Operands))
	for i, o := range t.Operands {
		facts[i] = o.Text + " is " + o.Value
		if o.Value == expr.NoValue {
			facts[i] = o.Text + " has no value"
		}
	}
	return facts
}
