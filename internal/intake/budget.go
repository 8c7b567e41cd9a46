package intake

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// bodyBudget is how many bytes of bodies are held at one time. What is made
	// of a body while it is read costs a few times as much for a moment.
	bodyBudget = 16 << 20
	// budgetWait is how long one request waits for room, all its steps together.
	budgetWait = time.Second
)

// errBusy says that other bodies fill the budget.
var errBusy = errors.New("too many bodies are being received")

// budget bounds the bytes of bodies held at one time.
type budget struct{ room *semaphore.Weighted }

func newBudget(bytes int64) *budget { return &budget{room: semaphore.NewWeighted(bytes)} }

// lease is what one request holds of the budget. It belongs to one goroutine.
type lease struct {
	from   *budget
	held   int64
	waited time.Duration
}

func (b *budget) lease() lease { return lease{from: b} }

// take adds bytes to the lease, waiting when there is no room.
func (l *lease) take(ctx context.Context, bytes int64) error {
	if !l.from.room.TryAcquire(bytes) {
		if err := l.wait(ctx, bytes); err != nil {
			return err
		}
	}
	l.held += bytes
	return nil
}

func (l *lease) wait(ctx context.Context, bytes int64) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, budgetWait-l.waited, errBusy)
	defer cancel()
	err := l.from.room.Acquire(ctx, bytes)
	l.waited += time.Since(begun)
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// release gives everything back; the lease can be used again.
func (l *lease) release() {
	l.from.room.Release(l.held)
	l.held = 0
}
