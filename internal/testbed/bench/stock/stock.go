// Package stock fills spools for tests and benchmarks that need many calls: it
// uses package spool as intake does, without HTTP, so that a million takes about
// a minute. The spool must be open nowhere else.
package stock

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

const (
	// writers is how many calls wait for one commit at the most.
	writers = 512
	// settling is how many deliveries are leased at a time.
	settling = 512
)

// Fill accepts n calls; the sink is the one that they are for. each gives the
// n-th, from 0, and is called concurrently.
func Fill(ctx context.Context, path, sink string, n int, each func(n int) (spool.Acceptance, error)) error {
	return with(ctx, path, sink, func(s *sqlite.Store) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var next atomic.Int64
		var filling sync.WaitGroup
		for range writers {
			filling.Go(func() {
				for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
					if err := keep(ctx, s, int(i), each); err != nil {
						cancel(err)
					}
				}
			})
		}
		filling.Wait()
		return context.Cause(ctx)
	})
}

func keep(ctx context.Context, s *sqlite.Store, n int, each func(int) (spool.Acceptance, error)) error {
	a, err := each(n)
	if err != nil {
		return err
	}
	_, err = s.Accept(ctx, a)
	return err
}

// Deliver makes history of n deliveries that wait for a sink.
func Deliver(ctx context.Context, path, sink string, n int) error {
	return with(ctx, path, sink, func(s *sqlite.Store) error {
		for done := 0; done < n; {
			leased, err := s.Lease(ctx, sink, spool.Places{Limit: settling, Doubtful: settling})
			if err != nil {
				return err
			}
			now := time.Now()
			for _, d := range leased {
				if err := s.Settle(d, []spool.Attempt{{At: now, Duration: time.Millisecond, Result: "delivered", Status: 200}}); err != nil {
					return err
				}
			}
			done += len(leased)
			if len(leased) == 0 { // the reports are being committed
				select {
				case <-s.Work(sink):
				case <-time.After(10 * time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
}

// with opens a spool of any size that knows one lane, and closes it.
func with(ctx context.Context, path, sink string, do func(*sqlite.Store) error) error {
	s, err := sqlite.Open(ctx, spool.Config{Path: path, MaxBytes: 1 << 40}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		return err
	}
	if err := s.SetLanes(ctx, []spool.LaneConfig{{Sink: sink}}); err != nil {
		return errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return errors.Join(do(s), s.Close(context.WithoutCancel(ctx)))
}
