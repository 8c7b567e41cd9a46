package delivery

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/share"
)

const (
	// usualRequestMemory is for a heap of 150 MiB.
	usualRequestMemory = 19 << 20
	// smallRequest is what a request may have beyond the record that it is made of:
	// the store has charged the lane for that much.
	smallRequest = 16 << 10
	// renderAtOnce bounds the records that are rendered at one time, in bytes. A
	// record of 1 MiB is rendered alone: decoded for an expression it may take many
	// times its length for a moment.
	renderAtOnce = 256 << 10
)

// Requests bounds the memory of requests, over all lanes: a template may make a
// hundred bytes of each byte of a record, and a sink that hangs keeps a request in
// memory as long as it hangs.
type Requests struct {
	rendering *semaphore.Weighted
	room      *share.Room[*Lane]

	mu    sync.Mutex    // guards freed
	freed chan struct{} // closed when there may be room for a lane that was refused
}

// NewRequests returns the bounds for so many bytes; 0 for the usual.
func NewRequests(bytes int64) *Requests {
	if bytes <= 0 {
		bytes = usualRequestMemory
	}
	q := &Requests{rendering: semaphore.NewWeighted(renderAtOnce), freed: make(chan struct{})}
	q.room = share.NewRoom(bytes, smallRequest, q.wake)
	return q
}

func (q *Requests) wake(*Lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.freed)
	q.freed = make(chan struct{})
}

func (q *Requests) wait() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.freed
}

// render makes the next request of a series as soon as there is room for it; none
// where the series is over. done returns the room. A request that has to wait is
// made again, so that nothing is held meanwhile. The error is the renderer's, or that
// of the context.
func (q *Requests) render(ctx context.Context, l *Lane, r *call.Record, series outbound.Series) (req *outbound.Request, done func(), err error) {
	for {
		freed := q.wait()
		turn, err := q.renderOnce(ctx, r, series)
		switch {
		case err != nil:
			return nil, nil, err
		case turn.Wait != nil:
			if err := turn.Wait(ctx); err != nil {
				return nil, nil, err
			}
			continue
		case turn.Request == nil:
			return nil, func() {}, nil
		}
		excess := int64(len(turn.Request.Body) - len(r.Raw) - smallRequest)
		if excess <= 0 {
			return turn.Request, func() {}, nil
		}
		if q.room.Take(l, excess) {
			return turn.Request, func() { q.room.Give(l, excess) }, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (q *Requests) renderOnce(ctx context.Context, r *call.Record, series outbound.Series) (outbound.Turn, error) {
	weight := min(int64(len(r.Raw)), renderAtOnce)
	if err := q.rendering.Acquire(ctx, weight); err != nil {
		return outbound.Turn{}, err
	}
	defer q.rendering.Release(weight)
	return series.Next()
}
