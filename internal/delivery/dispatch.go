package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/wait"
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
	// done is told the verdict of one that is tried alone: the breaker's probe, or
	// the opinion on a pause. It is nil for all others.
	done chan<- outbound.Verdict
	// turn returns when the rate admits its first request; nil without a rate.
	turn chan time.Duration
}

// dispatch leases deliveries and hands them to the workers, until ctx ends.
func (l *Lane) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		state := l.deps.Client.State()
		l.tell.closed(l.log, state)
		if d := l.closedFor(); d > 0 {
			l.sleep(ctx, d)
			continue
		}
		alone := state != outbound.Closed || l.careful()
		places, doubtfulIn := l.places(alone)
		batch, err := l.deps.Store.Lease(ctx, l.name, places)
		if ctx.Err() == nil {
			l.tell.reading(l.log, err)
		}
		batch = l.supersede(batch)
		switch {
		case err != nil:
			_ = wait.For(ctx, trouble) // whatever work comes
		case len(batch) == 0:
			l.sleep(ctx, l.untilDue(ctx, places.Doubtful, doubtfulIn))
		case alone:
			l.tryAlone(ctx, batch[0])
		default:
			l.hand(ctx, batch)
		}
	}
}

// supersede ends what newer revisions take the place of, and returns the rest.
func (l *Lane) supersede(batch []*spool.Delivery) []*spool.Delivery {
	return slices.DeleteFunc(batch, func(d *spool.Delivery) bool {
		if !d.Superseded {
			return false
		}
		if !l.lost(d, l.deps.Store.Supersede(d)) {
			l.deps.Metrics.superseded(l.name)
		}
		return true
	})
}

// places is how many deliveries to lease: one to be tried alone, and never more
// than the rate allows now, so that none is held while it waits for its turn. Where
// no doubtful one may begin yet for the time that they took, it says when.
func (l *Lane) places(alone bool) (p spool.Places, doubtfulIn time.Duration) {
	l.mu.Lock()
	p.Doubtful, doubtfulIn = l.quota.left(l.deps.Store.Now())
	l.mu.Unlock()
	p.Limit, p.Alone = min(max(2*l.set.Concurrency, batchMin), batchMax), alone
	if alone {
		p.Limit = 1
	}
	if l.rate != nil {
		p.Limit = min(p.Limit, int(l.rate.Tokens()))
	}
	return p, doubtfulIn
}

// closedFor is how long the lane must not lease yet: an operator or the sink asked
// for a pause, its breaker is open, or its rate is used up. 0 means it may.
func (l *Lane) closedFor() time.Duration {
	wait := max(l.held(), l.paused(), l.untilToken())
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
	l.begin(batch)
	for i, d := range batch {
		l.queued.Store(int64(fresh(batch[i:])))
		if !l.give(ctx, job{delivery: d}) {
			l.release(batch[i:])
			break
		}
	}
	l.queued.Store(0)
}

// fresh is how many of the deliveries were never attempted.
func fresh(batch []*spool.Delivery) (n int) {
	for _, d := range batch {
		if d.Tries == 0 {
			n++
		}
	}
	return n
}

// begin takes places for the doubtful ones among their like.
func (l *Lane) begin(batch []*spool.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range batch {
		if d.History.Doubtful {
			l.quota.begin()
		}
	}
}

// give hands one delivery over as soon as a worker is free; false when ctx ended
// before.
func (l *Lane) give(ctx context.Context, j job) bool {
	if l.rate != nil {
		j.turn = make(chan time.Duration, 1)
	}
	select {
	case l.jobs <- j:
		if l.rate != nil {
			// Its token was seen before it was leased; a step may have taken it since.
			j.turn <- l.rate.Reserve().Delay()
		}
		return true
	case <-ctx.Done():
		return false
	}
}

// tryAlone lets one delivery alone see how the sink is: whether it is well again,
// and whether a pause that it asked for is everybody's. Where that shows that it
// takes none, what is too old in the lane ends.
func (l *Lane) tryAlone(ctx context.Context, d *spool.Delivery) {
	l.begin([]*spool.Delivery{d})
	done := make(chan outbound.Verdict, 1)
	if !l.give(ctx, job{delivery: d, done: done}) {
		l.release([]*spool.Delivery{d})
		return
	}
	switch v := <-done; {
	case v.Meaning == outbound.BreakerOpen:
		// A try from before the opening was quicker and is the probe.
		_ = wait.For(ctx, min(v.Wait, trouble))
	case unwell(v.Meaning) && l.deps.Client.State() == outbound.Open, v.Meaning == outbound.Paused && l.isLimited():
		l.expire(ctx)
	}
}

// isLimited reports whether the pause that holds is everybody's.
func (l *Lane) isLimited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opinions.shared()
}

func (l *Lane) release(batch []*spool.Delivery) {
	for _, d := range batch {
		l.returned(d, l.deps.Store.Now())
		l.deps.Store.Release(d)
	}
}

// untilDue is how long to wait for the next scheduled delivery: of doubtful ones
// too where some may begin, or from the time on when they may.
func (l *Lane) untilDue(ctx context.Context, doubtful int, doubtfulIn time.Duration) time.Duration {
	next, err := l.deps.Store.NextDue(ctx, l.name, doubtful > 0)
	if err != nil {
		return idle
	}
	wait := idle
	if doubtfulIn > 0 {
		wait = min(wait, doubtfulIn)
	}
	if next.IsZero() {
		return wait
	}
	if left := next.Sub(l.deps.Store.Now()); left > 0 {
		return min(wait, left)
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
