package sqlite_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestADeliveryThatIsReadyAgainInANewFileIsLeased: where a newer page is lost, an
// older one tells that a delivery waits.
func TestADeliveryThatIsReadyAgainInANewFileIsLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a", "b")
		for _, d := range lease(t, s, 2) {
			succeed(t, s.Settle(d, nil))
		}
		pass(time.Second)
		if err := s.Exec(`UPDATE deliveries SET state = 0 WHERE call_seq = 1`); err != nil {
			t.Fatal(err)
		}
		if err := s.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := lease(t, s, 10); !slices.Equal(ids(got), []string{"dialer:a"}) {
			t.Errorf("%q are leased, want the one that waits", ids(got))
		}
	})
}

// TestALostLeaseIsNoMarkOnTheDelivery: what was leased when its row was lost can
// be resent, is then delivered once, and the report of before ends nothing.
func TestALostLeaseIsNoMarkOnTheDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "early", "late")
		before := lease(t, s, 2)
		if err := s.Exec(`DELETE FROM deliveries`); err != nil {
			t.Fatal(err)
		}
		if err := s.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		succeed(t, s.Settle(before[0], nil))
		pass(time.Second)
		for _, d := range before {
			if done, err := s.Resend(t.Context(), spool.Resend{CallIDs: []string{d.Record.ID}, Sinks: []string{"crm"}}); done.Calls != 1 || err != nil {
				t.Fatal(done, err)
			}
		}
		again := lease(t, s, 10)
		succeed(t, s.Postpone(before[1], nil, time.Now()))
		pass(time.Second)
		if got := lease(t, s, 10); len(again) != 2 || len(got) != 0 {
			t.Fatalf("%d were leased after the resend and then %q, want two and none", len(again), ids(got))
		}
		for _, d := range again {
			succeed(t, s.Settle(d, nil))
		}
		pass(time.Second)
		if got := lease(t, s, 10); len(got) != 0 {
			t.Errorf("%q are leased after they were settled", ids(got))
		}
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state = 4`); err != nil || n != 2 {
			t.Errorf("%d are delivered, error %v", n, err)
		}
	})
}

// TestAnAttemptThatFailsAfterASalvageIsMadeAgain: a delivery that is on its way
// when all trace of it is lost, but not its call, is still owed, and in order.
func TestAnAttemptThatFailsAfterASalvageIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := closed(t, 60)
		pages := []int{rootPage(t, path, "deliveries"), rootPage(t, path, "waiting")}
		s, log := logged(t, path)
		if _, err := s.Accept(t.Context(), acceptance("10", "second", "crm")); err != nil { // held
			t.Fatal(err)
		}
		mine := lease(t, s, 4)
		since := mine[0].Since
		s.Checkpoint()
		for _, page := range pages {
			spoil(t, path, "", page)
		}
		touch(t, s)
		meet(t, s)
		pass(time.Second)
		if err := s.Ready(); err != nil || len(kept(t, path)) != 1 {
			t.Fatalf("ready says %v, kept %q\n%s", err, kept(t, path), log)
		}
		succeed(t, s.Postpone(mine[0], []spool.Attempt{{Result: "unwell"}}, time.Now()))
		s.Release(mine[1])
		succeed(t, s.Settle(mine[2], nil))
		succeed(t, s.Bury(mine[3], nil, spool.Rejected, "no"))
		pass(time.Second)
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state = 4`); err != nil || n != 1 || strings.Contains(log.String(), "cannot be committed") {
			t.Errorf("%d are delivered, error %v\n%s", n, err, log)
		}
		got := lease(t, s, 10)
		if !slices.Equal(ids(got), ids(mine[:2])) || got[0].Record.Revision != 1 || !got[0].Since.Equal(since) {
			t.Fatalf("%q are leased again, want %q", ids(got), ids(mine[:2]))
		}
		if lanes, err := s.Lanes(t.Context()); err != nil || lanes[0].Waiting != 2 {
			t.Errorf("lanes %+v, error %v", lanes, err)
		}
	})
}
