package webhook

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// conventions are the configured readings of what the endpoint answers.
func (r Request) conventions() outbound.Conventions {
	return outbound.Conventions{
		AddressIf: holds(r.AddressIf),
		Pause:     pause(r.Pause),
		RetryIf:   holds(r.RetryIf),
		Success:   success(r.Success),
	}
}

func holds(c expr.ResponseCondition) func(outbound.Answer) bool {
	if c.IsZero() {
		return nil
	}
	return func(a outbound.Answer) bool { return c.Holds(response(a)) }
}

func pause(w expr.ResponseWait) func(outbound.Answer) time.Duration {
	if w.IsZero() {
		return nil
	}
	return func(a outbound.Answer) time.Duration { return outbound.Seconds(w.Seconds(response(a))) }
}

func success(c expr.ResponseCondition) func(outbound.Answer) (holds, unread bool) {
	if c.IsZero() {
		return nil
	}
	return func(a outbound.Answer) (holds, unread bool) {
		holds, lacksJSON := c.Judge(response(a))
		return holds, lacksJSON && a.Unread != ""
	}
}

func response(a outbound.Answer) expr.Response {
	return expr.Response{Status: a.Status, Header: a.Header, Body: a.Body}
}
