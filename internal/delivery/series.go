package delivery

import (
	"context"
	"maps"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/tracing"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// attempt is one attempt at a delivery while it is made.
type attempt struct {
	lane   *Lane
	job    job
	series outbound.Series
	span   tracing.Span
	// quick: the attempt has one of the places for quick tries.
	quick bool
	// proven: the sink took a request that shows that it is well. What is delivered
	// without one says nothing about the sink.
	proven bool
}

// run makes the requests, one after another, until one is not delivered or all are. An
// error is the renderer's, or the context's.
func (a *attempt) run(ctx context.Context) (out outbound.Outcome, err error) {
	defer func() {
		if a.quick {
			a.lane.quick.Add(-1)
		}
	}()
	out.Meaning = outbound.Delivered // where nothing had to be asked
	for first := true; ; first = false {
		req, done, err := a.lane.deps.Requests.render(ctx, a.lane, a.job.delivery.Record, a.series)
		if err != nil || req == nil {
			return out, err
		}
		if err := a.pace(ctx, first, req.Withheld); err != nil {
			done()
			return out, err
		}
		one := a.request(ctx, req)
		done()
		out.Verdict, out.Tries = one.Verdict, append(out.Tries, one.Tries...)
		if one.Meaning != outbound.Delivered {
			if req.Name != "" {
				out.Detail = "step " + req.Name + ": " + out.Detail
			}
			return out, nil
		}
		a.proven = a.proven || len(one.Tries) > 0 && !req.Incidental && !req.Withheld
		a.series.Advance()
	}
}

// pace waits for the token of a request. That of the first one is taken by the
// dispatcher, and the following ones go before deliveries that have not begun.
func (a *attempt) pace(ctx context.Context, first, withheld bool) error {
	switch {
	case withheld || a.lane.rate == nil:
		return nil
	case !first:
		return a.lane.rate.Wait(ctx)
	case a.job.turn == nil:
		return nil
	}
	return wait.For(ctx, <-a.job.turn)
}

// request makes one request.
func (a *attempt) request(ctx context.Context, req *outbound.Request) outbound.Outcome {
	l, d := a.lane, a.job.delivery
	span := a.span
	if req.Name != "" {
		span = span.Step(ctx, req.Name)
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	span.Inject(req.Header)
	req.Delivery = d.MessageID
	req.Quick = func() bool {
		a.quick = a.quick || !a.job.alone() && !d.History.Doubtful && l.beginQuick()
		return a.quick && l.queued.Load() == 0
	}
	req.Doubtful = func() bool { return l.isDoubtful(d) }
	out := l.deps.Client.Do(ctx, req)
	for _, t := range out.Tries {
		span.Try(t.At, t.Duration, t.Status, t.Meaning.String())
	}
	if req.Name != "" {
		endSpan(span, out.Meaning)
	}
	return out
}

// endSpan ends a span, but not that of what was not tried.
func endSpan(s tracing.Span, m outbound.Meaning) {
	if m != outbound.BreakerOpen && m != outbound.Canceled {
		s.Ended(m.String(), m == outbound.Delivered)
	}
}

// remember puts what the attempt has to keep into the delivery, and reports whether
// there is anything.
func (a *attempt) remember() bool {
	kept := a.series.Kept()
	if len(kept) == 0 {
		return false
	}
	all := maps.Clone(a.job.delivery.Remembered)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, kept)
	a.job.delivery.Remembered = all
	return true
}
