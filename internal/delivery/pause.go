package delivery

import (
	"context"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// pauseMax is the longest pause that a sink can ask for: outbound clamps it.
	pauseMax = time.Hour
	// sameMoment is how far apart the ends of pauses may lie that count as one:
	// answers to deliveries on their way together.
	sameMoment = time.Second
	// pauseWithin bounds the wait for a store that does not answer.
	pauseWithin = 10 * time.Second
)

// held is how long the lane must rest by order of an operator; 0 without one.
func (l *Lane) held() time.Duration {
	p := l.deps.Store.PauseOf(l.name)
	if p.By != spool.ByOperator {
		return 0
	}
	return max(0, p.Until.Sub(l.deps.Store.Now()))
}

// careful reports whether one delivery at a time is tried, if any, because the
// sink asks for pauses.
func (l *Lane) careful() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opinions.holds() || l.opinions.limited()
}

// resume begins to watch, and goes on with a pause that the sink asked for before a
// restart. One that ends later than any can was made before the clock was set back,
// and is over.
func (l *Lane) resume() {
	p, now := l.deps.Store.PauseOf(l.name), l.deps.Store.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proof.since.IsZero() {
		l.proof.since = now
	}
	if left := p.Until.Sub(now); p.By == spool.BySink && left > 0 && left <= pauseMax && !l.opinions.holds() {
		l.opinions.resume(p.Until, now)
		l.written = p.Until
	}
}

// paused is how long no delivery may be tried because the sink asked for a pause.
// An operator may end the pause.
func (l *Lane) paused() time.Duration {
	l.pausing.Lock()
	defer l.pausing.Unlock()
	now := l.deps.Store.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written.After(now) && l.deps.Store.PauseOf(l.name) == (spool.Pause{}) {
		for _, a := range l.opinions.askers {
			l.deps.Store.Amend(l.name, a.delivery.Seq, now, a.delivery.History)
		}
		l.opinions.end()
		l.written = time.Time{}
	}
	return l.opinions.wait(now)
}

// asked does what an answer calls for by which the sink asks for a pause.
func (l *Lane) asked(ctx context.Context, d *spool.Delivery, attempts []spool.Attempt, begun time.Time, v outbound.Verdict) {
	a := ask{delivery: remembered(d), begun: begun, ended: l.deps.Store.Now(), wait: v.Wait}
	l.mu.Lock()
	a.doubtful, _ = l.proof.doubtful(d.History)
	a.failed = l.proof.judge(d.History, a.ended)
	ruled := l.opinions.asked(a)
	l.mu.Unlock()
	l.keepPause(ctx)
	switch {
	case l.tooOld(d):
		l.bury(d, attempts, spool.Expired, l.expiredDetail(v.Detail))
	case ruled.own:
		l.retry(d, attempts, v, a.charged(ruled.counts))
	default:
		l.lost(d, l.deps.Store.Postpone(d, attempts, ruled.until))
	}
}

// remembered returns what is kept of a delivery after its report: a pause may last
// an hour, and its record may have a megabyte. Texts are copied where they may be
// parts of the callback.
func remembered(d *spool.Delivery) *spool.Delivery {
	return &spool.Delivery{
		Sink: d.Sink, Seq: d.Seq, History: d.History, MessageID: d.MessageID,
		Record: &call.Record{
			ID: strings.Clone(d.Record.ID), Revision: d.Record.Revision, Source: d.Record.Source,
			Direction: d.Record.Direction, Outcome: d.Record.Outcome,
		},
	}
}

// answered notes that the sink took a delivery, or refused it for what it is. The
// pause of another one may turn out to be its own.
func (l *Lane) answered(ctx context.Context, d *spool.Delivery, begun time.Time, delivered bool) {
	l.mu.Lock()
	if delivered {
		l.proof.delivered(begun)
	}
	rested := l.opinions.holds()
	own, counts := l.opinions.answered(d.Seq, begun)
	over := rested && !l.opinions.holds()
	l.mu.Unlock()
	for _, a := range own {
		h := a.charged(counts)
		due := a.ended.Add(max(a.wait, l.set.Retry.wait(h, l.random)))
		l.deps.Store.Amend(l.name, a.delivery.Seq, due, h)
		l.log.Info("the pause was for one call only", "call", a.delivery.Record, "opinion", d.Record)
	}
	if over {
		l.keepPause(ctx)
	}
}

// failed notes an attempt that says nothing about a pause.
func (l *Lane) failed(begun time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opinions.inconclusive(begun, l.deps.Store.Now())
}

// keepPause makes the pause durable as it is now. An operator's stands above it.
// Where the disk does not take it, it holds in memory. An attempt that is cut off
// after its answer came still has its pause kept.
func (l *Lane) keepPause(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pauseWithin)
	defer cancel()
	l.pausing.Lock()
	defer l.pausing.Unlock()
	l.mu.Lock()
	until := l.opinions.until
	l.mu.Unlock()
	if until.Equal(l.written) || !until.IsZero() && !l.written.IsZero() && until.Sub(l.written).Abs() < sameMoment {
		return
	}
	if err := l.deps.Store.SetPause(ctx, l.name, spool.Pause{Until: until, By: spool.BySink}); err != nil {
		l.log.Error("the pause that the sink asked for is not durable", "until", until, "error", err)
		return
	}
	if l.written.IsZero() {
		l.log.Info("the sink asked for a pause", "until", until)
	}
	l.written = until
}
