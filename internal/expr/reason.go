package expr

import (
	"slices"

	"cel.dev/cel-go/common/operators"
)

// state is a value of CEL's logic: an error is no answer, but && and || decide
// without it where they can.
type state int

const (
	no state = iota
	yes
	failed
)

// reason is a node of a condition's logical operators; a leaf has a term.
type reason struct {
	state state
	term  *Term
	op    string
	parts []*reason
}

// combine computes the state of an operator from its parts.
func (r *reason) combine() {
	switch r.op {
	case operators.LogicalAnd:
		r.state = r.absorb(no, yes)
	case operators.LogicalOr:
		r.state = r.absorb(yes, no)
	case operators.LogicalNot:
		r.state = r.parts[0].state.opposite()
	default: // the conditional
		r.state = failed
		if chosen := r.chosen(); chosen != nil {
			r.state = chosen.state
		}
	}
}

// absorb gives strong if one part is; else failed if one part is; else weak.
func (r *reason) absorb(strong, weak state) state {
	for _, s := range []state{strong, failed} {
		if slices.ContainsFunc(r.parts, func(p *reason) bool { return p.state == s }) {
			return s
		}
	}
	return weak
}

func (s state) opposite() state { return map[state]state{yes: no, no: yes, failed: failed}[s] }

// chosen is the branch that a conditional takes; nil when its condition failed.
func (r *reason) chosen() *reason {
	switch r.parts[0].state {
	case yes:
		return r.parts[1]
	case no:
		return r.parts[2]
	default:
		return nil
	}
}

// decide marks the terms that made the node what it is.
func (r *reason) decide() {
	switch r.op {
	case "":
		r.term.Decided = true
	case operators.LogicalAnd, operators.LogicalOr:
		// Where one part is enough, those that are so; else all are so.
		for _, p := range r.parts {
			if p.state == r.state {
				p.decide()
			}
		}
	case operators.LogicalNot:
		r.parts[0].decide()
	default:
		r.parts[0].decide()
		if chosen := r.chosen(); chosen != nil {
			chosen.decide()
		}
	}
}

// terms lists the leaves in the order of the text.
func (r *reason) terms(list []Term) []Term {
	if r.term != nil {
		return append(list, *r.term)
	}
	for _, p := range r.parts {
		list = p.terms(list)
	}
	return list
}
