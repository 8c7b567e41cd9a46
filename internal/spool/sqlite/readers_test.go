package sqlite

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestAReadThatMeetsAReopeningGoesOn: the file is closed and opened again while
// somebody waits for a connection.
func TestAReadThatMeetsAReopeningGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withOne(t)
		r, err := openReaders(s.cfg.Path, 1, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		pool, err := r.open()
		if err != nil {
			t.Fatal(err)
		}
		lent, err := pool.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		outcome := make(chan error, 1)
		go func() { outcome <- r.do(t.Context(), func(*sqlite.Conn) error { return nil }) }()
		synctest.Wait()
		r.mu.Lock() // close and open, in one
		r.pool = nil
		r.mu.Unlock()
		if err := r.reopen(); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- pool.Close() }()
		synctest.Wait()
		pool.Put(lent)
		if err := errors.Join(<-closed, <-outcome, r.close(errClosed)); err != nil {
			t.Error(err)
		}
	})
}

// TestAReadIsInterruptedByTheClose: it is told why, as one that comes later is.
func TestAReadIsInterruptedByTheClose(t *testing.T) {
	s, _ := withOne(t)
	reading := make(chan struct{})
	closed := make(chan error, 1)
	go func() {
		<-reading
		closed <- s.listRd.close(errDamaged)
	}()
	err := s.listRd.do(t.Context(), func(c *sqlite.Conn) error {
		close(reading)
		_, err := c.Prep(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n`).Step()
		return err
	})
	for _, err := range []error{err, s.listRd.do(context.WithoutCancel(t.Context()), func(*sqlite.Conn) error { return nil })} {
		if !errors.Is(err, spool.ErrUnavailable) || !errors.Is(err, errDamaged) {
			t.Errorf("error %v, want %v", err, errDamaged)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
