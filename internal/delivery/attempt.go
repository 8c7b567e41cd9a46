package delivery

import (
	"context"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// attempt makes one exchange for a delivery and does what its outcome calls
// for. It gives the verdict; the zero Verdict where nothing was sent.
func (l *Lane) attempt(ctx context.Context, d *spool.Delivery) outbound.Verdict {
	l.busy.Add(1)
	defer l.busy.Add(-1)
	span := l.span(ctx, d)
	req, done, err := l.deps.Requests.render(ctx, l, d)
	if err != nil && ctx.Err() != nil {
		l.deps.Store.Release(d)
		return outbound.Verdict{Meaning: outbound.Canceled}
	}
	if err != nil {
		span.Ended(resultRender, false)
		l.deps.Metrics.rendered(l.name)
		kept := spool.Attempt{At: time.Now().UTC(), Result: resultRender, Detail: err.Error()}
		l.bury(d, []spool.Attempt{kept}, spool.Render, err.Error())
		return outbound.Verdict{}
	}
	defer done()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	span.Inject(req.Header)
	out := l.deps.Client.Do(ctx, req)
	endSpan(span, out)
	l.conclude(d, out)
	return out.Verdict
}

// span begins the span of an attempt; all quick tries belong to it.
func (l *Lane) span(ctx context.Context, d *spool.Delivery) tracing.Span {
	return l.deps.Tracer.Attempt(ctx, tracing.Context(d.Trace), tracing.Delivery{
		Sink: l.name, CallID: d.Record.ID, MessageID: d.MessageID, Revision: d.Record.Revision, Tries: d.Tries,
	})
}

// endSpan tells what came of an attempt. What was not tried has no span.
func endSpan(s tracing.Span, out outbound.Outcome) {
	for _, t := range out.Tries {
		s.Try(t.At, t.Duration, t.Status, t.Meaning.String())
	}
	if out.Meaning != outbound.BreakerOpen && out.Meaning != outbound.Canceled {
		s.Ended(out.Meaning.String(), out.Meaning == outbound.Delivered)
	}
}

// conclude reports to the store what became of a delivery.
func (l *Lane) conclude(d *spool.Delivery, out outbound.Outcome) {
	attempts := l.record(out.Tries)
	switch out.Meaning {
	case outbound.Delivered:
		l.deps.Store.Settle(d, attempts)
		l.deps.Metrics.delivered(l.name, d.Record.ReceivedAt.Time)
	case outbound.Rejected:
		l.bury(d, attempts, spool.Rejected, out.Detail)
	case outbound.Paused:
		l.rested(d, attempts, l.pause(out.Wait))
	case outbound.Unwell, outbound.Timeout, outbound.Connect, outbound.Credentials:
		l.again(d, attempts, out.Verdict)
	case outbound.BreakerOpen, outbound.Canceled:
		l.deps.Store.Release(d)
	default: // none that this package knows; the delivery must not stay leased
		l.deps.Store.Release(d)
	}
}

// unwell tells whether the meaning says that the sink cannot work now.
func unwell(m outbound.Meaning) bool {
	switch m {
	case outbound.Unwell, outbound.Timeout, outbound.Connect, outbound.Credentials:
		return true
	default:
		return false
	}
}

// rested gives a delivery back that met a pause. Quick tries that were made
// before the sink asked for it are kept with it.
func (l *Lane) rested(d *spool.Delivery, attempts []spool.Attempt, until time.Time) {
	if len(attempts) == 0 {
		l.deps.Store.Release(d)
		return
	}
	l.deps.Store.Postpone(d, attempts, until)
}

// again schedules the next attempt, not before the time that the sink named, or
// ends a delivery that is too old by now.
func (l *Lane) again(d *spool.Delivery, attempts []spool.Attempt, v outbound.Verdict) {
	if l.tooOld(d) {
		l.bury(d, attempts, spool.Expired, l.expiredDetail(v.Detail))
		return
	}
	h := d.History
	h.Spent++
	wait := max(v.Wait, l.set.Retry.wait(h, l.random))
	l.deps.Store.Retry(d, attempts, l.deps.Store.Now().Add(wait), h)
}

func (l *Lane) bury(d *spool.Delivery, attempts []spool.Attempt, reason spool.Reason, detail string) {
	l.deps.Store.Bury(d, attempts, reason, detail)
	l.deps.Metrics.ended(l.name, reason, 1)
	l.log.Warn("dead letter", "reason", string(reason), "call", d.Record, "detail", call.MaskText(detail))
}

// record counts the wire tries and gives them in the form that is kept.
func (l *Lane) record(tries []outbound.Try) []spool.Attempt {
	out := make([]spool.Attempt, 0, len(tries))
	for _, t := range tries {
		l.deps.Metrics.attempted(l.name, t)
		if t.Meaning == outbound.Paused {
			continue // spends no attempt
		}
		out = append(out, spool.Attempt{
			At: t.At.UTC(), Duration: t.Duration, Status: t.Status, Result: t.Meaning.String(), Detail: t.Detail,
			Warning: t.Warning, Headers: t.Headers, Request: (*spool.Sent)(t.Sent),
		})
	}
	return out
}
