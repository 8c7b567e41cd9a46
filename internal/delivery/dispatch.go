package delivery

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// batchMin and batchMax bound how many deliveries a lane leases at once;
	// besides those on their way it holds no others in memory.
	batchMin = 8
	batchMax = 64
	// idle bounds how long a lane trusts that nothing has changed: a clock that
	// was set is noticed after it.
	idle = 15 * time.Second
	// soon is the least wait for what is due by the clock and was not leased
	// all the same: the store holds it back.
	soon = 100 * time.Millisecond
	// trouble is the wait after the store could not be read.
	trouble = time.Second
)

// job is a delivery for a worker.
type job struct {
	delivery *spool.Delivery
	// done is told the verdict of a probe; nil for all others.
	done chan<- outbound.Verdict
}

// dispatch leases deliveries and hands them to the workers, until ctx ends.
func (l *Lane) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		state := l.deps.Client.State()
		l.tell.breaker(l.log, state)
		if wait := l.closedFor(); wait > 0 {
			l.sleep(ctx, wait)
			continue
		}
		probing := state != outbound.Closed
		batch, err := l.deps.Store.Lease(ctx, l.name, l.places(probing))
		if ctx.Err() == nil {
			l.tell.reading(l.log, err)
		}
		switch {
		case err != nil:
			l.stay(ctx, trouble)
		case len(batch) == 0:
			l.sleep(ctx, l.untilDue(ctx))
		case probing:
			l.probe(ctx, batch[0])
		default:
			l.hand(ctx, batch)
		}
	}
}

// places is how many deliveries to lease: one for a probe, and never more than
// the rate allows now, so that none is held while it waits for its turn.
func (l *Lane) places(probing bool) spool.Places {
	if probing {
		return spool.Places{Limit: 1, Doubtful: 1, Alone: true}
	}
	n := min(max(2*l.set.Concurrency, batchMin), batchMax)
	if l.rate != nil {
		n = min(n, int(l.rate.Tokens()))
	}
	return spool.Places{Limit: n, Doubtful: n}
}

// closedFor is how long the lane must not lease yet: it is paused, its breaker
// is open, or its rate is used up. 0 means it may.
func (l *Lane) closedFor() time.Duration {
	wait := max(l.pausedFor(), l.untilToken())
	if ready := l.deps.Client.ReadyAt(); !ready.IsZero() {
		wait = max(wait, time.Until(ready))
	}
	return wait
}

// untilToken is how long the rate forbids to begin the next delivery.
func (l *Lane) untilToken() time.Duration {
	if l.rate == nil {
		return 0
	}
	missing := 1 - l.rate.Tokens()
	if missing <= 0 {
		return 0
	}
	// The bounds keep rounding and overflow from making a loop of it.
	seconds := min(missing/l.set.Rate.PerSecond, idle.Seconds())
	return max(time.Duration(seconds*float64(time.Second)), time.Millisecond)
}

// hand gives a batch to the workers. At the end of the lane the rest goes back.
func (l *Lane) hand(ctx context.Context, batch []*spool.Delivery) {
	for i, d := range batch {
		if !l.give(ctx, job{delivery: d}) {
			l.release(batch[i:])
			return
		}
	}
}

// give hands one delivery over as soon as a worker is free; false when ctx ended
// before.
func (l *Lane) give(ctx context.Context, j job) bool {
	select {
	case l.jobs <- j:
		if l.rate != nil {
			l.rate.Allow() // its token was seen before it was leased
		}
		return true
	case <-ctx.Done():
		return false
	}
}

// probe lets one delivery alone see whether the sink is well again. Where it is
// not, what is too old in the lane ends.
func (l *Lane) probe(ctx context.Context, d *spool.Delivery) {
	done := make(chan outbound.Verdict, 1)
	if !l.give(ctx, job{d, done}) {
		l.release([]*spool.Delivery{d})
		return
	}
	switch v := <-done; {
	case v.Meaning == outbound.BreakerOpen:
		// A try from before the opening was quicker and is the probe.
		l.stay(ctx, min(v.Wait, trouble))
	case unwell(v.Meaning) && l.deps.Client.State() == outbound.Open:
		l.expire(ctx)
	}
}

func (l *Lane) release(batch []*spool.Delivery) {
	for _, d := range batch {
		l.deps.Store.Release(d)
	}
}

// untilDue is how long to wait for the next scheduled delivery.
func (l *Lane) untilDue(ctx context.Context) time.Duration {
	next, err := l.deps.Store.NextDue(ctx, l.name, true)
	if err != nil || next.IsZero() {
		return idle
	}
	if wait := next.Sub(l.deps.Store.Now()); wait > 0 {
		return wait
	}
	return soon
}

// sleep waits, unless there is new work, a change of the pause, or the end.
func (l *Lane) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(min(d, idle))
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.deps.Store.Work(l.name):
	case <-ctx.Done():
	}
}

// stay waits whatever work comes.
func (l *Lane) stay(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
