package webhook

import (
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// answers are the configured readings of what the endpoint answers.
type answers struct {
	success expr.ResponseCondition
	retryIf expr.ResponseCondition
}

// read tells what an answer means: retry_if, then success, then the standard
// table. A wish for a pause outlives retry_if: both say "later", and the pause
// says when. Whatever decides, the detail keeps what was answered: it is all that
// the operator has to see why.
func (c answers) read(a outbound.Answer) outbound.Verdict {
	standard := outbound.Standard(a)
	response := expr.Response{Status: a.Status, Header: a.Header, Body: a.Body}
	if !c.retryIf.IsZero() && c.retryIf.Holds(response) {
		if standard.Meaning == outbound.Paused {
			return standard
		}
		return outbound.Verdict{Meaning: outbound.Unwell, Detail: "retry_if holds: " + standard.Detail}
	}
	if c.success.IsZero() {
		return standard
	}
	switch {
	case c.success.Holds(response):
		return outbound.Verdict{Meaning: outbound.Delivered, Detail: standard.Detail}
	case standard.Meaning == outbound.Delivered:
		return outbound.Verdict{Meaning: outbound.Rejected, Detail: "success does not hold: " + standard.Detail}
	default:
		return standard
	}
}
