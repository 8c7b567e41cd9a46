package spool_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestCallbacksAtTheSameTimeShareCommits(t *testing.T) {
	const producers, each = 64, 40
	s := open(t, spool.Config{})
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() {
			for i := range each {
				if _, err := s.Accept(t.Context(), acceptance(fmt.Sprintf("%d-%d", p, i), "first", "crm")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	commits, calls := s.Commits(t)
	if calls != producers*each {
		t.Errorf("%d calls were committed, want %d", calls, producers*each)
	}
	if commits > calls/5 { // the budget of DESIGN.md: 0.2 syncs a callback
		t.Errorf("%d commits for %d calls", commits, calls)
	}
	if n := s.Totals().Calls; n != producers*each {
		t.Errorf("%d calls in the totals", n)
	}
}

func TestAListingNeverHoldsUpALaneOrTheWriter(t *testing.T) {
	s := open(t, spool.Config{})
	accept(t, s, "a", "b")
	release := s.HoldListings(t)
	defer release()
	if got := lease(t, s, 1); len(got) != 1 {
		t.Errorf("%d leased while the listings' connections are busy", len(got))
	}
	accept(t, s, "c")
	if got := lease(t, s, 5); len(got) != 2 {
		t.Errorf("%d leased", len(got))
	}
}

func TestALeaseNeverHoldsUpTheWriter(t *testing.T) {
	s := open(t, spool.Config{})
	accept(t, s, "a")
	release := s.HoldLeases(t)
	accept(t, s, "b", "c")
	begun := time.Now()
	s.Checkpoint()
	if d := time.Since(begun); d > 3*time.Second { // SQLite's own wait would be 5 s
		t.Errorf("a checkpoint waited %v for a reader", d)
	}
	accept(t, s, "d")
	release()
	if got := lease(t, s, 5); len(got) != 4 {
		t.Errorf("%d leased, want 4", len(got))
	}
}
