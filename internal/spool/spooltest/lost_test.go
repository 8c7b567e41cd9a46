package spooltest

import (
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// shared is an embedded store whose lanes another process may take, as it would look
// to the one that has lost them.
type shared struct {
	spool.Store
	stolen atomic.Bool
}

func (s *shared) report(do func() error) error {
	if s.stolen.Load() {
		return spool.ErrLeaseLost
	}
	return do()
}

func (s *shared) Settle(d *spool.Delivery, attempts []spool.Attempt) error {
	return s.report(func() error { return s.Store.Settle(d, attempts) })
}

func (s *shared) Retry(d *spool.Delivery, attempts []spool.Attempt, due time.Time, h spool.History) error {
	return s.report(func() error { return s.Store.Retry(d, attempts, due, h) })
}

func (s *shared) Postpone(d *spool.Delivery, attempts []spool.Attempt, due time.Time) error {
	return s.report(func() error { return s.Store.Postpone(d, attempts, due) })
}

func (s *shared) Bury(d *spool.Delivery, attempts []spool.Attempt, reason spool.Reason, detail string) error {
	return s.report(func() error { return s.Store.Bury(d, attempts, reason, detail) })
}

// TestLostLeases runs the cases that the embedded store leaves out.
func TestLostLeases(t *testing.T) {
	run(t, Kind{
		Open: func(t *testing.T, folder string, maxBytes spool.Bytes) spool.Store {
			t.Helper()
			s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(folder, "s.db"), MaxBytes: maxBytes},
				sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
			if err != nil {
				t.Fatal(err)
			}
			return &shared{Store: s}
		},
		Steal: func(_ *testing.T, s spool.Store, _ string) {
			if s, ok := s.(*shared); ok {
				s.stolen.Store(true)
			}
		},
	}, lostCases())
}
