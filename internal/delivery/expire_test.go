package delivery

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// giveUp is a setup that gives up after ten minutes. Not more: the spool's own
// housekeeping goes on in fake time, and takes real time.
func giveUp() setup {
	return setup{Settings: Settings{Retry: RetrySettings{GiveUpAfter: 10 * time.Minute, Max: 2 * time.Minute}}}
}

func TestExpiredAfterAFailedAttemptOfItsOwn(t *testing.T) {
	bubble(t, func(w *world) {
		s := giveUp()
		s.ConsecutiveFailures = 1000
		r := w.start("crm", s, always(sick))
		w.accept("crm", "a")
		w.sleep(590 * time.Second)
		w.isState("crm", "waiting", "a")
		w.sleep(80 * time.Second)
		letters := w.letters("crm")
		if len(letters) != 1 || letters[0].Reason != spool.Expired || letters[0].Attempts != r.sink.got() {
			t.Fatalf("%+v after %d requests", letters, r.sink.got())
		}
		if d := letters[0].Detail; !strings.Contains(d, "give_up_after (10m0s)") || !strings.Contains(d, "500") {
			t.Errorf("detail %q", d)
		}
	})
}

func TestFailedProbeExpiresAllThatIsTooOld(t *testing.T) {
	bubble(t, func(w *world) {
		s := giveUp()
		s.OpenFor = 2 * time.Minute
		w.start("crm", s, always(sick))
		n := 2*expireStep + 50
		w.flood("crm", n)
		w.sleep(9 * time.Minute)
		w.accept("crm", "young")
		w.isWaiting("crm", int64(n)+1)
		if len(w.letters("crm")) != 0 {
			t.Fatal("something expired before its time")
		}
		w.sleep(4 * time.Minute)
		w.isState("crm", "waiting", "young")
		w.isWaiting("crm", 1)
		if letters := w.letters("crm"); len(letters) != n || letters[0].Reason != spool.Expired {
			t.Errorf("%d dead letters, want %d", len(letters), n)
		}
		if got := w.counter("cdrelay_dead_letters_total", "crm", "expired"); got != float64(n) {
			t.Errorf("%v counted, want %d", got, n)
		}
	})
}

// A relay that was down for a week has work that is too old by the clock, and
// healthy: it is delivered.
func TestDownForAWeekExpiresNothing(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(fine)
		r := w.start("crm", setup{}, always(reply{hang: true}))
		w.flood("crm", 100)
		r.stop(0)
		w.down(7 * 24 * time.Hour)
		w.start("crm", setup{}, to)
		w.sleep(5 * time.Second)
		w.isWaiting("crm", 0)
		if n := len(w.letters("crm")); n != 0 || to.got() != 100 {
			t.Errorf("%d dead letters, %d requests", n, to.got())
		}
	})
}

func TestPauseExpiresNothing(t *testing.T) {
	bubble(t, func(w *world) {
		s := giveUp()
		s.OpenFor = 5 * time.Minute
		to := always(sick)
		w.start("crm", s, to)
		w.flood("crm", 20)
		w.sleep(time.Minute)
		to.becomes(reply{status: 500, took: 4 * time.Second})
		operator := spool.Pause{By: spool.ByOperator}
		w.pause("crm", operator)
		w.sleep(20 * time.Minute)
		// Resumed and paused again while the probe is on its way: its failure ends
		// nothing either.
		sent := to.got()
		w.pause("crm", spool.Pause{})
		w.sleep(time.Second)
		w.pause("crm", operator)
		w.sleep(10 * time.Minute)
		if to.got() != sent+1 || len(w.letters("crm")) != 0 {
			t.Errorf("%d requests, %d dead letters", to.got()-sent, len(w.letters("crm")))
		}
		w.isWaiting("crm", 20)
	})
}

func TestReplayCountsAnew(t *testing.T) {
	bubble(t, func(w *world) {
		s := giveUp()
		s.ConsecutiveFailures = 1000
		to := always(sick)
		w.start("crm", s, to)
		w.accept("crm", "a")
		w.sleep(13 * time.Minute)
		letters := w.letters("crm")
		if len(letters) != 1 {
			t.Fatalf("%d dead letters", len(letters))
		}
		if _, _, err := w.spool.Replay(w.t.Context(), []string{letters[0].ID}, time.Now(), 0); err != nil {
			t.Fatal(err)
		}
		w.sleep(590 * time.Second)
		w.isState("crm", "waiting", "a")
		to.becomes(fine)
		w.sleep(3 * time.Minute)
		w.isState("crm", "delivered", "a")
		seen := to.seen()
		for _, r := range seen[1:] {
			if r.id != seen[0].id || r.id == "" || r.body != "a/1" {
				t.Fatalf("%q %q, want %q as at first", r.id, r.body, seen[0].id)
			}
		}
	})
}

// The store fails in the middle of the expiry: what it did not end is not
// counted, and the lane goes on.
func TestExpiryMeetsABrokenStore(t *testing.T) {
	bubble(t, func(w *world) {
		s := giveUp()
		s.Retry.GiveUpAfter = time.Minute
		r := w.lane("crm", s, always(sick))
		r.deps.Store = brokenExpiry{r.store}
		r.run()
		w.flood("crm", 30)
		w.sleep(10 * time.Minute)
		letters := len(w.letters("crm")) // of attempts of their own
		if got := w.counter("cdrelay_dead_letters_total", "crm", "expired"); got != float64(letters) || w.log.count("could not be ended") == 0 {
			t.Errorf("%v counted, %d made", got, letters)
		}
		r.sink.becomes(fine)
		w.sleep(5 * time.Minute)
		w.isWaiting("crm", 0)
	})
}

type brokenExpiry struct{ *watched }

func (brokenExpiry) Expire(context.Context, string, time.Time, spool.Reason, string, int) (int, error) {
	return 7, fmt.Errorf("%w: disk full", spool.ErrUnavailable)
}
