package sqlite_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

const day = 24 * time.Hour

// ahead makes what the file holds look as if the clock had been ahead by d.
func ahead(t *testing.T, s *sqlite.Store, d time.Duration) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE deliveries SET since = since + ?1, due = CASE due WHEN 0 THEN 0 ELSE due + ?1 END`,
		`UPDATE calls SET received_at = received_at + ?1`,
	} {
		if err := s.Exec(sql, d.Milliseconds()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatWasScheduledWhileTheClockRanAheadIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour, LongestWait: 3 * time.Hour}}); err != nil {
			t.Fatal(err)
		}
		accept(t, s, "a", "b", "c")
		for _, d := range lease(t, s, 3) {
			succeed(t, s.Postpone(d, nil, time.Now().Add(2*time.Hour))) // within what the schedule can mean
		}
		pass(30 * time.Second)
		if got := lease(t, s, 3); len(got) != 0 {
			t.Fatalf("%d are leased before their time", len(got))
		}
		ahead(t, s, 5*day)
		pass(30 * time.Second)
		got := lease(t, s, 3)
		if len(got) != 3 {
			t.Fatalf("%d of 3 are due", len(got))
		}
		if since := got[0].Since; since.After(time.Now()) {
			t.Errorf("since %v lies in the future, so that it would not expire for days", since)
		}
	})
}

func TestAReplayOfTheFutureBeginsNowAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a", "b", "c")
		for _, d := range lease(t, s, 3) {
			succeed(t, s.Bury(d, nil, spool.Rejected, "no"))
		}
		pass(time.Second)
		letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 10, "")
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
		const rate = 1.0 / 600 // one in ten minutes: slow, and meant so
		if n, _, err := s.Replay(t.Context(), ids, time.Now(), rate); err != nil || n != 3 {
			t.Fatalf("%d replayed, error %v", n, err)
		}
		pass(30 * time.Second)
		if got := lease(t, s, 3); len(got) != 1 {
			t.Fatalf("%d are leased at once, want the first alone", len(got))
		}
		ahead(t, s, 5*day)
		pass(30 * time.Second)
		if got := lease(t, s, 3); len(got) != 0 {
			t.Fatalf("%d are leased too early", len(got))
		}
		pass(10 * time.Minute)
		if got := lease(t, s, 3); len(got) != 1 {
			t.Errorf("%d are leased after ten minutes, want one", len(got))
		}
	})
}

// TestAReplayAtAnyRateIsNotDueInThePast: the wait may be more than a duration
// can tell.
func TestAReplayAtAnyRateIsNotDueInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		for _, rate := range []float64{1e-9, 1e-12, math.SmallestNonzeroFloat64} {
			accept(t, s, fmt.Sprint(rate, 1), fmt.Sprint(rate, 2), fmt.Sprint(rate, 3))
			for _, d := range lease(t, s, 3) {
				succeed(t, s.Bury(d, nil, spool.Rejected, "no"))
			}
			pass(time.Second)
			letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 3, "")
			if err != nil {
				t.Fatal(err)
			}
			if n, _, err := s.Replay(t.Context(), []string{letters[0].ID, letters[1].ID, letters[2].ID}, s.Now(), rate); n != 3 || err != nil {
				t.Fatal(n, err)
			}
			pass(time.Second)
			got := lease(t, s, 10)
			if len(got) != 1 {
				t.Fatalf("%d are leased at %v a second, want the first alone", len(got), rate)
			}
			succeed(t, s.Settle(got[0], nil))
			pass(time.Second)
		}
	})
}

func TestACallOfTheFutureDoesNotKeepOthersFromGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Retention: 2 * time.Minute})
		accept(t, s, "ahead")
		ahead(t, s, 5*day)
		accept(t, s, "a", "b")
		for _, d := range lease(t, s, 3) {
			succeed(t, s.Settle(d, nil))
		}
		pass(4 * time.Minute)
		if n := s.Totals().Calls; n != 1 {
			t.Errorf("%d calls are left, want the one of the future", n)
		}
	})
}

// TestWhatWasAcceptedWhileTheClockRanAheadExpires: it counts from now, and keeps
// nothing that lies behind it from ending.
func TestWhatWasAcceptedWhileTheClockRanAheadExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const early = 450 // more than two steps
		s := open(t, spool.Config{})
		for i := range early {
			accept(t, s, fmt.Sprint(i))
		}
		if _, err := s.Accept(t.Context(), acceptance("0", "second", "crm")); err != nil { // held
			t.Fatal(err)
		}
		ahead(t, s, 365*day)
		accept(t, s, "a", "b")
		pass(30 * time.Second)
		if lanes, err := s.Lanes(t.Context()); err != nil || lanes[0].Oldest.After(time.Now()) {
			t.Errorf("the oldest is of the future: %+v, error %v", lanes, err)
		}
		if err := s.SetLanes(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		pass(50 * time.Minute)
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state < 4`); err != nil || n != early+3 {
			t.Errorf("%d of %d wait before the hour, error %v", n, early+3, err)
		}
		pass(15 * time.Minute)
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state < 4`); err != nil || n != 1 {
			t.Errorf("%d wait after the hour, want the one that was held; error %v", n, err)
		}
		pass(time.Hour)
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state < 4`); err != nil || n != 0 {
			t.Errorf("%d wait after two hours, error %v", n, err)
		}
	})
}

// TestAWalkDoesNotMeetWhatItMakes: behind a dead letter of the future a replay met
// each letter that the sink's next refusal made, and did not end.
func TestAWalkDoesNotMeetWhatItMakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte("x"), ReceivedAt: time.Now().Add(3 * day)}); err != nil {
			t.Fatal(err)
		}
		accept(t, s, "a")
		refuse := func() {
			succeed(t, s.Bury(lease(t, s, 1)[0], nil, spool.Rejected, "no"))
			pass(time.Second)
		}
		refuse()
		var met []spool.Stage
		for after, more := "", true; more && len(met) < 10; more = after != "" {
			page, next, err := s.SearchLetters(t.Context(), spool.LetterFilter{OldestFirst: true}, 1, after)
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			for _, l := range page {
				met = append(met, l.Stage)
				if l.Stage == spool.StageDelivery {
					if n, _, err := s.Replay(t.Context(), []string{l.ID}, s.Now(), 0); n != 1 || err != nil {
						t.Fatal(n, err)
					}
					refuse()
				}
			}
			after = next
		}
		if want := []spool.Stage{spool.StageDelivery, spool.StageIntake}; !slices.Equal(met, want) {
			t.Errorf("the walk met %v, want %v", met, want)
		}
	})
}

func TestAPauseThatIsOverIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		until := time.Now().Add(time.Minute)
		if err := s.SetPause(t.Context(), "crm", spool.Pause{Until: until, By: spool.BySink}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []spool.Pause{{Until: until, By: spool.BySink}, {}} {
			lanes, err := s.Lanes(t.Context())
			if err != nil || len(lanes) != 1 || lanes[0].Pause != want {
				t.Errorf("%+v, error %v, want %+v", lanes, err, want)
			}
			pass(2 * time.Minute)
		}
	})
}
