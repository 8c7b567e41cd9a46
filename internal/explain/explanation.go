package explain

import (
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Result is what intake would make of a callback.
type Result string

// The results.
const (
	// Accepted: it becomes a call.
	Accepted Result = "accepted"
	// Ignored: it is an event that is no call record.
	Ignored Result = "ignored"
	// Undecodable: it cannot be understood, or the rules cost too much for it; it
	// would be kept as a dead letter.
	Undecodable Result = "undecodable"
)

// Explanation is what would become of a callback. Its JSON is the API's.
type Explanation struct {
	Result Result `json:"result"`
	// Reason says why the callback is no accepted call.
	Reason string `json:"reason,omitempty"`
	Source string `json:"source"`
	Format string `json:"format"`
	// Record is nil unless the callback was understood.
	Record *call.Record `json:"record"`
	// Rules has every rule, in order; none without a record.
	Rules []Rule `json:"rules"`
	// Sinks are those that get the call.
	Sinks []string `json:"sinks"`
	// Requests has one for each of Sinks, or one for each step of theirs.
	Requests []Request `json:"requests"`
}

// Outcome is what became of a rule.
type Outcome string

// The outcomes of a rule.
const (
	// Matched: the condition holds, or there is none.
	Matched Outcome = "matched"
	// NotMatched: the condition is false.
	NotMatched Outcome = "not_matched"
	// Failed: a value that the condition needs is absent, or it cannot be
	// computed. The rule does not match.
	Failed Outcome = "error"
	// Skipped: an earlier rule stopped the reading.
	Skipped Outcome = "skipped"
)

// Rule is one rule with why it matched or not.
type Rule struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"result"`
	// Why is a sentence with the values that decided.
	Why string `json:"why"`
	// When is the condition as it is written; empty when there is none.
	When string   `json:"when,omitempty"`
	To   []string `json:"to"`
	Stop bool     `json:"stop"`
	// Terms are the parts of the condition; none for a rule that was skipped.
	Terms []expr.Term `json:"terms,omitempty"`
}

// Request is what a sink would get, secrets masked.
type Request struct {
	Sink string `json:"sink"`
	// Step names the request, where the sink makes several.
	Step string `json:"step,omitempty"`
	// Skipped says why the step is not made for this call.
	Skipped   string            `json:"skipped,omitempty"`
	MessageID string            `json:"message_id"`
	Method    string            `json:"method,omitempty"`
	URL       string            `json:"url,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	// Body is the text as it is sent.
	Body string `json:"body,omitempty"`
	// Error says why there would be no request: a template fails on this call.
	Error string `json:"error,omitempty"`

	// Behind functions, so that no printed form shows them.
	wire    func() outbound.Wire
	secrets []secret.Value
}

// Wire gives the request with its secrets; what is only known when it is sent is
// masked all the same. The zero Wire where there is an Error.
func (r Request) Wire() outbound.Wire {
	if r.wire == nil {
		return outbound.Wire{}
	}
	return r.wire()
}

// Secrets are those of the sink.
func (r Request) Secrets() []secret.Value { return r.secrets }
