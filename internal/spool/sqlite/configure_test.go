package sqlite_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestConfigureChangesTheBoundsWhileItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{MaxBytes: 2 << 20})
		next := 0
		fill := func() (err error) {
			for err == nil && next < 10_000 {
				_, err = s.Accept(t.Context(), fat(next))
				next++
				if next%50 == 0 {
					pass(300 * time.Millisecond)
				}
			}
			return err
		}
		if err := fill(); err == nil {
			t.Fatal("never full")
		}
		s.Configure(spool.Config{MaxBytes: 4 << 20, Path: "elsewhere"})
		pass(time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("with twice the room: %v", err)
		}
		before := next
		if err := fill(); err == nil || next < before*3/2 {
			t.Errorf("full after %d and %d calls, error %v", before, next, err)
		}
		s.Configure(spool.Config{Retention: time.Minute, MaxBytes: 1 << 30})
		for _, d := range lease(t, s, 100) {
			succeed(t, s.Settle(d, nil))
		}
		calls := s.Totals().Calls
		pass(4 * time.Minute)
		if gone := calls - s.Totals().Calls; gone != 100 {
			t.Errorf("%d calls went after a minute, want 100", gone)
		}
	})
}

func TestConfigureBesideAllElse(t *testing.T) {
	s := open(t, spool.Config{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 20 {
				s.Configure(spool.Config{MaxBytes: spool.Bytes(8+i+n) << 20})
			}
		})
	}
	accept(t, s, "a", "b", "c")
	all.Wait()
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}
