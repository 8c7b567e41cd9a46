package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
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

// TestACallbackDoesNotWaitForADiskThatHangs: its context was asked before it was
// queued only, so that nobody got an answer while a sync hung. What the disk had
// not begun is taken back; what it had is kept, and the next push a duplicate.
func TestACallbackDoesNotWaitForADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a")
		hangs := make(chan struct{})
		begun := acceptance("a", "second", "crm")
		begun.Route = func(r *call.Record) ([]string, error) {
			if r.Revision == 2 { // within the transaction
				<-hangs
			}
			return []string{"crm"}, nil
		}
		var waiting sync.WaitGroup
		short := func(what string, keep func(context.Context) error) {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				from := time.Now()
				if err, took := keep(ctx), time.Since(from); err == nil || took != 10*time.Second {
					t.Errorf("%s: %v after %v", what, err, took)
				}
			})
			synctest.Wait()
		}
		accepting := func(a spool.Acceptance) func(context.Context) error {
			return func(ctx context.Context) error { _, err := s.Accept(ctx, a); return err }
		}
		short("begun", accepting(begun))
		short("behind it", accepting(acceptance("b", "first", "crm")))
		short("undecodable", func(ctx context.Context) error {
			return s.KeepUndecodable(ctx, spool.Undecodable{Source: "dialer", Body: []byte("x")})
		})
		waiting.Wait()
		close(hangs)
		pass(time.Second)
		for _, again := range []struct {
			a         spool.Acceptance
			duplicate bool
		}{{acceptance("a", "second", "crm"), true}, {acceptance("b", "first", "crm"), false}} {
			if got, err := s.Accept(t.Context(), again.a); err != nil || got.Duplicate != again.duplicate {
				t.Errorf("pushed again: %+v %v", got, err)
			}
		}
		if n := s.Totals().IntakeDeadLetters; n != 0 {
			t.Errorf("%d dead letters of what was taken back", n)
		}
	})
}
