package delivery

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestPauseRestsTheWholeLane(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, script(reply{status: 429, retryAfter: "60"}, fine))
		w.accept("crm", "a")
		w.sleep(commit)
		leases := r.store.leases.Load()
		for i := range 50 {
			w.accept("crm", fmt.Sprint("later-", i))
			w.sleep(time.Second)
		}
		if n := r.sink.got(); n != 1 {
			t.Errorf("%d requests in the pause", n-1)
		}
		if n := r.store.leases.Load() - leases; n != 0 {
			t.Errorf("%d leases in the pause", n)
		}
		w.sleep(10*time.Second + commit)
		w.isWaiting("crm", 0)
		if got := w.status("crm", "a"); got.State != "delivered" || got.Tries != 1 {
			t.Errorf("%s after %d tries, want one: the pause is none", got.State, got.Tries)
		}
		if n := w.log.count("the sink asked for a pause"); n != 1 {
			t.Errorf("the pause was logged %d times", n)
		}
	})
}

func TestPauseIsDurable(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		to := script(reply{status: 503, retryAfter: "1800"}, fine)
		w.start("crm", setup{}, to)
		w.accept("crm", "a")
		w.sleep(commit)
		w.down(20 * time.Minute)
		w.start("crm", setup{}, to)
		w.sleep(9 * time.Minute)
		if to.got() != 1 {
			t.Fatalf("the restart ended the pause")
		}
		w.sleep(time.Minute + commit)
		w.isState("crm", "delivered", "a")
		if at := to.seen()[1].at.Sub(begun); at < 30*time.Minute || at > 30*time.Minute+commit {
			t.Errorf("delivered after %v", at)
		}
	})
}

// All that is on its way when the sink asks for a pause hears the same: one
// pause comes of it, and what was handed out already is not sent.
func TestPauseOfManyAtOnce(t *testing.T) {
	bubble(t, func(w *world) {
		slow := reply{status: 429, retryAfter: "60", took: 50 * time.Millisecond}
		r := w.start("crm", setup{}, always(slow))
		w.flood("crm", 100)
		w.sleep(30 * time.Second)
		if n := r.sink.got(); n != DefaultConcurrency {
			t.Errorf("%d requests, want those that were on their way", n)
		}
		if told, made := w.log.count("the sink asked for a pause"), r.store.pauses.Load(); told != 1 || made != 1 {
			t.Errorf("%d pauses were made and %d told", made, told)
		}
		if now, _ := r.store.holds(); now != 0 {
			t.Errorf("%d deliveries are held through the pause", now)
		}
		r.sink.becomes(fine)
		w.sleep(31 * time.Second)
		w.isWaiting("crm", 0)
	})
}

func TestLongerPauseStands(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		w.start("crm", setup{}, answers(func(n int, _ string) reply {
			return reply{status: 429, retryAfter: []string{"600", "60"}[n-1], took: time.Duration(n) * time.Second}
		}))
		w.accept("crm", "a", "b")
		w.sleep(5 * time.Second)
		if p := w.spool.PauseOf("crm"); p.Until.Sub(begun) < 10*time.Minute {
			t.Errorf("the pause ends %v after the beginning", p.Until.Sub(begun))
		}
	})
}

func TestQuickTriesBeforeAPauseAreKept(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{quick: 2}, script(sick, reply{status: 429, retryAfter: "60"}, fine))
		w.accept("crm", "a")
		w.sleep(3 * time.Second)
		if got := w.status("crm", "a"); resultsOf(got) != "unwell" || got.Tries != 1 || !got.DueAt.Equal(w.spool.PauseOf("crm").Until.Truncate(time.Millisecond)) {
			t.Errorf("%d tries %q, due %v", got.Tries, resultsOf(got), got.DueAt)
		}
		w.sleep(time.Minute)
		if got := w.status("crm", "a"); got.State != "delivered" || resultsOf(got) != "unwell delivered" {
			t.Errorf("%s after %q", got.State, resultsOf(got))
		}
	})
}

func TestOperatorsPauseStandsAboveTheSinks(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, script(reply{status: 429, retryAfter: "60", took: time.Second}, fine))
		w.accept("crm", "a")
		synctest.Wait()
		w.pause("crm", spool.Pause{By: spool.ByOperator})
		w.sleep(5 * time.Minute)
		if p := w.spool.PauseOf("crm"); p.By != spool.ByOperator || r.sink.got() != 1 {
			t.Fatalf("paused by %q, %d requests", p.By, r.sink.got())
		}
		to := r.sink
		w.down(48 * time.Hour)
		r = w.start("crm", setup{}, to)
		w.sleep(5 * time.Minute)
		if to.got() != 1 {
			t.Fatal("the restart ended an operator's pause")
		}
		if n := r.store.leases.Load(); n != 0 {
			t.Errorf("%d leases in an operator's pause", n)
		}
		w.pause("crm", spool.Pause{})
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

// An operator may end a pause that the sink asked for.
func TestResumeEndsTheSinksPause(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{}, script(reply{status: 429, retryAfter: "3600"}, fine))
		w.accept("crm", "a")
		w.sleep(commit)
		w.pause("crm", spool.Pause{})
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

func TestPauseHoldsWhereTheDiskDoesNotTakeIt(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.lane("crm", setup{}, script(reply{status: 429, retryAfter: "60"}, fine))
		full := errors.New("disk full")
		r.store.pauseErr.Store(&full)
		r.run()
		w.accept("crm", "a")
		w.sleep(59 * time.Second)
		if r.sink.got() != 1 || w.log.count("is not durable") != 1 {
			t.Errorf("%d requests; told %d times", r.sink.got(), w.log.count("is not durable"))
		}
		w.sleep(time.Second + commit)
		w.isState("crm", "delivered", "a")
	})
}

// A clock that ran far ahead when the sink asked for a pause, and was mended
// then, does not silence the lane until the wrong time has come.
func TestPauseFromAWrongClockIsOver(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{}, always(fine))
		w.pause("crm", spool.Pause{Until: time.Now().Add(48 * time.Hour), By: spool.BySink})
		w.accept("crm", "a")
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

// The pause of a probe is no failure: the lane rests, and the next one probes.
func TestPauseInTheProbe(t *testing.T) {
	bubble(t, func(w *world) {
		breaker := outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: 10 * time.Second}
		r := w.start("crm", setup{BreakerSettings: breaker}, script(sick, reply{status: 429, retryAfter: "60"}, fine))
		w.accept("crm", "a", "b", "c")
		w.sleep(60 * time.Second)
		at := r.sink.seen()
		if r.sink.got() < 2 || w.spool.PauseOf("crm").By != spool.BySink {
			t.Fatalf("%d requests, no pause", len(at))
		}
		w.sleep(30 * time.Second)
		w.isWaiting("crm", 0)
	})
}
