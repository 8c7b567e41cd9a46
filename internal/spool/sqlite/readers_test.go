package sqlite

import (
	"errors"
	"testing"
	"testing/synctest"

	"zombiezen.com/go/sqlite"
)

// TestAReadThatMeetsAReopeningGoesOn: the file is closed and opened again before
// who waits for a connection has asked why there was none.
func TestAReadThatMeetsAReopeningGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withOne(t)
		r, err := openReaders(s.cfg.Path, 1, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		lent := <-r.free
		outcome := make(chan error, 1)
		go func() { outcome <- r.do(t.Context(), func(*sqlite.Conn) error { return nil }) }()
		synctest.Wait()
		r.mu.Lock() // close and open, in one
		close(r.gone)
		r.gone = make(chan struct{})
		r.mu.Unlock()
		r.free <- lent
		if err := errors.Join(<-outcome, r.close(errClosed)); err != nil {
			t.Error(err)
		}
	})
}
