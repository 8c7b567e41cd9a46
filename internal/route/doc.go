// Package route owns the rules: which sinks get a call record, and why.
//
// Rules are read from top to bottom. Every rule whose condition holds, or that
// has none, adds its sinks; a rule with stop that matches ends the reading. Each
// sink is named once, in the order in which the rules first name it.
//
// A rule whose condition cannot be decided, because the record lacks a value
// that it needs, does not match, and says so in the decision. Where the conditions
// together cost more than a fixed bound, the record is not routed at all and the
// decision names the rule. Match is pure and
// safe for concurrent use: it depends on the rules and the record alone, and
// changes neither. The package knows sinks only by name.
package route
