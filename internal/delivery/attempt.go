package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// attempt makes the requests of a delivery and does what their outcome calls for. It
// returns the verdict; the zero Verdict where the delivery could not be rendered.
func (l *Lane) attempt(ctx context.Context, j job) outbound.Verdict {
	d, begun := j.delivery, l.deps.Store.Now()
	l.busy.Add(1)
	defer l.busy.Add(-1)
	defer l.returned(d, begun)
	a := &attempt{lane: l, job: j, span: l.span(ctx, d), series: l.deps.Renderer.Series(d.MessageID, d.Record, d.Remembered)}
	out, err := a.run(ctx)
	if err != nil && ctx.Err() != nil {
		out.Verdict, err = outbound.Verdict{Meaning: outbound.Canceled}, nil
	}
	if err != nil {
		a.series.End(outbound.Rejected)
		a.remember()
		a.span.Ended(resultRender, false)
		l.deps.Metrics.rendered(l.name)
		kept := spool.Attempt{At: time.Now().UTC(), Result: resultRender, Detail: err.Error()}
		l.noteRender(d, out.Tries, kept)
		l.bury(d, append(l.record(out.Tries), kept), spool.Render, err.Error())
		return outbound.Verdict{}
	}
	a.series.End(out.Meaning)
	endSpan(a.span, out.Meaning)
	l.note(d, out, a.proven)
	if unwell(out.Meaning) && l.deps.Client.State() != outbound.Closed {
		l.opened(d, out)
	}
	l.conclude(ctx, a, begun, out)
	return out.Verdict
}

// beginQuick reports whether one more worker may wait for quick tries: a quarter
// of them at one moment, but always one. What comes meanwhile needs the others.
func (l *Lane) beginQuick() bool {
	if l.quick.Add(1) <= int64(max(1, l.set.Concurrency/4)) {
		return true
	}
	l.quick.Add(-1)
	return false
}

// isDoubtful reports whether an attempt of the delivery that fails now says
// nothing about the sink.
func (l *Lane) isDoubtful(d *spool.Delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	doubtful, _ := l.proof.doubtful(d.History)
	return doubtful
}

// returned gives back the place that a doubtful delivery had among its like.
func (l *Lane) returned(d *spool.Delivery, begun time.Time) {
	if !d.History.Doubtful {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quota.end(begun, l.deps.Store.Now().Sub(begun))
}

// span begins the span of an attempt; all quick tries belong to it.
func (l *Lane) span(ctx context.Context, d *spool.Delivery) tracing.Span {
	return l.deps.Tracer.Attempt(ctx, tracing.Context(d.Trace), tracing.Delivery{
		Sink: l.name, CallID: d.Record.ID, MessageID: d.MessageID, Revision: d.Record.Revision, Tries: d.Tries,
	})
}

// conclude reports to the store what became of a delivery. An attempt that kept
// something is never merely released: it would be forgotten.
func (l *Lane) conclude(ctx context.Context, a *attempt, begun time.Time, out outbound.Outcome) {
	d, kept, attempts := a.job.delivery, a.remember(), l.record(out.Tries)
	switch out.Meaning {
	case outbound.Delivered:
		lost := l.lost(d, l.deps.Store.Settle(d, attempts))
		switch {
		case a.proven:
			l.answered(ctx, d, begun, true)
		case len(out.Tries) > 0:
			l.failed(begun)
		}
		if !lost {
			l.deps.Metrics.delivered(l.name, d.Record.ReceivedAt.Time)
		}
	case outbound.Rejected:
		l.bury(d, attempts, spool.Rejected, out.Detail)
		l.answered(ctx, d, begun, false)
	case outbound.Paused:
		l.asked(ctx, d, attempts, begun, out.Verdict)
	case outbound.Unwell, outbound.Timeout, outbound.Connect, outbound.Credentials:
		l.failed(begun)
		l.again(d, attempts, out.Verdict)
	default: // BreakerOpen, Canceled; the delivery must not stay leased in any case
		if kept {
			l.lost(d, l.deps.Store.Postpone(d, attempts, l.deps.Store.Now()))
			return
		}
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

// again does what a failed attempt calls for.
func (l *Lane) again(d *spool.Delivery, attempts []spool.Attempt, v outbound.Verdict) {
	l.mu.Lock()
	h := l.proof.judge(d.History, l.deps.Store.Now())
	l.mu.Unlock()
	if l.tooOld(d) {
		l.bury(d, attempts, spool.Expired, l.expiredDetail(v.Detail))
		return
	}
	l.retry(d, attempts, v, h)
}

// retry schedules the next attempt of a delivery with that history, not before the
// time that the sink named, or ends one whose doubtful attempts are used up.
func (l *Lane) retry(d *spool.Delivery, attempts []spool.Attempt, v outbound.Verdict, h spool.History) {
	if h.Doubtful && h.Doubts >= l.set.Retry.DoubtfulAttempts {
		l.bury(d, attempts, spool.Failing, l.failingDetail(v.Detail))
		return
	}
	wait := max(v.Wait, l.set.Retry.wait(h, l.random))
	l.lost(d, l.deps.Store.Retry(d, attempts, l.deps.Store.Now().Add(wait), h))
}

func (l *Lane) failingDetail(why string) string {
	return fmt.Sprintf("the sink took other calls while %d attempts for this one failed (doubtful_attempts): %s", l.set.Retry.DoubtfulAttempts, why)
}

func (l *Lane) bury(d *spool.Delivery, attempts []spool.Attempt, reason spool.Reason, detail string) {
	if l.lost(d, l.deps.Store.Bury(d, attempts, reason, detail)) {
		return
	}
	l.deps.Metrics.ended(l.name, reason, 1)
	l.log.Warn("dead letter", "reason", string(reason), "call", d.Record, "detail", d.Record.Masker().Text(detail))
}

// lost reports whether what became of a delivery was not taken by the store, because
// another process drives the lane by now. That one makes the delivery again, and
// counts and tells how it ends.
func (l *Lane) lost(d *spool.Delivery, err error) bool {
	if err != nil {
		l.log.Warn("an attempt is not counted: the lane has another owner by now, which makes the delivery again", "call", d.Record, "error", err)
	}
	return err != nil
}

// record counts the wire tries and returns them in the form that is kept.
func (l *Lane) record(tries []outbound.Try) []spool.Attempt {
	out := make([]spool.Attempt, 0, len(tries))
	for _, t := range tries {
		l.deps.Metrics.attempted(l.name, t)
		out = append(out, spool.Attempt{
			At: t.At.UTC(), Step: t.Name, Duration: t.Duration, Status: t.Status, Result: t.Meaning.String(), Detail: t.Detail,
			Warning: t.Warning, Headers: t.Headers, Request: (*spool.Sent)(t.Sent),
		})
	}
	return out
}
