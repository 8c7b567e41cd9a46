package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
)

// Router decides by fixed rules. It is immutable.
type Router struct {
	rules  []Rule
	lookup expr.Lookup
	names  []string
}

// New makes a router of rules that Validate found nothing wrong with. lookup is
// for the tables that their conditions look into; nil where there are none.
func New(rules []Rule, lookup expr.Lookup) *Router {
	own := slices.Clone(rules)
	for i := range own {
		own[i].To = slices.Clone(own[i].To)
	}
	return &Router{rules: own, lookup: lookup, names: Names(own)}
}

// Rules gives the names of the rules in their order, as Match reports them.
func (r *Router) Rules() []string { return slices.Clone(r.names) }

// Decision is what the rules say of one record.
type Decision struct {
	// Sinks are the destinations, each once, in the order of their first
	// mention; none means that the call is kept and goes nowhere.
	Sinks []string
	// Rules has a result for each rule, in order.
	Rules []RuleResult
	// Err is set where the conditions cost too much to be decided; then there are
	// no Sinks, and the rules behind the one that it names were not read.
	Err *TooCostly
}

// TooCostly says that the conditions of all rules together cost more for a record
// than they may. The bound is one of work, not of time, so every machine decides
// the same.
type TooCostly struct {
	// Rule is the one that passed the bound.
	Rule string
}

func (t *TooCostly) Error() string { return fmt.Sprintf("rule %q: %v", t.Rule, expr.ErrCost) }

// Unwrap returns expr.ErrCost.
func (t *TooCostly) Unwrap() error { return expr.ErrCost }

// RuleResult is what became of one rule.
type RuleResult struct {
	Rule    string
	Matched bool
	// Err says why the condition could not be decided: a value is absent, or
	// evaluating failed. The rule did not match.
	Err error
	// Skipped is set when an earlier rule stopped the reading.
	Skipped bool
}

// Match applies the rules to a record.
func (r *Router) Match(record *call.Record) Decision {
	d := Decision{Rules: make([]RuleResult, len(r.rules))}
	view := expr.NewView(record, r.lookup)
	stopped := false
	for i, rule := range r.rules {
		result := &d.Rules[i]
		result.Rule = r.names[i]
		if stopped {
			result.Skipped = true
			continue
		}
		result.Matched, result.Err = rule.When.Holds(view)
		if errors.Is(result.Err, expr.ErrCost) {
			d.Sinks, d.Err = nil, &TooCostly{Rule: result.Rule}
			stopped = true
		}
		if result.Matched {
			d.add(rule.To)
			stopped = rule.Stop
		}
	}
	return d
}

// Matched returns the names of the rules that matched, one a line.
func (d *Decision) Matched() string {
	var names string
	for _, r := range d.Rules {
		if !r.Matched {
			continue
		}
		if names != "" {
			names += "\n"
		}
		names += strings.ReplaceAll(r.Rule, "\n", " ")
	}
	return names
}

// add appends the sinks that are not there yet.
func (d *Decision) add(sinks []string) {
	for _, s := range sinks {
		if !slices.Contains(d.Sinks, s) {
			d.Sinks = append(d.Sinks, s)
		}
	}
}
