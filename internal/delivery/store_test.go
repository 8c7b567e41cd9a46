package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// watched is a store that counts what a lane asks of it, and fails on demand.
type watched struct {
	Store
	leases, dues atomic.Int64
	pauses       atomic.Int64
	leaseErr     atomic.Pointer[error]
	pauseErr     atomic.Pointer[error]
	dead         atomic.Bool // Lease gives nothing, as on a disk that takes no reports
	deaf         atomic.Bool // Work never fires
	stolen       atomic.Bool // the lane has another owner: reports change nothing

	mu   sync.Mutex // guards everything below
	held int        // leased and not yet reported
	most int
}

func (s *watched) Lease(ctx context.Context, sink string, want spool.Places) ([]*spool.Delivery, error) {
	s.leases.Add(1)
	if err := s.leaseErr.Load(); err != nil {
		return nil, *err
	}
	if s.dead.Load() {
		return nil, nil
	}
	batch, err := s.Store.Lease(ctx, sink, want)
	s.hold(len(batch))
	return batch, err
}

func (s *watched) NextDue(ctx context.Context, sink string, withDoubtful bool) (time.Time, error) {
	s.dues.Add(1)
	return s.Store.NextDue(ctx, sink, withDoubtful)
}

func (s *watched) Work(sink string) <-chan struct{} {
	if s.deaf.Load() {
		return nil
	}
	return s.Store.Work(sink)
}

func (s *watched) SetPause(ctx context.Context, sink string, p spool.Pause) error {
	s.pauses.Add(1)
	if err := s.pauseErr.Load(); err != nil {
		return *err
	}
	return s.Store.SetPause(ctx, sink, p)
}

func (s *watched) Settle(d *spool.Delivery, attempts []spool.Attempt) error {
	s.hold(-1)
	if s.stolen.Load() {
		return spool.ErrLeaseLost
	}
	return s.Store.Settle(d, attempts)
}

func (s *watched) Retry(d *spool.Delivery, attempts []spool.Attempt, due time.Time, h spool.History) error {
	s.hold(-1)
	if s.stolen.Load() {
		return spool.ErrLeaseLost
	}
	return s.Store.Retry(d, attempts, due, h)
}

func (s *watched) Postpone(d *spool.Delivery, attempts []spool.Attempt, due time.Time) error {
	s.hold(-1)
	if s.stolen.Load() {
		return spool.ErrLeaseLost
	}
	return s.Store.Postpone(d, attempts, due)
}

func (s *watched) Bury(d *spool.Delivery, attempts []spool.Attempt, reason spool.Reason, detail string) error {
	s.hold(-1)
	if s.stolen.Load() {
		return spool.ErrLeaseLost
	}
	return s.Store.Bury(d, attempts, reason, detail)
}

func (s *watched) Supersede(d *spool.Delivery) error {
	s.hold(-1)
	return s.Store.Supersede(d)
}

func (s *watched) Release(d *spool.Delivery) {
	s.hold(-1)
	s.Store.Release(d)
}

func (s *watched) hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
	s.most = max(s.most, s.held)
}

// holds is how many deliveries are in memory, and how many were at most.
func (s *watched) holds() (now, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held, s.most
}
