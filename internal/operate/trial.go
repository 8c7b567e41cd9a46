package operate

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// SinkTest is what came of a sample call that was sent to one sink.
type SinkTest struct {
	Sink      string `json:"sink"`
	CallID    string `json:"call_id"`
	MessageID string `json:"message_id"`
	Delivered bool   `json:"delivered"`
	// Result is delivered, or why not, as in an attempt.
	Result string `json:"result"`
	// Detail is what the sink answered, or the error, without secrets.
	Detail   string    `json:"detail,omitempty"`
	Attempts []Attempt `json:"attempts"`
}

// Test sends a sample call to a sink, whatever its lane does: a pause and an open
// breaker do not hold it back, and its end changes neither. Nothing is kept but the
// event.
func (o *Operator) Test(ctx context.Context, sink string) (SinkTest, error) {
	out, err := o.deps.Test(ctx, sink)
	if err == nil {
		e := o.event(ctx, spool.ActionTest, out.Result)
		e.Sinks, e.Count = []string{sink}, 1
		o.keep(ctx, e)
		o.log.InfoContext(ctx, "an operator tested a sink", "sink", sink, "result", out.Result)
	}
	return out, err
}
